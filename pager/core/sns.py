"""Amazon SNS: what is signed of a message, and which addresses that a message names may be asked.

A stranger writes these messages until the signature was checked, so an address counts only if it is one of Amazon's to
the letter: one that merely contains its name is somebody else's.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pager.core.signature import Signed

NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
FIELDS: Mapping[str, tuple[str, ...]] = {
    "Notification": NOTIFICATION,
    "SubscriptionConfirmation": CONFIRMATION,
    "UnsubscribeConfirmation": CONFIRMATION,
}
LONGEST_ADDRESS = 2000
_HOST = r"https://sns\.[a-z0-9]+(?:-[a-z0-9]+)*\.amazonaws\.com(?:\.cn)?"
_CERTIFICATE = re.compile(_HOST + r"/[A-Za-z0-9_.-]+\.pem", re.ASCII)
_SUBSCRIBE = re.compile(_HOST + r"/\?[\x21-\x7e]*", re.ASCII)


class NotSigned(ValueError):
    """The message cannot be Amazon's, or is about another topic; the text says why."""


def signed_part(message: Mapping[str, Any]) -> bytes:
    """What the signature is about: some fields in their order, each as two lines. Raises NotSigned."""
    kind = message.get("Type")
    fields = FIELDS.get(kind) if isinstance(kind, str) else None
    if fields is None:
        raise NotSigned("it is no message of SNS; raw delivery has no signature: turn it off")
    lines = []
    for name in fields:
        if name not in message and name == "Subject":
            continue
        if not isinstance(message.get(name), str):
            raise NotSigned(f"it has no {name}")
        lines += [name, message[name]]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")


def check_message(message: Mapping[str, Any], signed: Signed, now: datetime) -> None:
    """Raise NotSigned for a message of another topic, or an old one."""
    if message.get("TopicArn") not in signed.topics:
        raise NotSigned("its topic is none of those that the files name")
    try:
        at = datetime.fromisoformat(str(message.get("Timestamp")))
        age = abs(now - at)
    except (ValueError, TypeError):
        raise NotSigned("its Timestamp is none") from None
    # The link of a confirmation works for three days, and Amazon does not repeat it for longer.
    fresh = timedelta(days=3) if message.get("Type") == "SubscriptionConfirmation" else signed.fresh
    if age > fresh:
        raise NotSigned(f"it was sent at {at:%Y-%m-%dT%H:%MZ}, which is too long ago or to come")


def certificate_in(message: Mapping[str, Any]) -> str:
    """Where the certificate is. Raises NotSigned for every address that is not Amazon's own."""
    return _address(message.get("SigningCertURL", message.get("SigningCertUrl")), _CERTIFICATE, "SigningCertURL")


def confirmation_in(message: Mapping[str, Any]) -> str:
    """The address that confirms the subscription to the message's topic. Raises NotSigned."""
    address = _address(message.get("SubscribeURL"), _SUBSCRIBE, "SubscribeURL")
    query = parse_qs(urlsplit(address).query)
    if query.get("Action") != ["ConfirmSubscription"] or query.get("TopicArn") != [message["TopicArn"]]:
        raise NotSigned("its SubscribeURL does not confirm a subscription to its topic")
    return address


def _address(value: Any, form: re.Pattern[str], name: str) -> str:
    if isinstance(value, str) and len(value) <= LONGEST_ADDRESS and form.fullmatch(value):
        return value
    raise NotSigned(f"its {name} is no address of Amazon SNS")
