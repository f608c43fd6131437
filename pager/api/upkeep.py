"""Upkeep over HTTP: a backup now, and what the doctor says."""

from typing import cast

from aiohttp import web
from msgspec.structs import asdict

from pager.api import answers_admin as answers
from pager.api.declared import told
from pager.api.parts import PARTS
from pager.api.problems import Problem
from pager.api.shapes import rfc3339
from pager.doctor import examine
from pager.secrets import Secrets
from pager.store import StoreError
from pager.upkeep import Upkeep

routes = web.RouteTableDef()


@routes.post("/api/v1/backups")
@told(answers.Backup, status=201, refuses=(501,))
async def backup(request: web.Request) -> web.Response:
    """Make a copy of the database now: 201 and where it is. 501 for a database that makes its own."""
    backups = _upkeep(request).backups
    if backups is None:
        raise Problem(501, "pagerd copies SQLite files; on PostgreSQL use pg_dump, or its continuous archiving")
    try:
        made = await backups.make()
    except StoreError as error:
        raise Problem(503, str(error)) from None
    except OSError as error:
        raise Problem(503, f"no copy could be made in {backups.folder}: {error.strerror}") from None
    answer: answers.Backup = {
        "file": str(made.file.absolute()),
        "at": rfc3339(made.at),
        "bytes": made.size,
        "seconds": made.seconds,
    }
    return web.json_response(answer, status=201)


@routes.get("/api/v1/doctor")
@told(answers.Doctor, refuses=(501,))
async def doctor(request: web.Request) -> web.Response:
    """Every check, `ok`, `warn` or `FAIL`, with what to do about it; `now` is the clock of this pager."""
    checks = await examine(_upkeep(request), Secrets())
    answer: answers.Doctor = {
        "ok": all(check.level != "FAIL" for check in checks),
        "now": rfc3339(request.app[PARTS].clock()),
        "checks": [cast(answers.Check, asdict(check)) for check in checks],
    }
    return web.json_response(answer)


def _upkeep(request: web.Request) -> Upkeep:
    found = request.app[PARTS].upkeep
    if found is None:
        raise Problem(501, "this pager has no upkeep")
    return found
