"""Users over HTTP, for admins: who of the files may sign in, links by which they set a password, their browsers."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from aiohttp import web

from pager.accounts import LONGEST_LINK, USUAL_LINK
from pager.api import answers_admin as answers
from pager.api.auditing import remark
from pager.api.declared import told
from pager.api.doors import CALLER
from pager.api.parts import ACCOUNTS, DATABASE, ENGINE, KEYRING, PARTS
from pager.api.problems import Problem
from pager.api.reading import Length, read_body
from pager.api.shapes import rfc3339
from pager.core.duration import format_duration, parse_duration
from pager.core.hygiene import one_line
from pager.core.people import Person
from pager.store import accounts, sessions, tokens
from pager.store.accounts import Account
from pager.store.database import Tx
from pager.store.sessions import Session

routes = web.RouteTableDef()


class EnrolmentAsked(msgspec.Struct, forbid_unknown_fields=True):
    """`expires` is how long the link lasts, such as `2h`; `by` is who made it."""

    expires: Length = ""
    by: str = ""


class ByWhom(msgspec.Struct, forbid_unknown_fields=True):
    by: str = ""


@routes.get("/api/v1/users")
@told(answers.Users)
async def listed(request: web.Request) -> web.Response:
    """All people of the files, and those who had an account and are not there any more; never a password."""
    now, people = request.app[PARTS].clock(), request.app[ENGINE].catalog.people
    known, signed = await request.app[DATABASE].read(lambda tx: (accounts.every(tx), sessions.of_people(tx)))
    by_name = {account.person: account for account in known}
    of: dict[str, list[Session]] = {}
    for session in signed:
        if not session.has_ended(now):
            of.setdefault(session.person, []).append(session)
    names = [*people, *(name for name in by_name if name not in people)]
    users = [_user(name, people.get(name), by_name.get(name), of.get(name, ()), now) for name in names]
    answer: answers.Users = {"users": users, "closed": await request.app[KEYRING].closed(), "next": None}
    return web.json_response(answer)


@routes.post("/api/v1/users/{name}/enrolment")
@told(answers.Enrolment, status=201, body=EnrolmentAsked)
async def enroll(request: web.Request) -> web.Response:
    """201 with the link, which is shown only here, and works once. `first`: from now on everybody has to sign in."""
    name, wanted = _person(request), await read_body(request, EnrolmentAsked)
    now = request.app[PARTS].clock().replace(microsecond=0)
    lasts, by = _lasts(wanted.expires), one_line(wanted.by)[:100] or request[CALLER].name
    first = not await request.app[KEYRING].closed()
    shown = await request.app[ACCOUNTS].invite(name, by, lasts, now)
    url, ends = f"{request.app[PARTS].url}/enrol/{shown}", now + lasts
    remark(request, expires=rfc3339(ends))
    answer: answers.Enrolment = {"person": name, "url": url, "expires_at": rfc3339(ends), "first": first}
    return web.json_response(answer, status=201, headers={"Cache-Control": "no-store"})


@routes.post("/api/v1/users/{name}/disable")
@told(answers.Disabled, body=ByWhom)
async def disable(request: web.Request) -> web.Response:
    """Keep a person out, whichever way they come, and end their sessions. `tokens` of their name open as before."""
    name, said, now = await _known(request), await read_body(request, ByWhom), request.app[PARTS].clock()
    changed, ended = await request.app[ACCOUNTS].disable(name, one_line(said.by)[:100] or request[CALLER].name, now)
    left = [one.name for one in await request.app[DATABASE].read(tokens.api_tokens) if one.name == name]
    remark(request, ended=ended)
    answer: answers.Disabled = {"person": name, "disabled": changed, "ended": ended, "tokens": left}
    return web.json_response(answer)


@routes.post("/api/v1/users/{name}/enable")
@told(answers.Enabled, body=ByWhom)
async def enable(request: web.Request) -> web.Response:
    """Let a person in again by the password that they had."""
    name = await _known(request)
    await read_body(request, ByWhom)
    answer: answers.Enabled = {"person": name, "enabled": await request.app[ACCOUNTS].enable(name)}
    return web.json_response(answer)


@routes.get("/api/v1/users/{name}/sessions")
@told(answers.Sessions)
async def signed_in(request: web.Request) -> web.Response:
    """The browsers that a person is signed in with."""
    name, now = await _known(request), request.app[PARTS].clock()
    found = await request.app[DATABASE].read(lambda tx: sessions.of_person(tx, name))
    standing = [_session(one) for one in found if not one.has_ended(now)]
    answer: answers.Sessions = {"sessions": standing, "next": None}
    return web.json_response(answer)


@routes.delete("/api/v1/users/{name}/sessions")
@told(answers.Ended)
async def sign_out(request: web.Request) -> web.Response:
    """Sign a person out everywhere."""
    name = await _known(request)
    answer: answers.Ended = {
        "ended": await request.app[DATABASE].write(lambda tx: sessions.end_of_person(tx, name)),
    }
    return web.json_response(answer)


@routes.delete("/api/v1/users/{name}/sessions/{id}")
@told(answers.Ended)
async def sign_out_one(request: web.Request) -> web.Response:
    """Sign one browser of a person out."""
    name, session = await _known(request), request.match_info["id"]

    def end(tx: Tx) -> bool:
        found = sessions.get(tx, session)
        return found is not None and found.person == name and sessions.end(tx, session)

    if not await request.app[DATABASE].write(end):
        raise Problem(404, f"{name} has no session {session[:20]!r}")
    remark(request, session=session)
    return web.json_response({"ended": 1})


def _person(request: web.Request) -> str:
    """Who is meant, of the files. Problem 404."""
    name = request.match_info["name"]
    people = request.app[ENGINE].catalog.people
    if name not in people:
        there = ", ".join(sorted(people)) or "none; write them into `people:`"
        raise Problem(404, f"no person {name[:50]!r}; there are: {there}", path="name")
    return name


async def _known(request: web.Request) -> str:
    """As `_person`, or somebody who was in the files before, and has an account or sessions. Problem 404."""
    name = request.match_info["name"]

    def is_kept(tx: Tx) -> bool:
        return accounts.get(tx, name) is not None or bool(sessions.of_person(tx, name))

    return name if await request.app[DATABASE].read(is_kept) else _person(request)


def _lasts(expires: str) -> timedelta:
    try:
        lasts = parse_duration(expires) if expires else USUAL_LINK
    except ValueError as error:
        raise Problem(400, str(error), path="expires") from None
    if not timedelta(minutes=1) <= lasts <= LONGEST_LINK:
        raise Problem(400, f"a link lasts for 1m to {format_duration(LONGEST_LINK)}", path="expires")
    return lasts


def _user(
    name: str, person: Person | None, account: Account | None, signed: Sequence[Session], now: datetime
) -> answers.User:
    invite_ends = account.invite_ends if account is not None and account.has_invite(now) else None
    return {
        "person": name,
        "name": person.name if person else None,
        "role": person.role if person else None,
        "login": (person.login or name) if person else None,
        "in_files": person is not None,
        "password_set_at": rfc3339(account.set_at) if account else None,
        "link_expires_at": rfc3339(invite_ends),
        "link_by": account.invited_by if account is not None and invite_ends else None,
        "disabled_at": rfc3339(account.disabled_at) if account else None,
        "disabled_by": (account.disabled_by or None) if account else None,
        "sessions": len(signed),
        "seen_at": rfc3339(max((one.used_at for one in signed), default=None)),
    }


def _session(session: Session) -> answers.Session:
    return {
        "id": session.id,
        "way": session.way,
        "agent": session.agent,
        "address": session.address or None,
        "created_at": rfc3339(session.created_at),
        "used_at": rfc3339(session.used_at),
    }
