"""The page to declare an incident by hand, /declare: what is wrong, how bad it is, whom it pages."""

from collections.abc import Mapping

from aiohttp import web

from pager.api.incidents import LONGEST_TITLE
from pager.api.parts import ENGINE
from pager.api.problems import Problem
from pager.core.catalog import Catalog
from pager.core.code import code_of
from pager.core.hygiene import clean_title
from pager.core.severity import LEVELS
from pager.web.acts import Unfit, level_in, named_in
from pager.web.seat import form_of, seat_of, see_other, shown, who_in

routes = web.RouteTableDef()
NO_TITLE = f"Say in 1 to {LONGEST_TITLE} characters what is wrong."
NO_POLICY = "Choose whom it pages."


@routes.get("/declare")
async def show(request: web.Request) -> web.Response:
    return _page(request)


@routes.post("/declare")
async def declare(request: web.Request) -> web.Response:
    """Open an incident; it pages at once, as its severity says."""
    seat, engine = seat_of(request), request.app[ENGINE]
    form = await form_of(request, seat)
    title, policy = clean_title(form.get("title", "")), form.get("policy", "") or engine.catalog.policy("")[0]
    try:
        by, level = who_in(form, seat), level_in(form.get("severity", ""))
        if not 0 < len(title) <= LONGEST_TITLE:
            raise Unfit(400, NO_TITLE)
        if policy not in {*engine.catalog.policies, engine.catalog.policy("")[0]}:
            raise Unfit(400, NO_POLICY)
        private = _private(form, engine.catalog)
    except Unfit as unfit:
        return _page(request, unfit.status, unfit.words, title)
    except Problem as problem:
        return _page(request, problem.status, problem.detail, title)
    incident = await engine.declare(title, level, policy, by, private)
    return see_other(f"/i/{code_of(incident.number)}?done=declare", by)


def _private(form: Mapping[str, str], catalog: Catalog) -> tuple[str, ...] | None:
    """Who sees it beside whoever declares it and those who are paged; None: everybody. Raises Unfit.

    Whoever names somebody means it to be private, box or no box.
    """
    named = named_in(form, catalog.people, catalog.teams)
    return named if named or form.get("private", "") == "yes" else None


def _page(request: web.Request, status: int = 200, error: str = "", title: str = "") -> web.Response:
    catalog = request.app[ENGINE].catalog
    known = catalog.severities
    levels = [(level, known[level].name, known[level].means) for level in LEVELS if level in known]
    usual = catalog.policy("")[0]
    policies = dict.fromkeys((*catalog.policies, usual))
    values = {"policies": policies, "usual": usual, "longest": LONGEST_TITLE}
    return shown(request, "declare.html", status, levels=levels, error=error, title=title, **values)
