"""The aiohttp application, put together from its parts."""

from typing import Any

from aiohttp import web

from pager.api import (
    alertmanager,
    alertmanager_read,
    alerts,
    audit,
    events,
    explain,
    generic,
    goalert,
    grafana_oncall,
    health,
    heartbeats,
    incidents,
    kept,
    load,
    oncall,
    openapi,
    opsgenie,
    overrides,
    pagerduty,
    people,
    ping,
    reload,
    silences,
    sources,
    status,
    tokens,
    upkeep,
    users,
    victorops,
    webhook,
    webhooks,
)
from pager.api.auditing import audits
from pager.api.doors import doors, load_tokens
from pager.api.guard import Runner
from pager.api.limits import KEEP_ALIVE, LINGER, bodies, records, unread
from pager.api.parts import GUARD, PASSWORDS, Parts, keep
from pager.api.problems import problems
from pager.api.repeats import repeats
from pager.api.tags import tags
from pager.web import link, pages, proof, static
from pager.web.packing import packed

SERVED = (
    alertmanager_read,
    *(generic, webhook, alertmanager, pagerduty, opsgenie, victorops, goalert, grafana_oncall),
    *(events, webhooks, kept),
    *(incidents, explain, alerts, oncall, overrides),
    *(ping, heartbeats, sources, people, silences, load, health, status, reload, tokens, users, audit, upkeep, openapi),
    *(link, proof, static),
    *pages.SERVED,
)


def build_app(parts: Parts) -> web.Application:
    """Everything that is served. Outside in: recorded, packed, worded, let in, read, done once, audited, tagged."""
    rooms = [records, packed, problems, doors, bodies, repeats, audits, tags]
    app = web.Application(middlewares=rooms, client_max_size=parts.intake.largest + 1)
    keep(app, parts)
    pages.prepare(app)
    events.prepare(app)
    for module in SERVED:
        app.add_routes(module.routes)
    app.on_startup.extend((health.started, load_tokens))
    app.on_cleanup.append(_end_passwords)
    return app


async def _end_passwords(app: web.Application) -> None:
    app[PASSWORDS].close()


def make_runner(app: web.Application, **options: Any) -> web.AppRunner:
    """A runner with our limits. The access log is our own: aiohttp's has query strings."""
    ours = {"access_log": None, "logger": unread(), "keepalive_timeout": KEEP_ALIVE, "lingering_time": LINGER}
    return Runner(app, app[GUARD], **ours, **options)
