"""The demo's play: what is shown as it happens, the keys, and the tour where there are no keys."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Iterator

from aiohttp import ClientError

from pager.cli.demo_phone import Phones, Screen
from pager.cli.demo_stage import Stage
from pager.outbox import Attempt

TOGETHER = 0.3
"""Seconds in which messages count as sent together."""
LOOK = 0.4
KEYS = "[a] ack as {who}  [e] escalate  [r] source resolves  [s] new alert  [q] quit"


class Show:
    """Shows all that happens; `pages` has every page of a step by its incident's code."""

    def __init__(self, stage: Stage, phones: Phones, screen: Screen, *, keys: bool) -> None:
        self.stage = stage
        self.phones = phones
        self.screen = screen
        self.keys = keys
        self.pages: dict[str, list[Attempt]] = {}
        self.over = asyncio.Event()
        self._changed = asyncio.Condition()

    async def watch(self) -> None:
        """Print rings and decisions as they come, for ever."""
        while True:
            rings = await self._rings()
            lines = await self.stage.news()
            for line in lines:
                self.screen.line(line)
            self.screen.ring(rings)
            for ring in rings:
                if ring.page.kind == "page" and ring.page.step:
                    self.pages.setdefault(ring.facts.code, []).append(ring)
            if (rings or lines) and self.keys:
                self.hint()
            async with self._changed:
                self._changed.notify_all()

    async def _rings(self) -> list[Attempt]:
        """What rings together; nothing when nothing rang for a while."""
        try:
            async with asyncio.timeout(LOOK):
                found = [await self.phones.rings.get()]
        except TimeoutError:
            return []
        await asyncio.sleep(TOGETHER)
        while not self.phones.rings.empty():
            found.append(self.phones.rings.get_nowait())
        return sorted(found, key=lambda ring: ring.page.id)

    async def until(self, happened: Callable[[], bool]) -> None:
        """Wait until it is so."""
        async with self._changed:
            await self._changed.wait_for(happened)

    @property
    def current(self) -> str:
        """The code of the newest open incident, "" if there is none."""
        known = self.stage.incidents.values()
        return next((str(incident["code"]) for incident in known if incident["state"] != "resolved"), "")

    def state(self, code: str) -> str:
        return str(self.stage.incidents.get(code, {}).get("state", ""))

    def hint(self) -> None:
        paged = self.pages.get(self.current, ())
        who = paged[0].page.recipient if paged else "nobody"
        self.screen.say(KEYS.format(who=who), "bold cyan")
        self.screen.say()

    # The keys.

    async def press(self, key: str) -> None:
        """Do what the key says; what cannot be done is said, and the show goes on."""
        try:
            if key == "q":
                self.over.set()
            elif key == "s":
                fired = await self.stage.fire()
                self.screen.say(f"> Alertmanager says: {fired.sample.name} fires in {fired.cluster}", "bold")
            elif key == "r":
                fired_before = await self.stage.resolve()
                said = f"{fired_before.sample.name} is resolved" if fired_before else "nothing fires; press s"
                self.screen.say(f"> Alertmanager says: {said}", "bold")
            elif key in ("a", "e"):
                await self._answer("ack" if key == "a" else "escalate")
        except ClientError as error:
            self.screen.say(f"> that did not work: {error}", "bold red")

    async def _answer(self, action: str) -> None:
        paged = self.pages.get(self.current)
        if not paged:
            self.screen.say("> nobody is paged for anything open; press s", "bold")
            return
        await self.answer(paged[0], action)

    async def answer(self, ring: Attempt, action: str) -> None:
        """Press a button behind the link of a page, as whoever got it."""
        button = {"ack": "Acknowledge"}.get(action, action.title())
        self.screen.say(f"> {ring.page.recipient} opens the link of the page and presses {button}", "bold")
        await self.stage.answer(ring.facts.page_link, action)


async def play(show: Show, after: float) -> None:
    """The first alert comes `after` seconds, then whatever is pressed, until q."""
    pressed: asyncio.Queue[str] = asyncio.Queue()
    asyncio.get_running_loop().call_later(after, pressed.put_nowait, "s")
    with keys(pressed.put_nowait):
        while not show.over.is_set():
            await show.press(await pressed.get())


async def tour(show: Show, after: float) -> None:
    """The same without keys: nobody answers step 1, whom step 2 pages acknowledges, and the source resolves."""
    await asyncio.sleep(after)
    await show.press("s")
    await show.until(lambda: bool(show.pages))
    code = next(iter(show.pages))
    await show.until(lambda: show.pages[code][-1].page.step > 1)
    await show.answer(show.pages[code][-1], "ack")
    await show.until(lambda: show.state(code) == "acknowledged")
    await show.press("r")
    await show.until(lambda: show.state(code) == "resolved")


@contextlib.contextmanager
def keys(on_key: Callable[[str], object]) -> Iterator[None]:
    """Single keys of the terminal, without a return and unseen, each told in lower case; its end is a q."""
    import termios
    import tty

    terminal, loop = sys.stdin.fileno(), asyncio.get_running_loop()

    def read() -> None:
        for key in os.read(terminal, 64).decode(errors="replace") or "q":
            on_key(key.lower())

    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal)
    loop.add_reader(terminal, read)
    try:
        yield
    finally:
        loop.remove_reader(terminal)
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
