from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from libs.eventlog.port import Appended, Busy, Clinic, Outcome, Refused, Unit
from libs.events.accesses import RecordAccessed
from libs.kernel.ids import ClinicId, EntryId
from services.reporting.accesses import AccessRecorder, Looked, NotRecordedError

HARBOUR = ClinicId("harbour")
LATE = datetime(2026, 11, 24, 23, 59, 59, tzinfo=UTC)


class Clock:
    def now(self) -> datetime:
        return LATE


class Clinics:
    async def of(self, slug: ClinicId) -> Clinic:
        return Clinic(slug, "0198c0de-0000-7000-8000-0000000000cc", "Australia/Melbourne", "Harbour")


class Appender:
    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.units: list[Unit] = []

    async def append(self, units: Sequence[Unit]) -> list[Outcome]:
        self.units += units
        return [self.outcome for _ in units]


APPENDED = Appended((0,), (1,), (b"",), (EntryId("x"),))


def recorder(appender: Appender) -> AccessRecorder:
    return AccessRecorder(appender, Clinics(), Clock())  # type: ignore[arg-type]


def looked(role: str = "clinician", patients: int = 1, entries: int = 0) -> Looked:
    return Looked(
        clinic=HARBOUR,
        role=role,
        actor=f"{role}:1",
        operation="read_patient",
        patients=tuple(f"p{n}" for n in range(patients)),
        entries=tuple(f"e{n}" for n in range(entries)),
    )


def accesses(appender: Appender) -> list[RecordAccessed]:
    found = [draft.event for unit in appender.units for draft in unit.drafts]
    assert all(isinstance(each, RecordAccessed) for each in found)
    return found  # type: ignore[return-value]


async def test_a_read_is_recorded_in_the_days_stream_under_the_clinics_key() -> None:
    appender = Appender(APPENDED)

    await recorder(appender).record(looked())

    (draft,) = appender.units[0].drafts
    assert appender.units[0].log == "harbour-a-1"
    assert draft.stream == "access-2026-11-24"
    assert draft.key == "clinic-0198c0de-0000-7000-8000-0000000000cc/1"
    assert accesses(appender) == [
        RecordAccessed(principal="clinician:1", operation="read_patient", purpose="care", patients=("p0",))
    ]


@pytest.mark.parametrize(
    ("role", "purpose"), [("patient", "own_data"), ("auditor", "audit"), ("integration", "care")]
)
async def test_the_purpose_follows_from_the_role(role: str, purpose: str) -> None:
    appender = Appender(APPENDED)

    await recorder(appender).record(looked(role))

    assert accesses(appender)[0].purpose == purpose


async def test_more_ids_than_an_entry_holds_are_shared_out_and_none_is_lost() -> None:
    appender = Appender(APPENDED)

    await recorder(appender).record(looked(patients=700, entries=301))

    assert len(appender.units) == 1
    assert [each for one in accesses(appender) for each in one.patients] == [f"p{n}" for n in range(700)]
    assert [each for one in accesses(appender) for each in one.entries] == [f"e{n}" for n in range(301)]


async def test_a_read_of_nothing_is_recorded_too() -> None:
    appender = Appender(APPENDED)

    await recorder(appender).record(looked(patients=0))

    assert len(accesses(appender)) == 1


async def test_what_cannot_be_recorded_is_refused() -> None:
    with pytest.raises(NotRecordedError):
        await recorder(Appender(Busy())).record(looked())


async def test_a_read_while_the_day_ends_is_recorded_in_the_new_ones_stream() -> None:
    class Midnight(Appender):
        async def append(self, units: Sequence[Unit]) -> list[Outcome]:
            self.units += units
            today = all(draft.stream == "access-2026-11-25" for unit in units for draft in unit.drafts)
            return [APPENDED if today else Refused(reason="stream")]

    class Ticking:
        calls = 0

        def now(self) -> datetime:
            self.calls += 1
            return LATE + timedelta(seconds=self.calls - 1)

    appender = Midnight(APPENDED)

    await AccessRecorder(appender, Clinics(), Ticking()).record(looked())  # type: ignore[arg-type]

    assert [unit.drafts[0].stream for unit in appender.units] == ["access-2026-11-24", "access-2026-11-25"]
