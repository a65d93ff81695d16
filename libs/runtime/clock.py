"""The real clock and source of ids, for the composition roots."""

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock

from libs.kernel.ids import EntryId

_TAIL_BITS = 74
_STEP_BITS = 32


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """The present instant, in UTC."""
        return datetime.now(UTC)


class UuidV7Source:
    """UUIDv7 that rise strictly within one process, even when the clock stands or steps back.

    48 bits of milliseconds, then 74 random bits; within one millisecond the 74 bits grow by a random
    step (RFC 9562, 6.2, method 2), so the next id cannot be guessed from the last.
    """

    def __init__(
        self,
        milliseconds: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        random_bits: Callable[[int], int] = secrets.randbits,
    ) -> None:
        self._milliseconds = milliseconds
        self._random_bits = random_bits
        self._last = 0
        self._lock = Lock()

    def new_id(self) -> EntryId:
        """A new UUIDv7, lower-case with hyphens, greater than all before it."""
        with self._lock:
            # The top bit stays clear, so that a millisecond has room to step in before it overflows.
            fresh = self._milliseconds() << _TAIL_BITS | self._random_bits(_TAIL_BITS - 1)
            if fresh <= self._last:
                fresh = self._last + 1 + self._random_bits(_STEP_BITS)
            self._last = fresh
        return EntryId(_lay_out(fresh))


def _lay_out(value: int) -> str:
    """Put milliseconds and tail around the version and variant bits."""
    upper, lower = value >> 62, value & ((1 << 62) - 1)
    milliseconds, rand_a = upper >> 12, upper & 0xFFF
    digits = f"{milliseconds << 80 | 7 << 76 | rand_a << 64 | 0b10 << 62 | lower:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
