"""The package's own documentation, /help: the topics of `pagerctl help`, also when the internet is away."""

from functools import cache
from importlib import resources

from aiohttp import web
from markupsafe import Markup

from pager.api.problems import Problem
from pager.web.runbook import as_html
from pager.web.seat import shown

routes = web.RouteTableDef()


@routes.get("/help")
async def listed(request: web.Request) -> web.Response:
    """What there is to read."""
    return shown(
        request, "help.html", topics=[(name, title) for name, (title, _) in _topics().items()], title="Help", html=None
    )


@routes.get("/help/{topic}")
async def one(request: web.Request) -> web.Response:
    """One topic."""
    topic = request.match_info["topic"]
    if topic not in _topics():
        raise Problem(404, f"There is no topic {topic[:50]!r}; there are: {', '.join(_topics()) or 'none yet'}.")
    title, html = _topics()[topic]
    return shown(request, "help.html", topics=[], title=title, html=Markup(html))


@cache
def _topics() -> dict[str, tuple[str, str]]:
    """Title and HTML of each topic, by name."""
    found = {}
    for file in sorted(resources.files("pager").joinpath("help").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".md"):
            text = file.read_text(encoding="utf-8")
            found[file.name.removesuffix(".md")] = (text.partition("\n")[0].lstrip("# "), as_html(text))
    return found
