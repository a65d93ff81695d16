"""Gathering appends, on a log that answers when told to."""

import asyncio
from collections.abc import Sequence

import pytest

from libs.eventlog.drafting import DraftError, EncodedUnit
from libs.eventlog.group_commit import MAX_UNITS, GroupCommit
from libs.eventlog.held_logs import BUSY_TRIES
from libs.eventlog.port import Busy, Closed, Connection, Erased, Outcome, Unit
from libs.kernel.errors import HeelriseError, UnavailableError
from libs.kernel.ids import LogId


class SlowLog:
    """Answers each unit by its log's id; raises where it says so."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.held: set[str] = set()

    async def encode_all(self, units: Sequence[Unit]) -> list[EncodedUnit | HeelriseError | ValueError]:
        return [DraftError(detail="wrong") if unit.log == "wrong" else self.encode(unit) for unit in units]

    def encode(self, unit: Unit) -> EncodedUnit:
        return EncodedUnit(
            log=unit.log,
            entries=(b"x",),
            ids=(),
            traces=(None,),
            expected=(),
            claims=(),
            releases=(),
            new_keys=(),
            blobs=(),
            request=None,
        )

    async def append(self, units: Sequence[Unit], *, connection: Connection | None = None) -> list[Outcome]:
        return [Closed() for _ in units]

    async def append_encoded(self, units: Sequence[EncodedUnit]) -> list[Outcome]:
        self.calls.append([unit.log for unit in units])
        await self.gate.wait()
        if any(unit.log == "broken" for unit in units):
            raise ValueError("the database cannot take this")
        if any(unit.log == "away" for unit in units):
            raise UnavailableError(detail="away")
        if any(unit.log in self.held for unit in units):
            await asyncio.sleep(0.01)
        return [self._answer(unit.log) for unit in units]

    def _answer(self, log: str) -> Outcome:
        if log in self.held:
            return Busy()
        return Erased() if log == "erased" else Closed()


def unit(log: str = "x") -> Unit:
    """A unit that the slow log knows by its log."""
    return Unit(log=LogId(log), drafts=())


async def test_appends_that_come_in_together_share_a_call_and_each_gets_its_own() -> None:
    log = SlowLog()
    async with GroupCommit(log) as group:
        outcomes = await asyncio.gather(*(group.append([unit(name)]) for name in ("a", "erased", "b")))
    assert outcomes == [[Closed()], [Erased()], [Closed()]]
    assert log.calls == [["a", "erased", "b"]]


async def test_a_group_grows_while_a_call_is_under_way() -> None:
    log = SlowLog()
    async with GroupCommit(log, window_s=0.0) as group:
        log.gate.clear()
        first = asyncio.create_task(group.append([unit("1")]))
        await asyncio.sleep(0.005)
        rest = [asyncio.create_task(group.append([unit(str(n))])) for n in range(2, 6)]
        await asyncio.sleep(0.005)
        log.gate.set()
        await asyncio.gather(first, *rest)
    assert log.calls == [["1"], ["2", "3", "4", "5"]]


async def test_a_slow_call_keeps_nobody_else_waiting() -> None:
    log = SlowLog()
    async with GroupCommit(log) as group:
        log.gate.clear()
        first = asyncio.create_task(group.append([unit("1")]))
        await asyncio.sleep(0.005)
        second = asyncio.create_task(group.append([unit("2")]))
        await asyncio.sleep(0.05)
        assert log.calls == [["1"], ["2"]]
        log.gate.set()
        await asyncio.gather(first, second)


async def test_no_group_is_larger_than_a_call_takes() -> None:
    log = SlowLog()
    async with GroupCommit(log) as group:
        outcomes = await group.append([unit() for _ in range(5 * MAX_UNITS + 1)])
    assert len(outcomes) == 5 * MAX_UNITS + 1
    assert sum(len(call) for call in log.calls) == len(outcomes)
    assert max(len(call) for call in log.calls) == MAX_UNITS


async def test_a_draft_that_is_wrong_fails_alone() -> None:
    log = SlowLog()
    async with GroupCommit(log) as group:
        results = await asyncio.gather(
            *(group.append([unit(name)]) for name in ("a", "wrong")), return_exceptions=True
        )
    assert results[0] == [Closed()]
    assert isinstance(results[1], DraftError)


async def test_a_unit_that_breaks_its_call_breaks_no_other() -> None:
    log = SlowLog()
    async with GroupCommit(log) as group:
        results = await asyncio.gather(
            *(group.append([unit(name)]) for name in ("a", "broken", "b")), return_exceptions=True
        )
    assert isinstance(results[1], ValueError)
    assert results[::2] == [[Closed()], [Closed()]]


async def test_a_database_that_is_away_is_told_to_all_and_not_asked_again() -> None:
    log = SlowLog()
    async with GroupCommit(log) as group:
        results = await asyncio.gather(
            *(group.append([unit(name)]) for name in ("a", "away")), return_exceptions=True
        )
    assert all(isinstance(each, HeelriseError) for each in results)
    assert len(log.calls) == 1


async def test_what_waits_at_the_end_is_still_appended() -> None:
    log = SlowLog()
    async with GroupCommit(log) as group:
        late = asyncio.create_task(group.append([unit()]))
        await asyncio.sleep(0)
    assert await late == [Closed()]
    with pytest.raises(UnavailableError):
        await group.append([unit()])


async def test_a_caller_who_goes_away_disturbs_nobody() -> None:
    log = SlowLog()
    async with GroupCommit(log) as group:
        log.gate.clear()
        gone = asyncio.create_task(group.append([unit("gone")]))
        stays = asyncio.create_task(group.append([unit("stays")]))
        await asyncio.sleep(0.005)
        gone.cancel()
        log.gate.set()
        assert await stays == [Closed()]


async def test_a_held_log_keeps_no_other_waiting() -> None:
    log = SlowLog()
    log.held = {"held"}
    async with GroupCommit(log) as group:
        waits = asyncio.create_task(group.append([unit("held")]))
        free = [await group.append([unit(name)]) for name in ("a", "b", "c")]
        assert free == [[Closed()]] * 3
        assert not waits.done()
        log.held.clear()
        assert await waits == [Closed()]


async def test_the_rest_of_a_group_is_answered_before_a_held_log_is_had() -> None:
    log = SlowLog()
    log.held = {"held", "other"}
    async with GroupCommit(log) as group:
        tasks = [asyncio.create_task(group.append([unit(name)])) for name in ("held", "a", "other", "b")]
        assert await tasks[1] == await tasks[3] == [Closed()]
        assert not tasks[0].done()
        log.held = {"other"}
        assert await tasks[0] == [Closed()]
        assert not tasks[2].done()
        log.held.clear()
        assert await tasks[2] == [Closed()]


async def test_units_of_a_held_log_go_together_in_order_and_into_no_other_group() -> None:
    log = SlowLog()
    log.held = {"held"}
    async with GroupCommit(log) as group:
        first = [asyncio.create_task(group.append([unit("held")])) for _ in range(3)]
        await asyncio.sleep(0.005)
        late = asyncio.create_task(group.append([unit("held")]))
        await group.append([unit("a")])
        await asyncio.sleep(0.03)
        log.held.clear()
        assert await asyncio.gather(*first, late) == [[Closed()]] * 4
    assert log.calls[0] == ["held"] * 3
    assert log.calls[-1] == ["held"] * 4
    assert all(call == ["a"] or set(call) == {"held"} for call in log.calls)


async def test_a_log_that_is_held_for_ever_is_told_as_busy() -> None:
    log = SlowLog()
    log.held = {"held"}
    async with GroupCommit(log) as group:
        assert await group.append([unit("held")]) == [Busy()]
    assert len(log.calls) == BUSY_TRIES + 1
    async with GroupCommit(log) as group:
        log.held.clear()
        assert await group.append([unit("held")]) == [Closed()]


async def test_what_waits_for_a_held_log_at_the_end_is_still_settled() -> None:
    log = SlowLog()
    log.held = {"held"}
    async with GroupCommit(log) as group:
        late = asyncio.create_task(group.append([unit("held")]))
        await asyncio.sleep(0.02)
        asyncio.get_running_loop().call_later(0.05, log.held.clear)
    assert await late == [Closed()]
