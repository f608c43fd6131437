"""A real Chromium without a screen, driven by its own DevTools protocol: what a person sees, and where they press."""

import asyncio
import base64
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse

from tests.support import require_binary, wait_until

PATIENCE = 20.0
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)


@dataclass
class Tab:
    """One tab, with cookies of its own. What is asked of the page runs in it even where its scripts are off."""

    socket: ClientWebSocketResponse
    session: str
    base: str
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def send(self, method: str, **params: Any) -> Any:
        """The result of one call of the protocol."""
        number = next(self.numbers)
        await self.socket.send_json({"id": number, "method": method, "params": params, "sessionId": self.session})
        async with asyncio.timeout(PATIENCE):
            while True:
                told = await self._told()
                if told.get("id") == number and told.get("sessionId") == self.session:
                    assert "error" not in told, told
                    return told["result"]

    async def open(self, path: str) -> None:
        """Load a page, or an address, and wait until it stands."""
        async with self.loading():
            await self.send("Page.navigate", url=path if "://" in path else self.base + path)

    @asynccontextmanager
    async def loading(self) -> AsyncIterator[None]:
        """What is done inside leads to another page, which stands at the end of the block."""
        before = await self.ask("performance.timeOrigin")
        yield

        async def stands() -> bool:
            now = await self.ask("document.readyState == 'complete' && performance.timeOrigin")
            return bool(now) and now != before

        await wait_until(stands, PATIENCE, "the page")

    async def ask(self, script: str) -> Any:
        """What an expression is in the page; None where it cannot be asked just now."""
        found = await self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        return found["result"].get("value")

    async def text(self) -> str:
        """What stands on the page, as one line."""
        return " ".join(str(await self.ask("document.body.innerText")).split())

    async def press(self, selector: str, *, leads_on: bool = True) -> None:
        """Scroll to the first of these and press it with the mouse."""
        script = f"""(() => {{
            const found = document.querySelector({json.dumps(selector)});
            found.scrollIntoView({{block: "center", behavior: "instant"}});
            const box = found.getBoundingClientRect();
            return [box.left + box.width / 2, box.top + box.height / 2];
        }})()"""
        x, y = await self.ask(script)
        if not leads_on:
            await self._click(x, y)
            return
        async with self.loading():
            await self._click(x, y)

    async def fill(self, selector: str, value: str) -> None:
        """Write into a field, or choose in a list, as if a person had."""
        await self.ask(f"document.querySelector({json.dumps(selector)}).value = {json.dumps(value)}")

    async def look(self, width: int, height: int, *, dark: bool = True, scripts: bool = True) -> None:
        """Be a phone or a desk, by night or by day; with or without scripts from the next page on."""
        await self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 800
        )
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.send("Emulation.setEmulatedMedia", features=[theme])
        await self.send("Emulation.setScriptExecutionDisabled", value=not scripts)

    async def shot(self, path: Path, *, whole: bool = True) -> None:
        """A picture of the page."""
        found = await self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(found["data"]))

    async def _click(self, x: float, y: float) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            await self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    async def _told(self) -> Any:
        return json.loads(await self.socket.receive_str())


@dataclass
class Chromium:
    """A running browser."""

    socket: ClientWebSocketResponse
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1_000_000))

    async def tab(self, base: str) -> Tab:
        """A tab that shares nothing with any other; `base` goes before its paths."""
        whole = Tab(self.socket, "", base, self.numbers)
        context = (await self._send("Target.createBrowserContext"))["browserContextId"]
        target = await self._send("Target.createTarget", url="about:blank", browserContextId=context)
        session = (await self._send("Target.attachToTarget", targetId=target["targetId"], flatten=True))["sessionId"]
        tab = Tab(self.socket, session, whole.base, self.numbers)
        await tab.send("Page.enable")
        return tab

    async def _send(self, method: str, **params: Any) -> Any:
        number = next(self.numbers)
        await self.socket.send_json({"id": number, "method": method, "params": params})
        async with asyncio.timeout(PATIENCE):
            while True:
                told = json.loads(await self.socket.receive_str())
                if told.get("id") == number:
                    assert "error" not in told, told
                    return told["result"]


@asynccontextmanager
async def chromium(folder: Path) -> AsyncIterator[Chromium]:
    """A browser with its profile in `folder`, until the end of the block."""
    process = await asyncio.create_subprocess_exec(
        require_binary("chromium"),
        *OPTIONS,
        f"--user-data-dir={folder}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        port, path = await _door(folder / "DevToolsActivePort")
        async with ClientSession() as http:
            async with http.ws_connect(f"ws://127.0.0.1:{port}{path}", max_msg_size=0) as socket:
                yield Chromium(socket)
    finally:
        process.kill()
        await process.wait()


async def _door(file: Path) -> tuple[str, str]:
    await wait_until(lambda: file.exists() and "\n" in file.read_text(), PATIENCE, "the browser")
    port, path = file.read_text().split()[:2]
    return port, path
