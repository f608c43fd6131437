"""Urgency: what a contact's URL is given for a message, so that a SEV-1 breaks through and news makes no sound.

Where a service can, a newer message of an incident stands in the place of the older one, or in one thread with it.

What the person wrote in the URL stands: a parameter that is there is never changed.
"""

from collections.abc import Mapping
from urllib.parse import quote

from pager.core.contact_url import LONGEST_URL, parameters, scheme_of
from pager.core.proven import ASKED, TEST
from pager.core.text import Facts

Parameters = Mapping[str, str]

_PRIORITIES = ("emergency", "high", "normal", "low")
_NTFY = ("max", "high", "default", "low")
_BARK = ("critical", "timeSensitive", "active", "passive")
# Emergencies of Pushover sound again until they are acknowledged in the app, which pager does not hear of.
_PUSHOVER: Parameters = {"priority": "emergency", "sound": "siren", "interval": "60", "expire": "600"}


def _each(name: str, values: tuple[str, ...]) -> tuple[Parameters, ...]:
    return tuple({name: value} for value in values)


_TUNES: Mapping[str, tuple[Parameters, ...]] = {
    "pover": (_PUSHOVER, *_each("priority", _PRIORITIES[1:])),
    "bark": ({"level": "critical", "call": "yes"}, *_each("level", _BARK[1:])),
    "ntfy": _each("priority", _NTFY),
    "gotify": _each("priority", _PRIORITIES),
    "prowl": _each("priority", _PRIORITIES),
    "join": _each("priority", _PRIORITIES),
    "opsgenie": _each("priority", _PRIORITIES),
    "pagerduty": _each("severity", ("critical", "error", "warning", "info")),
}
"""By scheme: for a page of SEV-1, of SEV-2, of the rest, and for what only tells."""
_SAME = ("pagerduty", "ilert", "incidentio", "firehydrant", "squadcast", "goalert", "pagertree")
_KEYS: Mapping[str, str] = {"opsgenie": "alias", **dict.fromkeys(_SAME, "dedup"), "bark": "id", "hassio": "nid"}
"""Other pagers keep what has one key together, and close it when it is resolved; others replace the older message."""
_NEWS = 3
_OF_NOTICES: Mapping[str, int] = {ASKED: 0, TEST: 1}
"""A person who asks for another wakes them as a SEV-1 does; a test is as loud as what it stands for, and rings once."""
_LOUD_MAIL: Parameters = {"+Importance": "high", "+X-Priority": "1"}


def tuned(url: str, facts: Facts) -> str:
    """`url` with the priority, the sound and the key that its service knows for a message of `facts`."""
    scheme = scheme_of(url)
    family = scheme if scheme in _TUNES or scheme in _KEYS else scheme.removesuffix("s")
    wanted = dict(_TUNES[family][_loudness(facts)]) if family in _TUNES else {}
    if family in _KEYS and facts.code:
        wanted[_KEYS[family]] = f"pager-{facts.code}"
    if family == "mailto":
        wanted = _headers(facts)
    written = {name for name, _ in parameters(url)}
    added = "&".join(
        f"{name}={quote(value)}" for name, value in wanted.items() if name.lower().lstrip("+") not in written
    )
    tuned_url = f"{url}{'&' if '?' in url else '?'}{added}" if added else url
    return tuned_url if len(tuned_url) <= LONGEST_URL else url


def _headers(facts: Facts) -> dict[str, str]:
    """What makes the mails of an incident one thread, keeps absence notes from answering, and marks a page."""
    headers = {"+Auto-Submitted": "auto-generated"}
    if facts.code and not facts.bundle:
        headers["+References"] = f"<pager-{facts.code}@pager>"
    return {**headers, **_LOUD_MAIL} if _loudness(facts) < _NEWS else headers


def _loudness(facts: Facts) -> int:
    if facts.alone:
        return _OF_NOTICES.get(facts.why, _NEWS)
    if facts.kind != "page" and facts.why != "reassigned":
        return _NEWS
    return {"SEV-1": 0, "SEV-2": 1}.get(facts.severity, 2)
