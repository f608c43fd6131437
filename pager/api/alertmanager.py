"""Alertmanager's API for senders: Prometheus and its kin post here as if pager were an Alertmanager.

Answered as Alertmanager does, since senders log what it says: the good alerts of a partly bad batch are kept, and the
batch is refused all the same. Prometheus never repeats a batch; its next one says the same and more.
"""

from typing import Any, Literal, TypedDict

from aiohttp import web

from pager.api.declared import told
from pager.api.ingest import take_in
from pager.core.report import Fault, Malformed
from pager.intake import Accepted

routes = web.RouteTableDef()
DIALECT = "prometheus"
MOST_TOLD = 10


class Done(TypedDict):
    """As Alertmanager's first API says it."""

    status: Literal["success"]


class Bad(TypedDict):
    """What was left out, or why all of it was."""

    status: Literal["error"]
    errorType: str
    error: str


@routes.post("/api/v2/alerts")
@routes.post("/api/v2/alerts/")
async def alerts(request: web.Request) -> web.Response:
    """200 and nothing more: all are kept. 400: those that the text names were left out, the others are kept."""
    try:
        accepted = await take_in(request, DIALECT)
    except Malformed as error:
        if error.path == "body":
            return _bad({"code": 400, "message": f"parsing alerts body failed: {error.what}"})
        return _bad(str(error))
    lost = _lost(accepted)
    return _bad(lost) if lost else web.Response()


@routes.post("/api/v1/alerts")
@routes.post("/api/v1/alerts/")
@told(Done, body=list[dict[str, Any]], also={400: Bad}, refuses=(404,))
async def alerts_v1(request: web.Request) -> web.Response:
    """As v2, for senders older than that; the answers are v1's."""
    try:
        accepted = await take_in(request, DIALECT)
    except Malformed as error:
        return _bad_v1(str(error))
    lost = _lost(accepted)
    return _bad_v1(lost) if lost else web.json_response({"status": "success"})


def _lost(accepted: Accepted) -> str:
    """What was left out of a batch, "" when all alerts are kept. What was only mended is no fault of a batch."""
    lost = [fault for fault in accepted.faults if fault.lost]
    return "; ".join(map(_said, lost[:MOST_TOLD])) + ("; and more" if len(lost) > MOST_TOLD else "")


def _said(fault: Fault) -> str:
    return f"{fault.path}: {fault.what}"


def _bad(said: Any) -> web.Response:
    return web.json_response(said, status=400)


def _bad_v1(said: str) -> web.Response:
    return _bad({"status": "error", "errorType": "bad_data", "error": said})
