import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import pytest

from libs.eventlog.port import Outcome, Unit
from libs.events.facts import (
    CheckInRecorded,
    FactCorrected,
    NoteRecorded,
    PatientRegistered,
    PlacementReported,
    ProgrammeEnrolled,
    SessionLogged,
)
from libs.kernel.errors import ForbiddenError, UnavailableError
from libs.kernel.ids import patient_stream
from libs.rehab.protocol import canonical_bytes
from libs.rehab.protocol.load import load_shipped
from libs.web.permissions import Role
from libs.web.principals import Principal
from services.session_ingest.diary.answers import Imported
from services.session_ingest.diary.problems import RejectedRowsError
from services.session_ingest.handlers import Appender
from tests.integration.diary.clinic import CLINIC, LOG, Clinic
from tests.unit.diary.build import HEADER, drop, row, sample

ENROL = row("2026-02-02", "17:00", "enrol", side="left", value="mid_portion")
MORNING = row("2026-02-03", "07:00", "morning", value="2")


def diary(*rows: str) -> bytes:
    return "\n".join((HEADER, *rows)).encode()


def counts(imported: Imported) -> tuple[int, int, int]:
    return imported.rows_new, imported.rows_known, imported.rows_amended


async def test_new_diary_registers_a_patient_and_records_every_row_in_order(clinic: Clinic) -> None:
    imported = await clinic.take(sample("01"))
    facts = await clinic.facts(imported.patient)
    assert counts(imported) == (195, 0, 0)
    assert isinstance(facts[0], PatientRegistered)
    assert isinstance(facts[1], ProgrammeEnrolled)
    assert len(facts) == len(imported.entries) == 113
    entries = await clinic.entries()
    assert [each.leaf_hash.hex() for each in entries] == [each.leaf_hash for each in imported.entries]
    times = [each.envelope.occurredat for each in entries]
    assert times == sorted(times)


async def test_enrolment_names_the_protocol_that_stands_as_a_blob(clinic: Clinic) -> None:
    imported = await clinic.take(diary(ENROL))
    enrolled = (await clinic.facts(imported.patient))[-1]
    assert isinstance(enrolled, ProgrammeEnrolled)
    assert await clinic.log.read_blob(LOG, enrolled.protocol.hash, key=None)


async def test_enrolment_takes_the_protocol_that_the_import_names(clinic: Clinic) -> None:
    silbernagel = load_shipped("silbernagel")
    imported = await clinic.take(diary(ENROL), protocol="silbernagel")
    enrolled = (await clinic.facts(imported.patient))[-1]
    assert isinstance(enrolled, ProgrammeEnrolled)
    assert enrolled.protocol == silbernagel.ref
    assert await clinic.log.read_blob(LOG, silbernagel.hash, key=None) == canonical_bytes(silbernagel)


async def test_same_diary_again_adds_nothing(clinic: Clinic) -> None:
    first = await clinic.take(sample("02"))
    again = await clinic.take(sample("02"))
    assert counts(again) == (0, 106, 0)
    assert again.patient == first.patient
    assert len(await clinic.entries()) == len(first.entries)


async def test_longer_diary_adds_only_what_is_new(clinic: Clinic) -> None:
    first = await clinic.take(diary(ENROL, drop()))
    longer = await clinic.take(diary(ENROL, drop(), MORNING, drop("2026-02-04")))
    assert counts(longer) == (2, 2, 0)
    assert [type(each) for each in await clinic.facts(first.patient)][-2:] == [CheckInRecorded, SessionLogged]


async def test_later_shift_keeps_to_the_first_one(clinic: Clinic) -> None:
    await clinic.take(diary(ENROL, drop()), shift_to=dt.date(2026, 8, 1))
    longer = await clinic.take(diary(ENROL, drop(), MORNING), shift_to=dt.date(2026, 9, 1))
    assert counts(longer) == (1, 2, 0)
    assert longer.shift_weeks == 25
    checked = (await clinic.facts(longer.patient))[-1]
    assert isinstance(checked, CheckInRecorded)
    assert checked.local.at.startswith("2026-07-28T07:00")


async def test_row_added_to_a_session_corrects_it(clinic: Clinic) -> None:
    first = await clinic.take(diary(ENROL, drop()))
    again = await clinic.take(diary(ENROL, drop(), drop(exercise="heel drop bent knee")))
    assert counts(again) == (0, 1, 2)
    correction = (await clinic.facts(first.patient))[-1]
    assert isinstance(correction, FactCorrected)
    assert correction.target == 3
    assert correction.replacement_type == SessionLogged.TYPE
    assert correction.replacement is not None
    assert len(correction.replacement["exercises"]) == 2  # type: ignore[arg-type]


async def test_changed_row_corrects_the_first_one_once(clinic: Clinic) -> None:
    await clinic.take(diary(ENROL, MORNING))
    changed = diary(ENROL, MORNING.replace(",2,", ",5,"))
    assert counts(await clinic.take(changed)) == (0, 1, 1)
    assert counts(await clinic.take(changed)) == (0, 2, 0)
    third = await clinic.take(diary(ENROL, MORNING.replace(",2,", ",6,")))
    corrections = [each for each in await clinic.facts(third.patient) if isinstance(each, FactCorrected)]
    assert [each.target for each in corrections] == [3, 3]
    assert corrections[-1].replacement is not None
    assert corrections[-1].replacement["pain"] == "6"


async def test_two_notes_of_one_minute_are_two_and_one_more_is_new(clinic: Clinic) -> None:
    notes = [row(entry="note", notes=text) for text in ("a", "b", "c")]
    await clinic.take(diary(ENROL, notes[1], notes[2]))
    assert counts(await clinic.take(diary(ENROL, *notes))) == (1, 3, 0)


async def test_changed_enrolment_is_rejected(clinic: Clinic) -> None:
    await clinic.take(diary(ENROL))
    with pytest.raises(RejectedRowsError) as problem:
        await clinic.take(diary(ENROL.replace("mid_portion", "insertional")))
    assert "clinician" not in problem.value.detail
    assert problem.value.extra["rejected"][0]["line"] == 2  # type: ignore[index]


async def test_changed_enrolment_with_a_long_note_is_rejected_too(clinic: Clinic) -> None:
    await clinic.take(diary(ENROL))
    changed = ENROL.replace("mid_portion", "insertional") + "long " * 30
    with pytest.raises(RejectedRowsError):
        await clinic.take(diary(changed))


async def test_placement_added_later_finds_the_programme(clinic: Clinic) -> None:
    first = await clinic.take(diary(ENROL))
    placement = row("2026-02-02", "18:00", "placement", value="2", notes="tolerated before")
    await clinic.take(diary(ENROL, placement))
    facts = await clinic.facts(first.patient)
    assert isinstance(facts[1], ProgrammeEnrolled)
    assert isinstance(facts[2], PlacementReported)
    assert facts[2].programme == facts[1].programme


async def test_nothing_is_imported_where_a_row_is_bad(clinic: Clinic) -> None:
    with pytest.raises(RejectedRowsError) as problem:
        await clinic.take(diary(ENROL, drop(pain_during="11")))
    assert await clinic.entries() == []
    assert "11" not in str(problem.value)


async def test_bad_rows_are_skipped_where_asked_and_taken_once_mended(clinic: Clinic) -> None:
    skipped = await clinic.take(diary(ENROL, drop(pain_during="11"), MORNING), skip_bad=True)
    assert counts(skipped) == (2, 0, 0)
    assert [each.line for each in skipped.rejected] == [3]
    mended = await clinic.take(diary(drop(pain_during="1")))
    assert counts(mended) == (1, 0, 0)
    assert mended.patient == skipped.patient


async def test_row_that_may_hold_a_red_flag_is_never_skipped(clinic: Clinic) -> None:
    with pytest.raises(RejectedRowsError, match="red flag"):
        await clinic.take(diary(ENROL, row(entry="red flag", value="odd")), skip_bad=True)
    assert await clinic.entries() == []


async def test_dry_run_says_what_would_be_and_changes_nothing(clinic: Clinic) -> None:
    dry = await clinic.take(diary(ENROL, drop()), dry_run=True)
    assert counts(dry) == (2, 0, 0)
    assert dry.patient is None
    assert await clinic.entries() == []
    await clinic.take(diary(ENROL, drop()))
    assert counts(await clinic.take(diary(ENROL, drop(), MORNING), dry_run=True)) == (1, 2, 0)


async def test_long_note_is_a_blob_that_the_entry_names(clinic: Clinic) -> None:
    note = "long " * 30
    imported = await clinic.take(diary(ENROL, row(entry="note", notes=note.strip())))
    last = (await clinic.entries())[-1]
    assert isinstance(last.event, NoteRecorded)
    assert last.event.note is None
    key = f"patient-{imported.patient}/1"
    assert await clinic.log.read_blob(LOG, last.envelope.blobs or "", key=key) == note.strip().encode()


async def test_two_importers_at_once_record_everything_once(clinic: Clinic) -> None:
    imports = await asyncio.gather(*(clinic.take(sample("06")) for _ in range(4)))
    assert len({each.patient for each in imports}) == 1
    assert sum(each.rows_new for each in imports) == 23
    assert len(await clinic.entries()) == 18


async def test_import_of_more_than_a_unit_is_opened_and_closed(clinic: Clinic) -> None:
    start = dt.date(2020, 1, 1)
    rows = [row(str(start + dt.timedelta(days=n)), "07:00", "morning", value="1") for n in range(1000)]
    imported = await clinic.take(diary(*rows))
    types = [each.envelope.type.split(".")[1] for each in await clinic.entries()]
    assert types[:3] == ["patient_registered", "import_opened", "check_in_recorded"]
    assert types[-1] == "import_closed"
    assert len(types) == 1003
    assert counts(await clinic.take(diary(*rows))) == (0, 1000, 0)
    assert imported.last_version == 1003


async def test_clinicians_rows_need_a_clinician(clinic: Clinic) -> None:
    admin = Principal(Role.CLINIC_ADMIN, "0198c0de-0000-7000-8000-000000000002", CLINIC)
    with pytest.raises(ForbiddenError):
        await clinic.take(sample("03"), principal=admin)
    assert (await clinic.take(sample("01"), principal=admin)).rows_new == 195


async def test_patients_of_two_references_are_two(clinic: Clinic) -> None:
    first = await clinic.take(diary(ENROL), "anna")
    second = await clinic.take(diary(ENROL), "ben")
    assert first.patient != second.patient
    assert {each.stream for each in await clinic.entries()} == {
        patient_stream(each.patient)
        for each in (first, second)  # type: ignore[arg-type]
    }


async def test_import_that_broke_off_between_its_units_is_finished_and_closed(clinic: Clinic) -> None:
    start = dt.date(2020, 1, 1)
    rows = [row(str(start + dt.timedelta(days=n)), "07:00", "morning", value="1") for n in range(1000)]
    appender = clinic.ingest.appender
    broken = replace(clinic, ingest=replace(clinic.ingest, appender=OnceAppender(appender)))
    with pytest.raises(UnavailableError):
        await broken.take(diary(*rows))
    assert len(await clinic.entries()) == 902
    rest = await clinic.take(diary(*rows))
    assert counts(rest) == (100, 900, 0)
    types = [each.envelope.type.split(".")[1] for each in await clinic.entries()]
    assert len(types) == 1003
    assert (types.count("import_opened"), types[-1]) == (1, "import_closed")


class OnceAppender:
    """Appends one unit, then the database is away."""

    def __init__(self, appender: Appender) -> None:
        self._appender = appender
        self._used = False

    async def append(self, units: Sequence[Unit]) -> list[Outcome]:
        """The first time."""
        if self._used:
            raise UnavailableError
        self._used = True
        return await self._appender.append(units)


async def test_question_of_a_note_is_recorded_once_and_changes_no_claim(clinic: Clinic) -> None:
    first = await clinic.take(sample("02"))
    facts = await clinic.facts(first.patient)
    asking = [each for each in facts if getattr(each, "questions", ())]
    assert [(type(each), each.questions) for each in asking] == [(SessionLogged, ("sharp",))]  # type: ignore[attr-defined]
    assert counts(await clinic.take(sample("02"))) == (0, 106, 0)
    assert len(await clinic.entries()) == len(first.entries)


async def test_note_that_no_longer_asks_corrects_the_question_away(clinic: Clinic) -> None:
    first = await clinic.take(diary(ENROL, drop(notes="sharp at the bottom")))
    assert counts(await clinic.take(diary(ENROL, drop(notes="pulled a bit")))) == (0, 1, 1)
    asking, correction = (await clinic.facts(first.patient))[-2:]
    assert isinstance(asking, SessionLogged)
    assert asking.questions == ("sharp",)
    assert isinstance(correction, FactCorrected)
    assert correction.target == 3
    assert correction.replacement is not None
    assert "questions" not in correction.replacement


async def test_note_that_asks_only_now_corrects_the_question_in(clinic: Clinic) -> None:
    first = await clinic.take(diary(ENROL, drop()))
    await clinic.take(diary(ENROL, drop(notes="my calf is swollen")))
    correction = (await clinic.facts(first.patient))[-1]
    assert isinstance(correction, FactCorrected)
    assert correction.replacement is not None
    assert correction.replacement["questions"] == ["calf_swelling_warm_or_red"]
