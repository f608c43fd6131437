"""Webhooks out: whom the files want told of incidents, by what secret, and when an attempt that failed comes again.

They follow Standard Webhooks: `webhook-id` stays the same over retries, and `webhook-signature` holds one signature a
secret, so that a receiver may have the old one or the new one while it is changed.
"""

import binascii
import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from pager.core.address import refused_host
from pager.core.feed import Kind
from pager.core.matcher import MatcherField, all_match
from pager.core.model import Model
from pager.core.severity import LevelField
from pager.core.signature import Texts

PREFIX = "whsec_"
FACTS = ("code", "title", "state", "team", "policy", "rule", "source", "service", "where")
"""What matchers of a webhook see of an incident."""
PAUSES = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
"""After the first attempt, after the second, and so on; then it is given up, after about 28 hours."""
_URL = re.compile(r"https?://[^\s/?#@]+([/?][^\s#]*)?|\$\{[A-Za-z_][A-Za-z0-9_]*\}", re.ASCII)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class Webhook(Model):
    """An entry of `webhooks:`: who is told of which events. What is left out is no condition.

    `secret`: the name of one, or of two while it is changed. `internal`: its receiver may stand in a private network.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    url: str
    secret: Texts = Field(min_length=1, max_length=2)
    events: tuple[Kind, ...] = ()
    severities: tuple[LevelField, ...] = ()
    teams: tuple[str, ...] = ()
    match: tuple[MatcherField, ...] = ()
    internal: bool = False

    @field_validator("url")
    @classmethod
    def _url_can_be_posted_to(cls, url: str) -> str:
        if not _URL.fullmatch(url):
            raise ValueError(f"not an address to post to: {url!r}; write https://bot.example.org/hooks or ${{BOT_URL}}")
        return url

    @field_validator("secret")
    @classmethod
    def _secret_is_a_name(cls, secret: tuple[str, ...]) -> tuple[str, ...]:
        for name in secret:
            if not _NAME.fullmatch(name) or name.startswith(PREFIX):
                # Without the text: it may be a secret.
                raise ValueError("write the name of a secret, as in `secret: BOT_SIGNS`, and never the secret itself")
        return secret

    @field_validator("match")
    @classmethod
    def _match_is_about_facts(cls, match: tuple[Any, ...]) -> tuple[Any, ...]:
        for matcher in match:
            if matcher.label not in FACTS:
                raise ValueError(f"an incident has no {matcher.label!r}; a webhook matches {', '.join(FACTS)}")
        return match

    @model_validator(mode="after")
    def _inside_is_meant(self) -> "Webhook":
        if why := refused_url(self.url, internal=self.internal):
            raise ValueError(why)
        return self

    @property
    def place(self) -> str:
        """Where it is, without what may be a secret."""
        return f"{urlsplit(self.url).scheme}://{urlsplit(self.url).netloc}" if "://" in self.url else self.url

    @property
    def address(self) -> str:
        """Another text when it is another receiver."""
        return hashlib.sha256(self.url.encode()).hexdigest()[:16]


def refused_url(url: str, *, internal: bool) -> str:
    """Why nothing is posted to `url`, "" if something may be; a host that is a name is judged when it is looked up."""
    parts = urlsplit(url)
    if parts.scheme == "http" and not internal:
        return "http:// goes in the clear: write https://, or `internal: true` for what stays in a private network"
    return refused_host(parts.hostname or "", internal=internal)


def wants(webhook: Webhook, kind: str, incident: Mapping[str, Any]) -> bool:
    """Whether a webhook is to be told of an event of this kind about `incident`, as `incident_told` makes it."""
    if webhook.events and kind not in webhook.events:
        return False
    if webhook.severities and incident.get("severity") not in webhook.severities:
        return False
    if webhook.teams and incident.get("team") not in webhook.teams:
        return False
    return all_match(webhook.match, {name: str(incident.get(name) or "") for name in FACTS})


def key_of(secret: str) -> bytes:
    """The key in `whsec_...`, 24 to 64 bytes. Raises ValueError, which does not quote it."""
    how = "write whsec_ and 32 random bytes in base64: printf 'whsec_%s\\n' \"$(openssl rand -base64 32)\""
    if not secret.startswith(PREFIX):
        raise ValueError(f"it does not begin with {PREFIX}; {how}")
    try:
        key = b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"what follows {PREFIX} is no base64; {how}") from None
    if not 24 <= len(key) <= 64:
        raise ValueError(f"it has {len(key)} bytes, and 24 to 64 are right; {how}")
    return key


def signed(keys: Sequence[bytes], message: str, at: int, body: bytes) -> str:
    """`webhook-signature`: one for each key. `at` is in seconds since 1970, as `webhook-timestamp` says it."""
    said = f"{message}.{at}.".encode() + body
    return " ".join(f"v1,{b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()}" for key in keys)


def message_id(number: int, seq: int, kind: str, at: datetime) -> str:
    """What names an event wherever it is told: the same over all attempts, and no other event's."""
    what = f"{number}.{seq}.{kind}.{at.isoformat()}"
    return f"evt_{hashlib.sha256(what.encode()).hexdigest()[:26]}"


def next_try(attempts: int, now: datetime, spread: float) -> datetime | None:
    """When to try again after so many attempts (at least 1); None: not again. `spread`, 0 to 1, lengthens it a little.

    Receivers that come back are not all asked in one second.
    """
    if attempts > len(PAUSES):
        return None
    return now + PAUSES[attempts - 1] * (1 + 0.1 * spread)
