"""The ceiling: aiohttp and msgspec, which take a webhook apart and keep nothing.

`python -m tests.bench.bare PORT [PAGE]`; PAGE is a file that it shows at /page.
"""

import asyncio
import sys
from pathlib import Path

import msgspec
from aiohttp import web


class Alert(msgspec.Struct, gc=False):
    labels: dict[str, str]
    status: str = "firing"
    annotations: dict[str, str] = {}
    startsAt: str = ""
    endsAt: str = ""
    generatorURL: str = ""
    fingerprint: str = ""


class Webhook(msgspec.Struct):
    alerts: list[Alert]
    version: str = "4"
    groupKey: str = ""
    status: str = "firing"
    receiver: str = ""
    groupLabels: dict[str, str] = {}
    commonLabels: dict[str, str] = {}
    commonAnnotations: dict[str, str] = {}
    externalURL: str = ""
    truncatedAlerts: int = 0


decode = msgspec.json.Decoder(Webhook).decode


async def take(request: web.Request) -> web.Response:
    taken = decode(await request.read())
    return web.json_response({"accepted": len(taken.alerts)})


async def take_any(request: web.Request) -> web.Response:
    msgspec.json.decode(await request.read())
    return web.json_response({"accepted": 1})


async def ready(_: web.Request) -> web.Response:
    return web.Response(text="ready\n")


async def main(port: int, page: bytes) -> None:
    async def show(_: web.Request) -> web.Response:
        return web.Response(body=page, content_type="text/html", charset="utf-8")

    app = web.Application(client_max_size=16 << 20)
    app.router.add_post("/webhook/alertmanager", take)
    app.router.add_post("/{tail:.*}", take_any)
    app.router.add_get("/-/ready", ready)
    app.router.add_get("/page", show)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    await asyncio.Event().wait()


def serve(port: int, page: bytes) -> None:
    """On the loop that pagerd would take."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(main(port, page))
    else:
        uvloop.run(main(port, page))


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]).read_bytes() if sys.argv[2:] else b"")
