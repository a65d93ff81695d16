from decimal import Decimal

import pytest

from libs.events.base import Event, LocalTime, ProtocolRef
from libs.events.care import CARE, AdverseEventReported, HeartRateRecorded, QuestionnaireAnswered
from libs.events.facts import (
    FACTS,
    BodyweightRecorded,
    CheckInRecorded,
    CheckpointTested,
    ExerciseDone,
    FactCorrected,
    NoteRecorded,
    RedFlagReported,
    SessionLogged,
    WorkSet,
)
from libs.events.rulings import RULINGS, HoldReleased, ReEntryRuled
from libs.events.versions import VERSION_RULINGS, ProgrammeMigrated, ProgrammeRecalled
from libs.kernel.ids import ProgrammeId
from services.reporting.domain.words import note, plain, summary, title

TELLING = {
    "local": LocalTime(at="2026-03-02T08:00:00+00:00"),
    "reported_by": "patient:1",
    "recorded_by": "patient:1",
    "channel": "api",
}
RULING = {"ruled_by": "clinician:1", "reason": "why", "local": TELLING["local"]}
LEFT, OURS = ProgrammeId("left"), ProtocolRef(id="ours", version="1.1.0", hash="0" * 64)
SESSION = SessionLogged(
    **TELLING,
    exercises=(
        ExerciseDone(
            exercise="slow_bilateral_calf_raise",
            side="both",
            sets=(WorkSet(reps=15, load_kg=Decimal("12.50")), WorkSet(reps=15, load_kg=Decimal(10))),
            pain_during=Decimal(2),
        ),
        ExerciseDone(
            exercise="seated_calf_raise",
            side="both",
            sets=(WorkSet(reps=15),),
            pain_during=Decimal("3.5"),
            sharp=True,
        ),
    ),
)


SWOLLEN = CheckInRecorded(**TELLING, pain=Decimal(4), swelling=True, more_stiffness=True)
TESTED = CheckpointTested(
    **TELLING,
    side="left",
    hold_s=(Decimal(15), Decimal(15)),
    load_kg=Decimal("103.35"),
    pain_during=Decimal(0),
)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (SESSION, "both, 2 exercises, 3 sets, up to 12.5 kg, pain 3.5/10, sharp"),
        (SWOLLEN, "pain 4/10, swelling, more stiffness"),
        (TESTED, "left, 15 s + 15 s with 103.35 kg added, pain 0/10"),
        (RedFlagReported(**TELLING, flags=("sudden_pop", "fever")), "sudden pop, fever"),
        (FactCorrected(**TELLING, target=7, why="typo"), "input 7 withdrawn"),
        (NoteRecorded(**TELLING, note="x"), ""),
        (BodyweightRecorded(**TELLING, weight_kg=Decimal("71.66759446")), "71.668 kg"),
        (
            QuestionnaireAnswered(**TELLING, instrument="visa_a", side="left", total=63, week=6),
            "left, VISA-A 63 of 100, week 6",
        ),
        (HeartRateRecorded(**TELLING, resting_bpm=58, beta_blockers=True), "at rest 58, on beta-blockers"),
        (
            AdverseEventReported(
                **TELLING, what="Fell.", severity="severe", serious_because=("hospital_stay",)
            ),
            "Fell, severe, serious",
        ),
        (ReEntryRuled(**RULING, programme=LEFT, stage=2), "Stage 2"),
        (ProgrammeMigrated(**RULING, programme=LEFT, to_protocol=OURS), "to ours 1.1.0"),
        (ProgrammeRecalled(**RULING, protocol=OURS, recall="r"), "ours 1.1.0"),
    ],
)
def test_what_was_told_is_said_in_a_few_words(event: Event, expected: str) -> None:
    assert summary(event) == expected


@pytest.mark.parametrize("kind", [*FACTS, *CARE, *RULINGS, *VERSION_RULINGS])
def test_every_input_has_a_name_of_its_own_words(kind: type[Event]) -> None:
    assert title(kind.TYPE)[0].isupper()
    assert "_" not in title(kind.TYPE)


def test_what_was_typed_and_why_something_was_ruled_are_notes() -> None:
    released = HoldReleased(
        ruled_by="clinician:1", reason="looks fine", local=LocalTime(at="x"), programme="p", hold="h"  # type: ignore[arg-type]
    )  # fmt: skip

    assert note(NoteRecorded(**TELLING, note="<b>")) == "<b>"
    assert note(released) == "looks fine"
    assert note(FactCorrected(**TELLING, target=7, why="typo")) == "typo"
    assert note(CheckInRecorded(**TELLING, pain=Decimal(1))) is None


@pytest.mark.parametrize(("number", "text"), [("12.50", "12.5"), ("10", "10"), ("1E+2", "100"), ("0.0", "0")])
def test_numbers_are_written_plainly(number: str, text: str) -> None:
    assert plain(Decimal(number)) == text
