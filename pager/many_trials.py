"""Many trials at once: the users' own tests shared out among the processors of this machine."""

import asyncio
import multiprocessing
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from msgspec.structs import replace

from pager.core.catalog import Catalog
from pager.core.scenario import PlacedCase
from pager.store.memory import tables
from pager.trial import Result, run_all

WORTH_IT = 200
"""Fewer cases are run here: to begin a process costs as much as some dozen."""
_shared: tuple[Catalog, Sequence[PlacedCase], bool] | None = None
"""What the forked processes find in their memory: rules hold functions, which no pipe can carry."""


def run_many(catalog: Catalog, cases: Sequence[PlacedCase], *, told: bool = False, texts: bool = False) -> list[Result]:
    """Every case in its order, as `run_all` runs them, by as many processes as there are processors."""
    processes = _processors()
    if texts or len(cases) < WORTH_IT or processes < 2 or sys.platform != "linux":
        return asyncio.run(run_all(catalog, cases, told=told, texts=texts))
    global _shared
    _shared = (catalog, cases, told)
    tables()
    shares = [range(first, len(cases), processes) for first in range(processes)]
    with ProcessPoolExecutor(processes, multiprocessing.get_context("fork")) as pool:
        done = [result for found in pool.map(_run, shares) for result in found]
    _shared = None
    order = [number for share in shares for number in share]
    ran = dict(zip(order, done, strict=True))
    return [replace(ran[number], case=placed.case) for number, placed in enumerate(cases)]


def _run(share: range) -> list[Result]:
    """One share of the cases, in a fork; without the cases, which the other side has."""
    assert _shared is not None
    catalog, cases, told = _shared
    results = asyncio.run(run_all(catalog, [cases[number] for number in share], told=told))
    return [replace(result, case=None) for result in results]


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
