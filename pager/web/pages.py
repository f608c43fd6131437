"""The pages inside: what is served to whoever may come in, one file a page."""

from aiohttp import web

from pager.web import (
    alerts,
    audit,
    contacts,
    declare,
    enrol,
    holds,
    incident,
    live,
    login,
    manual,
    me,
    now,
    oncall,
    provider,
    reports,
    rules,
    system,
    wall,
)

SERVED = (
    now,
    incident,
    oncall,
    alerts,
    holds,
    rules,
    reports,
    wall,
    declare,
    system,
    manual,
    login,
    provider,
    enrol,
    me,
    contacts,
    audit,
    live,
)


def prepare(app: web.Application) -> None:
    """What pages need to be there before the first request."""
    live.prepare(app)
