"""What the doctor says of senders: who is over a quota, whose token nobody uses or somebody else does, what misses."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from pager.core.catalog import Catalog
from pager.core.quota import CALM, Waits
from pager.core.token_use import TokenUse
from pager.engine import Engine
from pager.extras import missing
from pager.fairness import is_over
from pager.settings import Settings
from pager.store import inbox, source_counts, token_uses
from pager.store.database import Tx
from pager.store.source_counts import Counts

NEW_FOR = timedelta(days=7)
"""For so long a new network is said."""
MOST_NAMED = 10
Said = tuple[str, bool, str, str]
"""The name of a check, whether it is well, what is said, and how to mend it."""


async def examine_sources(engine: Engine) -> list[Said]:
    """Quotas, what of this week no rule was for, and tokens."""
    catalog = engine.catalog

    def read(tx: Tx) -> list[Said]:
        now = tx.now()
        waiting = {name: Waits(*waits) for name, waits in inbox.waiting_last(tx).items()}
        late = source_counts.since(tx, now - CALM)
        return [_quotas(catalog, late, waiting, now), *_tokens(token_uses.every(tx), now)]

    return await engine.database.read(read)


def examine_extras(catalog: Catalog, settings: Settings) -> list[Said]:
    """Packages that the files and the settings need; none where they need none."""
    lacking = missing(catalog, settings)
    if not lacking:
        return []
    said = "; ".join(f"{extra.module} for {extra.why}" for extra in lacking)
    names = ",".join(extra.name for extra in lacking)
    mend = f"pip install 'pagerd[{names}]' in the Python that runs pagerd, and start it again"
    return [("extras", False, f"not installed: {said}", mend)]


def _quotas(catalog: Catalog, late: dict[str, Counts], waiting: dict[str, Waits], now: datetime) -> Said:
    names = sorted(late.keys() | waiting.keys())
    over = [name for name in names if is_over(catalog, name, late.get(name), waiting.get(name), now)]
    if not over:
        return "quotas", True, "each source keeps to its quota", ""
    waits = sum(one.rows for one in waiting.values())
    said = f"over their quota: {_some(over)}; {waits} of their requests wait behind all others"
    return "quotas", False, said, "pagerctl source status; then mend the sender, or write more below its quota:"


def _tokens(known: dict[str, TokenUse], now: datetime) -> Iterator[Said]:
    if not known:
        return
    unused = [name for name, use in known.items() if use.is_unused(now)]
    new = [f"{name} from {place}" for name, use in known.items() for place in use.new_networks(now - NEW_FOR)]
    if not unused and not new:
        yield "tokens", True, f"each of {len(known)} was shown of late, from where it always is", ""
    if unused:
        mend = "see that each sender still reaches pager, or take its token away"
        yield "tokens", False, f"not used for 7 days: {_some(unused)}", mend
    if new:
        mend = "if that is none of your senders, somebody has the token: make another one"
        yield "networks", False, f"used from where they never were before: {_some(new)}", mend


def _some(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
