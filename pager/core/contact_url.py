"""Contact URLs: which Apprise URLs are accepted, what kind of channel each is, and whose limits it counts against.

A URL may hold `${NAME}` where a secret goes, or be nothing else: what cannot be judged without the secret is judged
again when it is filled in.
"""

import difflib
import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import unquote, urlsplit

from pager.core.hygiene import printable

ChannelClass = Literal["chat", "mail", "push", "sms", "voice", "ticket", "console", "webhook", "incident"]

LONGEST_URL = 4096

_BY_CLASS: Mapping[ChannelClass, str] = {
    "chat": "slack discord tgram matrix matrixs mmost mmosts workflow workflows gchat webex wxteams zulip rocket "
    "rockets signal signals threema nctalk nctalks synology synologys stackfield twist ryver flock guilded "
    "revolt groupme lark feishu dingtalk wecombot line viber whatsapp whapi zoom cliq zohocliq zcliq irc ircs "
    "mastodon mastodons misskey misskeys xmpp xmpps humhub humhubs",
    "mail": "mailto mailtos ses mailgun sendgrid smtp2go postmark resend o365 azure sparkpost brevo mailersend "
    "sendpulse",
    "push": "ntfy ntfys pover gotify gotifys pbul prowl bark barks join simplepush spush onesignal push pushy pushed "
    "pjet pjets psafer psafers pushdeer pushdeers gorush gorushs fcm vapid notica noticas ncloud nclouds hassio "
    "hassios chanify lametric lametrics ifttt",
    "sms": "twilio vonage nexmo plivo sns telnyx sinch infobip msgbird clicksend bulksms bulkvs 46elks elks atalk "
    "seven smseagle smseagles clickatell d7sms burstsms kudosity exotel freemobile httpsms kavenegar msg91 octopush "
    "smsmgr smsmanager telesign voipms smpp smpps",
    "ticket": "github",
    "console": "console",
    "webhook": "json jsons xml xmls form forms mqtt mqtts amqp amqps",
    "incident": "pagerduty opsgenie jira splunk victorops ilert incidentio firehydrant betterstack squadcast spike "
    "pagertree goalert goalerts xmatters signl4 flowtriq flowtriqs",
}
SCHEMES: Mapping[str, ChannelClass] = {scheme: kind for kind, names in _BY_CLASS.items() for scheme in names.split()}
"""Every scheme that is accepted; what is not here is refused, and the sender's children refuse it again."""

_DENIED_SCHEMES: Mapping[str, str] = {
    **dict.fromkeys(("syslog", "dbus", "qt", "kde", "glib", "gio", "gnome", "macosx", "windows", "blink1", "growl"),
                    "it acts on this machine"),
    **dict.fromkeys(("apprise", "apprises"), "it may go anywhere"),
    **dict.fromkeys(("file", "include", "config", "memory", "exec", "python"), "it reads or runs files"),
    **dict.fromkeys(("http", "https"), "a web address is no contact; jsons:// posts JSON to one"),
    **dict.fromkeys(("msteams",), "it has ended; use workflow://"),
    **dict.fromkeys(("rsyslog",), "nobody is told whether it arrived"),
}  # fmt: skip
_DENIED_PARAMETERS: Mapping[str, str] = {
    "redirect": "a page that is redirected is lost",
    "optional": "failures would look like successes",
    "retry": "pager owns the retries",
    "wait": "pager owns the retries",
    "template": "it opens a file",
    "emojis": "it changes the text of alerts",
    "store": "it writes to disk",
    "cc": "one contact is one target",
    "bcc": "one contact is one target",
    **dict.fromkeys(("attach", "attach-as", "keyfile", "subfile"), "it opens a file"),
    **dict.fromkeys(("pgp", "pgppub", "pgpprv", "pgpkey", "wkd"), "it opens a file or asks strangers for keys"),
}
_TRUE = frozenset({"yes", "true", "1", "on", "y", "t", "enable", "enabled"})

# The host is where the message goes, and no token; elsewhere the host part is often one.
_OWN_HOSTS = (
    "json xml form mqtt amqp mailto mmost rocket matrix gotify ntfy synology nctalk ncloud bark signal smseagle "
    "goalert hassio gorush pjet irc xmpp humhub smpp misskey mastodon infobip xmatters workflow"
)
_SELF_HOSTED = frozenset(_OWN_HOSTS.split())
_TARGETS_AFTER: Mapping[str, int] = {
    "tgram": 0, "twilio": 0, "vonage": 0, "nexmo": 0, "sinch": 0, "telnyx": 0, "mailto": 0, "mailtos": 0,
    "plivo": 1, "infobip": 0, "signal": 1, "signals": 1, "atalk": 0, "seven": 0, "46elks": 0, "threema": 0,
}  # fmt: skip
"""How many parts of the path come before the targets; only schemes where that is fixed."""

_USUAL_ROOM, _LETTER = 1000, 4000
_ROOMS: Mapping[str, int] = {
    scheme: room
    for room, schemes in (
        (500, ("misskey", "misskeys")),
        (380, ("irc", "ircs", "splunk", "victorops")),
        (140, ("pushed", "plivo")),
    )
    for scheme in schemes
}
"""What a message may take, title and all, where it is not what nearly every service takes."""

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_STAND_IN = "placeholder"
_SCHEME = re.compile(r"([A-Za-z0-9]{1,32}):/{1,2}")


class MissingSecret(KeyError):
    """A `${NAME}` that nothing fills; `name` is which."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"no secret named {self.name}"


def placeholders(url: str) -> list[str]:
    """The names in `${NAME}`, in order, each once."""
    return list(dict.fromkeys(_PLACEHOLDER.findall(url)))


def fill(url: str, secrets: Mapping[str, str]) -> str:
    """`url` with each `${NAME}` replaced, as is: what needs percent-encoding in a URL is kept encoded in the secret.

    A secret may thus be a whole URL or several parts of one. Raises MissingSecret for a name that is not there.
    """

    def value_of(match: re.Match[str]) -> str:
        if match[1] not in secrets:
            raise MissingSecret(match[1])
        return secrets[match[1]]

    return _PLACEHOLDER.sub(value_of, url)


def check_url(url: str) -> list[str]:
    """Why `url` is refused, each reason a sentence without secrets; empty if it is fine.

    A URL that begins with a placeholder is only checked once that is filled in.
    """
    if len(url.encode(errors="surrogatepass")) > LONGEST_URL:
        return [f"a contact URL has at most {LONGEST_URL} bytes"]
    if not printable(url):
        return ["a contact URL has no spaces, line ends or invisible characters; percent-encode them"]
    if _PLACEHOLDER.match(url):
        return []
    if (found := _SCHEME.match(url)) is None or not url.startswith("://", found.end(1)):
        return ["a contact URL begins with a scheme, such as ntfys:// or mailtos://"]
    plain = _PLACEHOLDER.sub(_STAND_IN, url)
    broken = ["${ without a name and a }; write ${NAME}"] if "${" in plain else []
    return broken + _scheme_problems(scheme_of(url)) + _parameter_problems(plain) + _target_problems(plain)


def scheme_of(url: str) -> str:
    """The scheme in lower case, or empty where there is none to be seen."""
    found = _SCHEME.match(url)
    return found[1].lower() if found else ""


def channel_class(url: str) -> ChannelClass:
    """What kind of channel `url` is, by its scheme; one that nothing is known about yet counts as a webhook."""
    kind = SCHEMES.get(scheme_of(url), "webhook")
    # Any beginning of "call" makes the call, as in Apprise.
    calls = any(name == "method" and value and "call".startswith(value.lower()) for name, value in parameters(url))
    return "voice" if kind == "sms" and calls else kind


def room_of(url: str) -> int:
    """How many characters a message to `url` may have; a service that is given more cuts the end, and the link."""
    scheme = scheme_of(url)
    usual = _LETTER if SCHEMES.get(scheme) in ("mail", "ticket", "webhook") else _USUAL_ROOM
    return _ROOMS.get(scheme, usual)


def destination(url: str) -> str:
    """Whose limits `url` counts against: the scheme, with host and port where the host is the user's own.

    Never a secret: hosted services keep tokens where a host would stand, so there only the scheme is named.
    """
    scheme = scheme_of(url)
    family = scheme[:-1] if scheme.endswith("s") and scheme[:-1] in _SELF_HOSTED else scheme
    if family not in _SELF_HOSTED:
        return scheme or "unknown"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return family
    told = dict(parameters(url))
    if family == "mailto":
        host = told.get("smtp", "").lower() or host
    # ntfy://topic goes to ntfy.sh, and the topic is all that keeps strangers out.
    in_cloud = family == "ntfy" and (not parts.path.strip("/") or told.get("mode", "").lower() == "cloud")
    if in_cloud or not _looks_like_a_host(host):
        return family
    return f"{family}:{host}:{port}" if port else f"{family}:{host}"


def parameters(url: str) -> list[tuple[str, str]]:
    """The parameters as Apprise reads them: `&` and `;` part them, names in lower case, both percent-decoded."""
    # A second question mark also begins a parameter here: rather one too many than one unseen.
    pairs = (piece.partition("=") for piece in re.split(r"[?&;]", url)[1:])
    return [(unquote(name).replace("+", " ").strip().lower(), unquote(value).strip()) for name, _, value in pairs]


def _looks_like_a_host(host: str) -> bool:
    return 0 < len(host) <= 253 and ("." in host or ":" in host or len(host) <= 20) and printable(host)


def _scheme_problems(scheme: str) -> list[str]:
    if scheme in SCHEMES:
        return []
    if scheme in _DENIED_SCHEMES:
        return [f"{scheme}:// is refused: {_DENIED_SCHEMES[scheme]}"]
    near = difflib.get_close_matches(scheme, SCHEMES, n=1, cutoff=0.7)
    return [f"unknown scheme {scheme}://" + (f"; did you mean {near[0]}://?" if near else "")]


def _parameter_problems(url: str) -> list[str]:
    found = []
    for name, value in parameters(url):
        if name in _DENIED_PARAMETERS:
            found.append(f"{name}= is refused: {_DENIED_PARAMETERS[name]}")
        elif name == "verify" and value.lower() not in _TRUE:
            found.append("verify= is refused unless it is yes: the answer could come from anybody")
        elif name == "overflow" and value.lower() == "split":
            found.append("overflow=split is refused: a page is one message; use overflow=truncate")
    return found


def _target_problems(url: str) -> list[str]:
    """More targets than one, where the URL shows it without Apprise; the sender counts again."""
    several = ["more than one target; write one contact for each, so that each has its own outcome"]
    if any("," in value for name, value in parameters(url) if name == "to"):
        return several
    scheme, path = scheme_of(url), url.partition("://")[2].partition("?")[0]
    parts = [part for part in path.split("/")[1:] if part]
    before = _TARGETS_AFTER.get(scheme)
    if scheme in ("ntfy", "ntfys"):
        before = 0
    return several if before is not None and len(parts) > before + 1 else []
