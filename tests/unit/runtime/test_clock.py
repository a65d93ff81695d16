"""Ids rise whatever the clock does."""

from itertools import pairwise
from uuid import UUID

from libs.kernel.ids import UUID_PATTERN
from libs.runtime.clock import SystemClock, UuidV7Source


def test_ids_rise_when_the_clock_stands() -> None:
    source = UuidV7Source(milliseconds=lambda: 1_700_000_000_000)
    ids = [source.new_id() for _ in range(1_000)]
    assert all(earlier < later for earlier, later in pairwise(ids))


def test_ids_rise_when_the_clock_steps_back() -> None:
    times = iter([2_000_000_000_000, 1_999_999_000_000, 1_999_999_000_001])
    source = UuidV7Source(milliseconds=lambda: next(times))
    first, second, third = source.new_id(), source.new_id(), source.new_id()
    assert first < second < third


def test_an_id_is_a_version_7_uuid_with_the_milliseconds_in_front() -> None:
    made = UuidV7Source(milliseconds=lambda: 0x0192_3456_789A).new_id()
    assert UUID_PATTERN.fullmatch(made)
    assert UUID(made).version == 7
    assert made.startswith("01923456-789a-7")


def test_a_full_tail_carries_into_the_milliseconds() -> None:
    source = UuidV7Source(milliseconds=lambda: 5, random_bits=lambda bits: (1 << bits) - 1)
    ids = [source.new_id() for _ in range(3)]
    assert ids == sorted(set(ids))
    assert all(UUID_PATTERN.fullmatch(each) for each in ids)


def test_the_clock_tells_utc() -> None:
    offset = SystemClock().now().utcoffset()
    assert offset is not None
    assert offset.total_seconds() == 0
