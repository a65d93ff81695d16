"""Other protocol versions: a recall holds, a migration moves the version and never the stage."""

from datetime import datetime
from typing import Any

import pytest

from libs.events.base import ProtocolRef
from libs.events.decisions import (
    CheckpointPassed,
    CheckpointVoided,
    ClinicianAsked,
    HoldClosed,
    HoldOpened,
    InputWeighed,
    RulingRefused,
    StageAdvanced,
    StageHeld,
    StepProposed,
    StepWithdrawn,
)
from libs.events.facts import FactCorrected, SessionLogged
from libs.events.rulings import HoldReleased
from libs.events.versions import ProgrammeMigrated, ProgrammeRecalled, ProtocolChanged
from libs.rehab.explain import explain_decision
from libs.rehab.protocol import RehabProtocol, ShippedProtocols, default_ref, load_default
from libs.rehab.protocol.load import DEFAULT
from libs.rehab.versions import checkpoints_alike, weighs_alike
from tests.support.rehab import (
    LEFT,
    Case,
    Telling,
    at,
    bodyweight,
    check_in,
    checkpoint,
    enrolled,
    fact,
    good_days,
    placed,
    ruled,
    session,
)
from tests.support.versions import a_version

pytestmark = pytest.mark.rule("recall", "migration")
RECALL = "01900000-0000-7000-8000-0000000000ff"


REWORDED = a_version("9.0.1", DEFAULT)
STRICTER = a_version("9.1.0", DEFAULT, P1__most_pain="3")
OTHER_TEST = a_version("9.2.0", DEFAULT, checkpoint__ratio="1.6")
ALL = ShippedProtocols({each.hash: each for each in (REWORDED, STRICTER, OTHER_TEST)})


def migrated(day: int, clock: str = "12:00", to: RehabProtocol = REWORDED, **fields: Any) -> Telling:
    """A clinician's migration of the left programme."""
    when: datetime = at(day, clock)
    values: dict[str, Any] = {"programme": LEFT} | fields
    return Telling(ProgrammeMigrated(to_protocol=to.ref, **values, **ruled(when)), when)


def recalled(day: int, clock: str = "10:00", protocol: ProtocolRef | None = None) -> Telling:
    """The recall of a version reaches the patient."""
    when = at(day, clock)
    event = ProgrammeRecalled(protocol=protocol or default_ref(), recall=RECALL, **ruled(when))
    return Telling(event, when)


def started(stage: int = 1) -> Case:
    """Somebody in a stage."""
    case = Case(ALL).given(enrolled())
    return case.given(placed(stage)) if stage > 1 else case


# Recall


def test_a_recall_holds_every_programme_on_the_version_and_asks_a_clinician_the_same_day() -> None:
    case = started().given(enrolled(0, "16:45", side="right")).when(recalled(2))

    opened = case.all(HoldOpened)
    assert [(each.kind, each.ends_with, each.rule) for each in opened] == [
        ("recall", "clinician", "recall")
    ] * 2
    asked = case.all(ClinicianAsked)
    assert [(each.about, each.same_day, each.subject) for each in asked] == [
        ("recall", True, each.hold) for each in opened
    ]
    assert case.left.loading == 1


def test_a_recall_of_another_version_only_is_remembered() -> None:
    case = started().when(recalled(2, protocol=REWORDED.ref))

    assert case.then(InputWeighed).notes == ("not_on_version",)
    assert not case.left.open_holds


def test_a_recalled_programme_does_not_step_up_until_its_hold_ends() -> None:
    case = started().given(good_days(0, 5), recalled(6, "06:00")).when(session(6), check_in(7), session(7))

    case.never(StageAdvanced)
    assert any(each.startswith("recall-") for each in case.all(StageHeld)[-1].holds)


def test_a_recall_withdraws_what_was_proposed() -> None:
    confirmed = ("confirmed", "confirmed", "confirmed")
    case = Case(ALL).given(enrolled(who_moves=confirmed), good_days(0, 7))
    assert case.left.proposal is not None

    case.when(recalled(9))

    assert case.then(StepWithdrawn).why == "recall_hold"


def test_a_recall_reaches_whoever_starts_on_the_version_later() -> None:
    case = started().given(recalled(2)).when(enrolled(5, side="right"))

    assert case.then(HoldOpened).kind == "recall"
    assert case.then(ClinicianAsked).about == "recall"


def test_a_second_recall_input_changes_nothing() -> None:
    case = started().given(recalled(2)).when(recalled(3))

    case.never(HoldOpened)
    case.never(ClinicianAsked)


def test_a_clinician_releases_a_recall_hold_with_a_reason() -> None:
    case = started().given(recalled(2))
    hold = case.left.open_holds[0].id
    when = at(3)

    case.when(Telling(HoldReleased(programme=LEFT, hold=hold, **ruled(when)), when))

    assert case.then(HoldClosed, hold=hold).rule == "recall"


def test_a_red_flag_and_a_recall_stand_beside_each_other() -> None:
    case = Case(ALL).given(enrolled(red_flags_asked=("fever",), red_flags=("fever",))).when(recalled(1))

    assert case.then(HoldOpened).kind == "recall"
    assert case.state.suspended


# Migration


def test_a_migration_keeps_stage_weeks_and_windows_where_both_weigh_alike() -> None:
    case = started().given(good_days(0, 3))
    before = case.left

    case.when(migrated(4))

    changed = case.then(ProtocolChanged)
    assert (changed.windows, changed.checkpoint, changed.stage) == ("kept", "none", 1)
    assert (changed.from_protocol, changed.to_protocol) == (default_ref(), REWORDED.ref)
    assert changed.protocol == REWORDED.ref
    after = case.left
    assert after.protocol == REWORDED.ref
    assert (after.windows_at, after.weeks, after.phases) == (before.windows_at, before.weeks, before.phases)


def test_a_migration_begins_windows_anew_where_a_number_differs() -> None:
    case = started().given(good_days(0, 5)).when(migrated(6, "12:00", STRICTER))

    assert case.then(ProtocolChanged).windows == "anew"
    assert case.left.windows_at == at(6, "12:00")
    case.when(session(6), check_in(7), session(7), check_in(8))
    case.never(StageAdvanced)
    case.when(good_days(8, 13))
    assert case.all(StageAdvanced)[0].protocol == STRICTER.ref


def test_a_migration_keeps_flares_holds_and_lowered_loading() -> None:
    case = started(2).given(session(1, stage=2), check_in(2, pain=6), session(2, stage=2, pain_during=5))
    before = case.left
    assert before.open_flares

    case.when(migrated(3, to=STRICTER))

    after = case.left
    assert (after.stage, after.loading) == (before.stage, before.loading)
    assert (after.flares, after.holds) == (before.flares, before.holds)


def test_a_migration_ends_the_recall_hold() -> None:
    case = started().given(recalled(2)).when(migrated(3))

    assert case.then(HoldClosed).by == "clinician:c"
    assert not case.left.open_holds


def test_a_migration_never_advances_even_where_everything_is_met() -> None:
    case = started().given(good_days(0, 5), recalled(6, "06:00"), good_days(6, 8))

    case.when(migrated(10))

    case.never(StageAdvanced)
    case.never(StepProposed)
    case.when(session(10))
    case.then(StageAdvanced)


def test_a_migration_says_what_is_missing_under_the_new_version() -> None:
    case = started().given(good_days(0, 2)).when(migrated(3, to=STRICTER))

    held = case.then(StageHeld)
    assert held.protocol == STRICTER.ref
    assert {each.verdict for each in held.criteria} != {"met"}


def test_a_migration_to_a_recalled_version_is_refused() -> None:
    case = started().given(recalled(2, protocol=REWORDED.ref)).when(migrated(3))

    assert case.then(RulingRefused).why == "version_recalled"
    assert case.left.protocol == default_ref()


def test_a_migration_onto_the_own_version_is_refused() -> None:
    case = started().when(migrated(3, to=load_default()))

    assert case.then(RulingRefused).why == "already_on_version"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"programme": "01900000-0000-7000-8000-0000000000aa"}, "no_such_programme"),
        ({"programme": None, "from_protocol": REWORDED.ref}, "not_on_version"),
        ({"from_protocol": REWORDED.ref}, "not_on_version"),
    ],
)
def test_a_migration_of_what_is_not_there_is_refused(fields: dict[str, Any], why: str) -> None:
    case = started().when(migrated(3, to=STRICTER, **fields))

    assert case.then(RulingRefused).why == why


def test_a_migration_for_all_moves_both_tendons() -> None:
    case = started().given(enrolled(0, "16:45", side="right"))

    case.when(migrated(3, programme=None, from_protocol=default_ref()))

    assert [each.programme for each in case.all(ProtocolChanged)] == [case.left.id, case.right.id]


@pytest.mark.rule("R4")
def test_a_migration_forgets_no_advance_whose_evidence_is_taken_back() -> None:
    case = started().given(good_days(0, 8)).given(migrated(10, to=STRICTER))
    assert (case.left.stage, case.left.protocol) == (2, STRICTER.ref)
    told = [each for each, _ in case.answered if isinstance(each.event, SessionLogged)]

    case.when(
        [
            fact(FactCorrected, 11, f"08:{number:02}", target=each.version, why="not done")
            for number, each in enumerate(told)
        ]
    )

    assert any(each.kind == "evidence_withdrawn" for each in case.all(HoldOpened))


# The checkpoint


def passed() -> Case:
    """In Stage 3 with a passed checkpoint."""
    case = started(3).given(bodyweight(72), session(1, stage=3), check_in(2))
    case.given(checkpoint(3), check_in(4))
    assert case.ever(CheckpointPassed)
    assert case.left.passed is not None
    return case


@pytest.mark.rule("checkpoint")
def test_a_pass_stands_where_the_checkpoints_are_alike() -> None:
    case = passed().when(migrated(5, to=STRICTER))

    assert case.then(ProtocolChanged).checkpoint == "kept"
    assert case.left.passed is not None


@pytest.mark.rule("checkpoint")
def test_a_pass_that_a_migration_kept_outlives_what_is_told_late_after_it() -> None:
    case = passed().given(migrated(5, to=STRICTER), migrated(5, "22:00", REWORDED))

    case.when(check_in(2, "09:00"))

    assert case.all(CheckpointVoided) == []
    assert case.left.passed is not None


@pytest.mark.rule("checkpoint")
def test_a_pass_is_void_where_the_checkpoints_differ() -> None:
    case = passed().when(migrated(5, to=OTHER_TEST))

    assert case.then(CheckpointVoided).why == "migration"
    assert case.then(ProtocolChanged).checkpoint == "void"
    assert case.left.passed is None


@pytest.mark.rule("checkpoint")
def test_a_test_that_waits_is_void_where_the_checkpoints_differ() -> None:
    case = started(3).given(bodyweight(72), session(1, stage=3), check_in(2), checkpoint(3))

    case.when(migrated(4, "06:00", OTHER_TEST))

    assert case.then(CheckpointVoided).why == "migration"
    case.when(check_in(4))
    case.never(CheckpointPassed)


# Alike


def test_versions_that_differ_in_words_only_weigh_alike() -> None:
    assert weighs_alike(load_default(), REWORDED)
    assert checkpoints_alike(load_default(), REWORDED)


def test_one_other_number_makes_versions_weigh_otherwise() -> None:
    assert not weighs_alike(load_default(), STRICTER)
    assert checkpoints_alike(load_default(), STRICTER)
    assert not checkpoints_alike(load_default(), OTHER_TEST)
    assert weighs_alike(load_default(), a_version("9.3.0", zone_2__maximum_at_0="210"))


def test_the_words_say_from_where_to_where() -> None:
    case = started().when(migrated(3))

    said = explain_decision(case.then(ProtocolChanged), REWORDED)

    assert "achilles-staged-loading 9.0.1" in said.clinician
    assert "{" not in said.patient + said.clinician
