"""Bad neighbours: providers that hang, drip or refuse, and the healthy one beside them that must not notice."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from pager.core.outcome import Reason
from pager.sender import Message, Sender
from pager.sender_pool import RESERVED, SPARES, Pool, Rank
from tests.sending.provider import Provider, provider
from tests.support import covers, wait_until

pytestmark = pytest.mark.asyncio(loop_scope="module")

CROWD = 40


@contextlib.asynccontextmanager
async def sender_of(**given: float) -> AsyncIterator[Sender]:
    it = Sender(**given)  # type: ignore[arg-type]
    await it.start()
    try:
        yield it
    finally:
        await it.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def crowd() -> AsyncIterator[Sequence[Provider]]:
    """Forty providers, each a destination of its own."""
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(provider()) for _ in range(CROWD)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sender() -> AsyncIterator[Sender]:
    async with sender_of() as it:
        yield it


@pytest_asyncio.fixture(loop_scope="module")
async def healthy() -> AsyncIterator[Provider]:
    async with provider() as it:
        yield it


def page(url: str) -> Message:
    return Message(url, "SEV-1 checkout down", "Runbook: https://r.example.org/x")


@contextlib.asynccontextmanager
async def stuck(sender: Sender, urls: Sequence[str]) -> AsyncIterator[None]:
    """A page to each of `urls` is asked for as long as the block runs."""
    tasks = [asyncio.create_task(sender.send(page(url))) for url in urls]
    await asyncio.sleep(0)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


@covers("F10", "P9")
async def test_f10_a_healthy_page_is_sent_before_a_crowd_that_came_first(
    crowd: Sequence[Provider], healthy: Provider
) -> None:
    for each in crowd:
        each.asked.clear()
    async with sender_of() as sender:
        assert (await sender.send(page(healthy.url("200")))).delivered
        async with stuck(sender, [each.url("hang", rto=60) for each in crowd]):
            assert (await sender.send(page(healthy.url("200")))).delivered

            # Counted, not timed: the machine may be slow, but not the order.
            assert sum(len(each.asked) for each in crowd) < CROWD


@covers("F10", "P9")
async def test_f10_beside_forty_hung_ones_a_healthy_page_takes_its_usual_time(
    crowd: Sequence[Provider], healthy: Provider
) -> None:
    for each in crowd:
        each.asked.clear()
    async with sender_of() as sender:
        async with stuck(sender, [each.url("hang", rto=60) for each in crowd]):
            await wait_until(lambda: all(each.asked for each in crowd), 30, "every one of the crowd to be asked")
            began = time.monotonic()

            assert (await sender.send(page(healthy.url("200")))).delivered
            assert time.monotonic() - began < 1


@covers("F10", "F11", "P9")
async def test_f10_six_dripping_endpoints_delay_a_good_one_by_less_than_a_second(
    sender: Sender, crowd: Sequence[Provider], healthy: Provider
) -> None:
    async with stuck(sender, [each.url("drip") for each in crowd[:6]]):
        await wait_until(lambda: all("drip" in each.asked for each in crowd[:6]), 20, "the six to drip")
        began = time.monotonic()

        assert (await sender.send(page(healthy.url("200")))).delivered
        assert time.monotonic() - began < 1


@covers("F11", "P10")
async def test_p10_no_attempt_is_given_more_than_twenty_seconds() -> None:
    sender = Sender()

    assert sender.deadline <= 20
    assert sender.deadline + sender.queue_limit + 5 <= 45, "a lease of 45 s must outlive an attempt and its wait"


@covers("F13", "F18")
async def test_f13_a_redirect_is_not_followed_and_no_success(sender: Sender, healthy: Provider) -> None:
    assert (await sender.send(page(healthy.url("302")))).reason is Reason.redirect

    assert healthy.asked == ["302"]


@covers("F14")
async def test_f14_an_answer_that_is_lost_is_unknown_and_not_a_failure(sender: Sender, healthy: Provider) -> None:
    outcome = await sender.send(page(healthy.url("cut")))

    assert outcome.uncertain and not outcome.delivered and not outcome.permanent


@covers("F17")
async def test_f17_a_huge_retry_after_freezes_nobody(sender: Sender, healthy: Provider) -> None:
    outcomes = [await sender.send(page(healthy.url("429"))) for _ in range(3)]

    assert {outcome.reason for outcome in outcomes} == {Reason.rate_limited}
    assert max(outcome.seconds for outcome in outcomes) < 3


@covers("F19")
async def test_f19_success_without_a_request_is_no_success(sender: Sender) -> None:
    outcome = await sender.send(Message("opsgenie://8b799edf-6f98-4d3a-9be7-2862fb4e5752", "t", "b", "success"))

    assert outcome.reason is Reason.config


async def test_three_kinds_of_no_are_told_apart(sender: Sender, healthy: Provider) -> None:
    outcomes = [await sender.send(page(healthy.url(status))) for status in ("500", "429", "404")]

    assert [outcome.reason for outcome in outcomes] == [Reason.server, Reason.rate_limited, Reason.not_found]
    assert [outcome.permanent for outcome in outcomes] == [False, False, True]


async def test_the_last_spares_are_kept_for_those_who_answer() -> None:
    pool = Pool()
    await pool.start()
    try:
        taken = [await asyncio.wait_for(pool.take(Rank.new), 10) for _ in range(SPARES - RESERVED)]
        before = set(pool.pids())
        late = asyncio.ensure_future(pool.take(Rank.slow))
        quick = await asyncio.wait_for(pool.take(Rank.quick), 10)

        assert quick.pid in before  # a spare, while the slow one waits for a fork
        assert (await asyncio.wait_for(late, 10)).pid not in before
        for worker in (*taken, quick, late.result()):
            pool.give_back(worker)
    finally:
        await pool.close()


async def test_who_waits_is_served_by_rank() -> None:
    pool = Pool()
    await pool.start()
    order: list[Rank] = []

    async def come(rank: Rank) -> None:
        await pool.take(rank)
        order.append(rank)

    try:
        coming = [asyncio.create_task(come(rank)) for rank in [Rank.slow] * 8 + [Rank.new] * 8 + [Rank.quick] * 8]
        await asyncio.wait(coming, timeout=30)
    finally:
        await pool.close()

    assert order[SPARES - RESERVED :] == sorted(order[SPARES - RESERVED :])


async def test_whoever_leaves_the_line_takes_no_worker_along() -> None:
    pool = Pool()
    await pool.start()
    try:
        taken = [await pool.take(Rank.quick) for _ in range(SPARES)]
        leaving = asyncio.ensure_future(pool.take(Rank.quick))
        await asyncio.sleep(0)
        pool.give_back(taken[0])  # granted to the one who leaves in the same moment
        leaving.cancel()
        await asyncio.wait([leaving])

        assert await asyncio.wait_for(pool.take(Rank.quick), 10) in (taken[0],)
    finally:
        await pool.close()


async def test_nobody_waits_for_a_pool_that_is_closed() -> None:
    pool = Pool()
    await pool.start()
    taking = [asyncio.ensure_future(pool.take(Rank.slow)) for _ in range(SPARES + 2)]
    await asyncio.sleep(0)

    await pool.close()

    done, waiting = await asyncio.wait(taking, timeout=5)
    assert not waiting
    assert any(isinstance(each.exception(), ConnectionError) for each in done)
    with pytest.raises(ConnectionError):
        await pool.take()


@covers("F10", "P9")
async def test_a_crowd_that_was_never_asked_shares_children_and_each_gets_its_own_answer(
    crowd: Sequence[Provider], healthy: Provider
) -> None:
    answers = {"200": Reason.delivered, "404": Reason.not_found, "429": Reason.rate_limited, "500": Reason.server}
    async with sender_of() as sender:
        async with stuck(sender, [each.url("hang", rto=60) for each in crowd[:20]]):
            sends = [(each, path) for each, path in zip(crowd[20:], [*answers] * 5, strict=True)]
            outcomes = await asyncio.gather(*(sender.send(page(each.url(path))) for each, path in sends))

            assert [outcome.reason for outcome in outcomes] == [answers[path] for _, path in sends]
            assert len(sender.children()) < 20


@covers("F11", "F12", "P10")
async def test_a_shared_child_ends_with_the_last_that_hangs_in_it(crowd: Sequence[Provider]) -> None:
    async with sender_of(deadline=1.5) as sender:
        sends = [asyncio.create_task(sender.send(page(each.url("hang", rto=60)))) for each in crowd[:8]]
        await wait_until(lambda: all(each.connected for each in crowd[:8]), 10, "all to hang")
        shared = len(sender.children())
        sends[0].cancel()
        outcomes = await asyncio.gather(*sends[1:])

        assert shared < 8
        assert {outcome.reason for outcome in outcomes} == {Reason.timeout}
        assert max(outcome.seconds for outcome in outcomes) < 3
        await wait_until(lambda: not any(each.connected for each in crowd), 5, "their children to end")


@covers("F12")
async def test_who_shares_a_child_that_dies_is_told_so_and_travels_alone_next_time(crowd: Sequence[Provider]) -> None:
    async with sender_of() as sender:
        before = set(sender.children()[1:])
        sends = [asyncio.create_task(sender.send(page(each.url("hang", rto=60)))) for each in crowd[:6]]
        await wait_until(lambda: all(each.connected for each in crowd[:6]), 10, "all to hang")
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        outcomes = [await send for send in asyncio.as_completed(sends[:2])]

        assert {outcome.reason for outcome in outcomes} == {Reason.crashed}
        assert all(outcome.uncertain for outcome in outcomes)
        await wait_until(lambda: not before & set(sender.children()), 10, "all that were killed to be gone")
        again = await asyncio.gather(*(sender.send(page(each.url("200"))) for each in crowd[:2]))
        assert all(outcome.delivered for outcome in again)
        for send in sends:
            send.cancel()
        await asyncio.wait(sends)


async def test_only_who_was_never_asked_shares_and_only_when_no_spare_is_left() -> None:
    pool = Pool()
    await pool.start()
    try:
        alone = [await pool.take(Rank.new) for _ in range(SPARES - RESERVED)]
        sharing = await pool.take(Rank.new)
        quick = await pool.take(Rank.quick)
        slow = await asyncio.wait_for(pool.take(Rank.slow), 10)
        later = [await asyncio.wait_for(pool.take(Rank.new), 10) for _ in range(4)]

        assert len(set(alone)) == len(alone)
        assert sharing in alone
        assert quick not in alone and slow not in (*alone, quick)
        assert not {quick, slow} & set(later)
        pool.give_back(sharing)
        assert sharing.pid in pool.pids()  # somebody else still has it
    finally:
        await pool.close()
