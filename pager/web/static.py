"""Static files: named by what is in them, so that a browser may keep them for ever."""

import hashlib
from importlib.resources import files

from aiohttp import web

routes = web.RouteTableDef()
TYPES = {"css": "text/css", "js": "text/javascript"}
_FOLDER = "static"


def _named() -> dict[str, tuple[str, bytes]]:
    """Of each file: the name it is served by, its own name, and its bytes."""
    named = {}
    for file in files("pager.web").joinpath(_FOLDER).iterdir():
        stem, _, ending = file.name.rpartition(".")
        if ending in TYPES:
            body = file.read_bytes()
            named[f"{stem}.{hashlib.sha256(body).hexdigest()[:12]}.{ending}"] = (file.name, body)
    return named


_FILES = _named()


def path_of(name: str) -> str:
    """Where a file is served: `pager.css` -> `/static/pager.1f2e3d4c5b6a.css`. KeyError when there is none."""
    return f"/static/{next(served for served, (own, _) in _FILES.items() if own == name)}"


@routes.get("/static/{name}")
async def static_file(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name not in _FILES:
        raise web.HTTPNotFound
    return web.Response(
        body=_FILES[name][1],
        content_type=TYPES[name.rpartition(".")[2]],
        charset="utf-8",
        headers={"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"},
    )
