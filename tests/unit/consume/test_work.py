"""What a handler's own appends say of the cursor."""

from datetime import UTC, datetime

import pytest

from libs.consume.work import Work
from libs.eventlog.port import Appended, Unit
from libs.kernel.ids import EntryId, LogId

CLINICAL, ACCESS = LogId("harbour-c-1"), LogId("harbour-a-1")


class TakesAll:
    """Appends everything, from position 7 on."""

    async def append(self, units: list[Unit], *, connection: object = None) -> list[Appended]:
        return [Appended((7 + n,), (1,), (b"",), (EntryId("x"),)) for n, _ in enumerate(units)]


@pytest.mark.parametrize(
    ("logs", "own"),
    [
        ((CLINICAL,), (7, 7)),
        ((CLINICAL, CLINICAL), (7, 8)),
        ((ACCESS,), None),
        ((CLINICAL, ACCESS), None),
    ],
)
async def test_positions_in_another_log_never_move_this_logs_cursor(
    logs: tuple[LogId, ...], own: tuple[int, int] | None
) -> None:
    work = Work(
        log=CLINICAL,
        entries=(),
        connection=object(),
        now=datetime(2026, 3, 2, tzinfo=UTC),
        event_log=TakesAll(),  # type: ignore[arg-type]
    )
    await work.append([Unit(log=log, drafts=()) for log in logs])
    assert work.own == own
