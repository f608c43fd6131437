"""Sign in, /login: a token shown once opens a session, which the browser shows from then on."""

from aiohttp import web

from pager.api.doors import cookie_name, holder_of, is_https
from pager.api.parts import KEYRING, PARTS, SESSIONS
from pager.api.problems import Problem
from pager.core.scope import allows
from pager.store.sessions import LASTS
from pager.web.render import login
from pager.web.seat import fields_of, see_other

routes = web.RouteTableDef()
EMPTY = "Paste your token: it begins with pgr_."
WRONG = "That is no token of this pager, or it was revoked."
EXPIRED = "That token has expired: ask for a new one."
FOR_OTHERS = "That token is for senders or calendars: it does not open pages."


@routes.get("/login")
async def show(request: web.Request) -> web.Response:
    """The form; where there are no tokens yet, how to make one."""
    return login(200, _safe(request.query.get("next", "/")), needed=await request.app[KEYRING].closed())


@routes.post("/login")
async def enter(request: web.Request) -> web.Response:
    """Open a session of its own: what a browser showed before counts for nothing. Wrong tokens slow their address."""
    form = await fields_of(request)
    goes_to, token = _safe(form.get("next", "/")), form.get("token", "").strip()
    if not token or not await request.app[KEYRING].closed():
        return login(400, goes_to, error=EMPTY)
    try:
        caller = await holder_of(request, token)
    except Problem as problem:
        return login(problem.status, goes_to, problem.headers, error=_told(problem))
    if not allows(caller.scope, "read"):
        return login(403, goes_to, error=FOR_OTHERS)
    now = request.app[PARTS].clock()
    shown = await request.app[SESSIONS].begin(token, request.headers.get("User-Agent", ""), now)
    response = see_other(goes_to)
    age = int(LASTS.total_seconds())
    response.set_cookie(
        cookie_name(request), shown, max_age=age, path="/", httponly=True, samesite="Lax", secure=is_https(request)
    )
    return response


def _told(problem: Problem) -> str:
    if problem.status == 429:
        return f"{problem.detail[:1].upper()}{problem.detail[1:]}."
    return EXPIRED if "expired" in problem.detail else WRONG


def _safe(path: str) -> str:
    """Where to go on: a path of this pager, and nothing that a browser takes for another host."""
    plain = path.isascii() and path.isprintable() and "\\" not in path and " " not in path
    return path if plain and path.startswith("/") and not path.startswith(("//", "/login")) else "/"
