"""The gathering of requests: one put for all who wait, and each learns what became of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from bridge import Completion, Identity, OutboxUnavailable
from bridge.service import put_batcher
from bridge.service.put_batcher import PutBatcher

ADA = Identity("moodle", 1)


def some(*grains: str) -> list[Completion]:
    return [Completion(ADA, grain) for grain in grains]


class Outbox:
    """Puts when it is let; remembers what was put together."""

    def __init__(self) -> None:
        self.puts: list[list[str]] = []
        self.let = threading.Semaphore(0)
        self.failures: list[Exception | None] = []

    def put(self, completions: Sequence[Completion]) -> None:
        self.puts.append([completion.grain_id for completion in completions])
        self.let.acquire()
        if self.failures and (failure := self.failures.pop(0)):
            raise failure


async def _until(outbox: Outbox, puts: int) -> None:
    while len(outbox.puts) < puts:
        await asyncio.sleep(0)


def test_requests_during_a_put_share_the_next() -> None:
    outbox = Outbox()

    async def work() -> None:
        batcher = PutBatcher(outbox.put)
        tasks = [asyncio.create_task(batcher.accept(some("a")))]
        await _until(outbox, 1)
        tasks += [asyncio.create_task(batcher.accept(some(g, g))) for g in "bcd"]
        await asyncio.sleep(0)
        assert not any(task.done() for task in tasks)
        outbox.let.release(2)
        await asyncio.gather(*tasks)
        batcher.close()

    asyncio.run(work())
    assert outbox.puts == [["a"], ["b", "b", "c", "c", "d", "d"]]


def test_a_put_holds_no_more_than_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(put_batcher, "MAX_COMPLETIONS_PER_PUT", 3)
    outbox = Outbox()
    outbox.let.release(9)

    async def work() -> None:
        batcher = PutBatcher(outbox.put)
        await asyncio.gather(
            *(batcher.accept(some(*grains)) for grains in ("ab", "cd", "e", "fghi", "j"))
        )

    asyncio.run(work())
    assert [len(put) for put in outbox.puts] == [2, 3, 4, 1]
    assert "".join(grain for put in outbox.puts for grain in put) == "abcdefghij"


def test_failure_reaches_only_requests_that_shared_the_put() -> None:
    outbox = Outbox()
    outbox.failures = [OutboxUnavailable("full"), None]

    async def work() -> list[object]:
        batcher = PutBatcher(outbox.put)
        first = [asyncio.create_task(batcher.accept(some(grain))) for grain in "ab"]
        await _until(outbox, 1)
        second = asyncio.create_task(batcher.accept(some("c")))
        await asyncio.sleep(0)
        outbox.let.release(2)
        return await asyncio.gather(*first, second, return_exceptions=True)

    one, two, third = asyncio.run(work())
    assert isinstance(one, OutboxUnavailable)
    assert isinstance(two, OutboxUnavailable)
    assert one is not two
    assert third is None


def test_after_an_outbox_bug_the_next_put_works() -> None:
    outbox = Outbox()
    outbox.failures = [ZeroDivisionError(), None]
    outbox.let.release(2)

    async def work() -> None:
        batcher = PutBatcher(outbox.put)
        with pytest.raises(ZeroDivisionError):
            await batcher.accept(some("a"))
        await batcher.accept(some("b"))

    asyncio.run(work())
    assert outbox.puts == [["a"], ["b"]]


def test_cancelled_request_leaves_the_others_alone() -> None:
    outbox = Outbox()

    async def work() -> None:
        batcher = PutBatcher(outbox.put)
        gone, stays = (asyncio.create_task(batcher.accept(some(grain))) for grain in "ab")
        await _until(outbox, 1)
        gone.cancel()
        await asyncio.sleep(0)
        outbox.let.release()
        await stays
        assert gone.cancelled()

    asyncio.run(work())
