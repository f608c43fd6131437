"""Sign in, /login: a password or a token, shown once, opens a session, which the browser shows from then on."""

from collections.abc import Mapping

from aiohttp import web

from pager.api.auditing import remark
from pager.api.doors import address_of, cookie_name, holder_of, is_https
from pager.api.parts import ACCOUNTS, BACKOFF, KEYRING, METRICS, PARTS, SESSIONS
from pager.api.problems import Problem, offers_of
from pager.core.scope import allows
from pager.guessers import network_of
from pager.log import log
from pager.passwords import TooMany
from pager.store.sessions import LASTS, Holder
from pager.store.tokens import id_in
from pager.web.render import login
from pager.web.seat import fields_of, see_other

routes = web.RouteTableDef()
EMPTY = "Write your name and your password, or paste your token: it begins with pgr_."
WRONG_PASSWORD = "Name or password is wrong. Capitals count in the password."
WAIT = "Too many wrong passwords; wait {} s. The link in a page opens meanwhile, and so does a token."
BUSY = "Too many people sign in at once; try again in a few seconds."
WRONG = "That is no token of this pager, or it was revoked."
EXPIRED = "That token has expired: ask for a new one."
FOR_OTHERS = "That token is for senders or calendars: it does not open pages."


@routes.get("/login")
async def show(request: web.Request) -> web.Response:
    """The form; where there are no tokens yet, how to make one."""
    return await form(request, 200, safe(request.query.get("next", "/")))


@routes.post("/login")
async def enter(request: web.Request) -> web.Response:
    """Open a session of its own: what a browser showed before ends. Wrong words slow whoever says them."""
    fields = await fields_of(request)
    goes_to = safe(fields.get("next", "/"))
    if not await request.app[KEYRING].closed():
        return await form(request, 400, goes_to, error=EMPTY)
    if token := fields.get("token", "").strip():
        return await _by_token(request, token, goes_to)
    name, password = fields.get("name", "").strip(), fields.get("password", "")
    if not name or not password:
        return await form(request, 400, goes_to, error=EMPTY)
    return await _by_password(request, name, password, goes_to)


async def form(
    request: web.Request, status: int, goes_to: str, headers: Mapping[str, str] | None = None, *, error: str = ""
) -> web.Response:
    """The page where somebody says who they are, and what was wrong with what they said."""
    needed, offers = await request.app[KEYRING].closed(), await offers_of(request)
    return login(status, goes_to, headers, error=error, needed=needed, offers=offers)


async def let_in(request: web.Request, whose: Holder, goes_to: str) -> web.Response:
    """A session for whoever was found to be right, and the way on."""
    cookie, agent = cookie_name(request), request.headers.get("User-Agent", "")
    now, before = request.app[PARTS].clock(), request.cookies.get(cookie, "")
    shown = await request.app[SESSIONS].begin(whose, agent, address_of(request), now, before=before)
    response, age = see_other(goes_to), int(LASTS.total_seconds())
    response.set_cookie(cookie, shown, max_age=age, path="/", httponly=True, samesite="Lax", secure=is_https(request))
    return response


def safe(path: str) -> str:
    """Where to go on: a path of this pager, and nothing that a browser takes for another host."""
    plain = path.isascii() and path.isprintable() and "\\" not in path and " " not in path
    return path if plain and path.startswith("/") and not path.startswith(("//", "/login")) else "/"


async def _by_token(request: web.Request, token: str, goes_to: str) -> web.Response:
    try:
        caller = await holder_of(request, token)
    except Problem as problem:
        return await form(request, problem.status, goes_to, problem.headers, error=_told(problem))
    if not allows(caller.scope, "read"):
        return await form(request, 403, goes_to, error=FOR_OTHERS)
    remark(request, who=caller.name, via=f"token {caller.name}", object=f"token {caller.name}")
    return await let_in(request, Holder(token=id_in(token)), goes_to)


async def _by_password(request: web.Request, name: str, password: str, goes_to: str) -> web.Response:
    """Somebody else's guesses slow nobody but them: they are counted by the account and where they come from."""
    backoff, address, account = request.app[BACKOFF], address_of(request), name.casefold()[:100]
    if wait := backoff.wait(account, address):
        request.app[METRICS].refused.labels("slowed").inc()
        return await form(request, 429, goes_to, {"Retry-After": str(wait)}, error=WAIT.format(wait))
    try:
        person = await request.app[ACCOUNTS].owner(name, password, network_of(address) or "socket")
    except TooMany:
        return await form(request, 503, goes_to, {"Retry-After": "5"}, error=BUSY)
    if person is None:
        backoff.wrong(account, address)
        request.app[METRICS].refused.labels("password").inc()
        log.warning("a wrong password", address=address, often=True)
        return await form(request, 403, goes_to, error=WRONG_PASSWORD)
    backoff.right(account, address)
    remark(request, who=person, via="password", object=f"user {person}")
    return await let_in(request, Holder(person=person, way="password"), goes_to)


def _told(problem: Problem) -> str:
    if problem.status == 429:
        return f"{problem.detail[:1].upper()}{problem.detail[1:]}."
    return EXPIRED if "expired" in problem.detail else WRONG
