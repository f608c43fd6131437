"""Reload: read the files again, and say what `pagerctl check` would say of them."""

from aiohttp import web
from msgspec.structs import asdict

from pager.api.parts import PARTS
from pager.api.problems import Problem
from pager.problems import in_order, render

routes = web.RouteTableDef()


@routes.post("/-/reload")
async def reload(request: web.Request) -> web.Response:
    """200: the files are in force, `problems` has warnings. 422: they have errors, and those before stay in force."""
    read_again = request.app[PARTS].reload
    if read_again is None:
        raise Problem(501, "this pager has no files to read again")
    loaded = await read_again()
    problems = [asdict(problem) for problem in in_order(loaded.problems)]
    answer = {"ok": loaded.catalog is not None, "config": loaded.hash, "problems": problems}
    answer["report"] = render(loaded.problems, loaded.texts)
    if loaded.catalog is not None:
        return web.json_response(answer)
    detail = f"errors in the files: {loaded.errors}; those before stay in force"
    about = {"type": "about:blank", "title": "Unprocessable Content", "status": 422, "detail": detail}
    return web.json_response({**about, **answer}, status=422, content_type="application/problem+json")
