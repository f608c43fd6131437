"""Wording: the text of each message, by a template of the users' own where there is one, else the built-in one.

Nothing that a template does stops or delays a page for long: it is rendered where it can be killed, what fails leaves
the built-in text, and one that does not end is not tried again for a while.
"""

import asyncio
from collections.abc import Callable

from msgspec import Struct

from pager.core.catalog import Catalog
from pager.core.contact_url import channel_class, room_of
from pager.core.outcome import Reason
from pager.core.template import Words, dressed, values_of, words_for
from pager.core.text import Facts, Text, message, plainest
from pager.log import log
from pager.sender import Sender

AT_ONCE = 2
"""Templates that are rendered at a time: what never ends must not take all processors."""
SPARED = 300.0
"""For so many seconds a template that did not end is not tried again."""
_ENDLESS = (Reason.timeout, Reason.crashed)


class Worded(Struct, frozen=True):
    """A message; where its template failed, of which class of channel that is, and why."""

    text: Text
    template: str = ""
    fault: str = ""


class Wording:
    """Words messages by the templates of the files in force."""

    def __init__(self, sender: Sender, catalog: Callable[[], Catalog]) -> None:
        self._sender = sender
        self._catalog = catalog
        self._spared: dict[Words, float] = {}
        self._few = asyncio.Semaphore(AT_ONCE)

    async def word(self, facts: Facts, url: str) -> Worded:
        """The message about `facts` for the channel behind `url`; never raises."""
        usual, kind = worded(facts, url), channel_class(url)
        known = self._catalog().templates.get(kind)
        template = words_for(known, facts) if known is not None else None
        if template is None:
            return Worded(usual)
        try:
            made, why = await self._made(template, facts)
            if made is not None:
                return Worded(dressed(facts, kind, room_of(url), *made, usual))
        except Exception as error:  # A fence: see the head of this file.
            log.exception("a template could not be used: the built-in text goes out", incident=facts.code)
            why = f"it could not be used: {type(error).__name__}"
        return Worded(usual, kind, why)

    async def _made(self, template: Words, facts: Facts) -> tuple[tuple[str, str] | None, str]:
        async with self._few:
            if self._is_spared(template):
                return None, "it did not end a short while ago"
            answer = await self._sender.render(template.title, template.body, values_of(facts))
            if answer.reason in _ENDLESS:
                self._spared[template] = asyncio.get_running_loop().time() + SPARED
        return answer.text, answer.detail

    def _is_spared(self, template: Words) -> bool:
        now = asyncio.get_running_loop().time()
        self._spared = {one: until for one, until in self._spared.items() if now < until}
        return template in self._spared


def worded(facts: Facts, url: str) -> Text:
    """The built-in message for the channel behind `url`; its plainest form where wording it fails."""
    try:
        return message(facts, channel_class(url), room_of(url))
    except Exception:  # A fence: a message that cannot be worded must not stop the page.
        log.exception("a message could not be worded: its plainest form goes out", incident=facts.code)
        return plainest(facts)
