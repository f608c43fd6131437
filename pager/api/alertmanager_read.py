"""Alertmanager's API for readers: amtool, Karma and dashboards see alerts and make silences as if at an Alertmanager.

An alert's receiver is the policy of its incident. A silence's id is its number in the form of a UUID.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from aiohttp import web

from pager import __version__
from pager.api.parts import DATABASE, ENGINE, PARTS
from pager.api.privacy import eyes_of, is_veil
from pager.api.problems import Problem
from pager.api.reading import name_in, read_body, text_in
from pager.api.shapes import rfc3339
from pager.core.alert import fingerprint_of
from pager.core.matcher import Matcher, all_match, parse_matcher
from pager.core.silence import Silence, Wanted, check
from pager.holding import UnknownSilence
from pager.judge import labels_of
from pager.store import alerts, incidents
from pager.store import silences as rows
from pager.store.alerts import KnownAlert
from pager.store.database import Tx

routes = web.RouteTableDef()
Said = dict[str, Any]
MOST = 5000
CHUNK = 1000
MOST_MATCHERS = 20
LONGEST = 1000
BY = "amtool"


class AskedMatcher(msgspec.Struct):
    name: str
    value: str
    isRegex: bool = False
    isEqual: bool = True


class Asked(msgspec.Struct):
    """A silence as Alertmanager's clients write it; with `id` it takes the place of that one."""

    matchers: list[AskedMatcher]
    startsAt: datetime
    endsAt: datetime
    createdBy: str = ""
    comment: str = ""
    id: str | None = None


@routes.get("/api/v2/status")
async def status(request: web.Request) -> web.Response:
    now = rfc3339(request.app[PARTS].clock())
    version = dict.fromkeys(("branch", "buildDate", "buildUser", "goVersion", "revision"), "")
    return web.json_response(
        {
            "cluster": {"name": "pager", "status": "ready", "peers": []},
            "config": {"original": ""},
            "uptime": now,
            "versionInfo": {**version, "version": f"pager {__version__}"},
        }
    )


@routes.get("/api/v2/receivers")
async def receivers(request: web.Request) -> web.Response:
    """The policies."""
    return web.json_response([{"name": name} for name in request.app[ENGINE].catalog.policies])


@routes.get("/api/v2/alerts")
@routes.get("/api/v2/alerts/")
async def listed(request: web.Request) -> web.Response:
    """The alerts that fire, `?filter=` matchers, `?silenced=false` without what a silence hides; 5,000 at most."""
    return web.json_response(await _alerts(request))


@routes.get("/api/v2/alerts/groups")
async def groups(request: web.Request) -> web.Response:
    """The same by incident: what they have in common is called the group's labels."""
    found: dict[tuple[str, str], list[Said]] = {}
    for alert in await _alerts(request):
        key = (alert["receivers"][0]["name"], alert["labels"].get("alertname", ""))
        found.setdefault(key, []).append(alert)
    return web.json_response(
        [
            {"labels": {"alertname": name} if name else {}, "receiver": {"name": receiver}, "alerts": of_group}
            for (receiver, name), of_group in found.items()
        ]
    )


@routes.get("/api/v2/silences")
async def silences(request: web.Request) -> web.Response:
    """All that are kept, expired ones too, `?filter=` those that are about such alerts."""
    wanted, now = _filters(request), request.app[PARTS].clock()
    found = await request.app[DATABASE].read(lambda tx: rows.page_of(tx, "silence", every=True, after=0, limit=MOST))
    shown = [each for each in found if _is_about(each, wanted)]
    return web.json_response([_silence(each, now) for each in shown])


@routes.post("/api/v2/silences")
async def make(request: web.Request) -> web.Response:
    """Make one, in the place of the one that its `id` names. 400 for one that would hide everything."""
    asked, now = await read_body(request, Asked), request.app[PARTS].clock()
    wanted = _wanted(asked, now)
    holding = request.app[ENGINE].holding
    if asked.id and (number := _number(asked.id)):
        try:
            await holding.expire(number, "silence", wanted.by)
        except UnknownSilence:
            raise Problem(404, f"there is no silence {asked.id[:40]!r}", path="id") from None
    made = await holding.add(wanted)
    return web.json_response({"silenceID": _id(made.id)})


@routes.get("/api/v2/silence/{id}")
async def one(request: web.Request) -> web.Response:
    number = _number(request.match_info["id"])
    found = await request.app[DATABASE].read(lambda tx: rows.get(tx, number))
    if found is None or found.wanted.kind != "silence":
        raise Problem(404, "there is no such silence")
    return web.json_response(_silence(found, request.app[PARTS].clock()))


@routes.delete("/api/v2/silence/{id}")
async def expire(request: web.Request) -> web.Response:
    """End it now: what it hid and still fires pages at once. Safe to repeat."""
    try:
        await request.app[ENGINE].holding.expire(_number(request.match_info["id"]), "silence", BY)
    except UnknownSilence:
        raise Problem(404, "there is no such silence") from None
    return web.Response()


async def _alerts(request: web.Request) -> list[Said]:
    wanted, query, now, eyes = _filters(request), request.query, request.app[PARTS].clock(), eyes_of(request)
    standing = [each for each in request.app[ENGINE].holding.standing(now) if each.wanted.kind == "silence"]
    active = [each for each in standing if each.state(now) == "active"]
    receiver = _receiver(query.get("receiver", ""))

    def read(tx: Tx) -> list[tuple[KnownAlert, str]]:
        # What is hidden must match no filter: its labels could be guessed.
        shown = eyes.alerts(tx, list(_firing(tx)))
        found = [known for known in shown if all_match(wanted, labels_of(known.state))]
        seen = {known.incident for known in found if known.incident is not None and not is_veil(known)}
        policies = {number: home.policy for number, home in incidents.standing(tx, seen).items()}
        return [(known, policies.get(known.incident or 0, "none")) for known in found]

    told = [_alert(known, policy, active) for known, policy in await request.app[DATABASE].read(read)]
    hidden, shown = query.get("silenced", "true") != "false", query.get("active", "true") != "false"
    return [
        alert
        for alert in told
        if receiver.fullmatch(alert["receivers"][0]["name"]) and (hidden if alert["status"]["silencedBy"] else shown)
    ]


def _firing(tx: Tx) -> Iterable[KnownAlert]:
    after, read = -(2**63), 0
    while read < MOST:
        found = alerts.page_of(tx, state="firing", after=after, limit=CHUNK)
        yield from found
        if len(found) < CHUNK:
            return
        after, read = found[-1].state.key, read + len(found)


def _receiver(written: str) -> re.Pattern[str]:
    """A receiver is asked for by its name alone; Alertmanager would take an expression."""
    return re.compile(re.escape(written) if written else ".*")


def _filters(request: web.Request) -> tuple[Matcher, ...]:
    written = request.query.getall("filter", [])
    if len(written) > MOST_MATCHERS or any(len(each) > LONGEST for each in written):
        raise Problem(400, f"{MOST_MATCHERS} filters of {LONGEST} characters at most", path="filter")
    try:
        return tuple(map(parse_matcher, written))
    except ValueError as error:
        raise Problem(400, str(error), path="filter") from None


def _is_about(silence: Silence, wanted: Sequence[Matcher]) -> bool:
    """As Alertmanager: each filter must fit what the silence's own matchers ask for."""
    asks: Mapping[str, str] = {matcher.label: matcher.value for matcher in silence.wanted.matchers}
    return all(matcher.label in asks and matcher.matches(asks) for matcher in wanted)


def _wanted(asked: Asked, now: datetime) -> Wanted:
    if not 0 < len(asked.matchers) <= MOST_MATCHERS:
        raise Problem(400, f"write 1 to {MOST_MATCHERS} matchers", path="matchers")
    try:
        wanted = Wanted(
            kind="silence",
            matchers=tuple(map(_matcher, asked.matchers)),
            starts_at=max(now, _aware(asked.startsAt)),
            ends_at=_aware(asked.endsAt),
            by=name_in(asked.createdBy, "createdBy"),
            why=text_in(asked.comment, "comment", 500),
        )
        check(wanted, now)
    except (ValueError, OverflowError) as error:
        raise Problem(400, str(error)) from None
    return wanted


def _aware(at: datetime) -> datetime:
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


def _matcher(asked: AskedMatcher) -> Matcher:
    operator = {(True, True): "=~", (True, False): "!~", (False, True): "=", (False, False): "!="}
    if len(asked.name) + len(asked.value) > LONGEST:
        raise ValueError(f"a matcher has {LONGEST} characters at most")
    value = asked.value.replace("\\", "\\\\").replace('"', '\\"')
    return parse_matcher(f'{asked.name} {operator[asked.isRegex, asked.isEqual]} "{value}"')


# How they are told.


def _id(number: int) -> str:
    digits = f"{number:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _number(written: str) -> int:
    digits = written.replace("-", "")
    return int(digits, 16) if re.fullmatch("0{17}[0-9a-f]{15}", digits) else 0


def _alert(known: KnownAlert, policy: str, active: Sequence[Silence]) -> Said:
    state = known.state
    hidden_by = [_id(each.id) for each in active if each.hides(labels_of(state))]
    return {
        "labels": dict(state.labels),
        "annotations": dict(state.annotations),
        "receivers": [{"name": policy}],
        "fingerprint": state.fingerprint or fingerprint_of(state.labels),
        "startsAt": rfc3339(state.starts_at),
        "endsAt": rfc3339(state.expires_at or state.ends_at or known.heard_at),
        "updatedAt": rfc3339(known.heard_at),
        "generatorURL": state.generator_url,
        "status": {
            "state": "suppressed" if hidden_by else "active",
            "silencedBy": hidden_by,
            "inhibitedBy": [],
            "mutedBy": [],
        },
    }


def _silence(silence: Silence, now: datetime) -> Said:
    wanted = silence.wanted
    return {
        "id": _id(silence.id),
        "status": {"state": silence.state(now)},
        "createdBy": wanted.by,
        "comment": wanted.why,
        "startsAt": rfc3339(wanted.starts_at),
        "endsAt": rfc3339(silence.ends_at),
        "updatedAt": rfc3339(silence.expired_at or silence.created_at),
        "matchers": [
            {
                "name": matcher.label,
                "value": matcher.value,
                "isRegex": matcher.operator in ("=~", "!~"),
                "isEqual": matcher.operator in ("=", "=~"),
            }
            for matcher in wanted.matchers
        ],
    }
