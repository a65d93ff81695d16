from datetime import UTC, datetime, timedelta

import pytest

from libs.events.base import Event, LocalTime, ProtocolRef
from libs.events.care import AdverseEventReported
from libs.events.decisions import (
    CheckpointInconclusive,
    ClinicianAsked,
    HoldOpened,
    InputWeighed,
    LoadingSuspended,
    PatientTold,
    ProgrammeStarted,
    SessionWeighed,
    StageAdvanced,
    StageRegressed,
    StepProposed,
)
from libs.events.facts import CheckInRecorded, FactCorrected, RedFlagReported, RedFlagsAnswered
from libs.events.flags import FlagRaised
from libs.events.versions import ProgrammeRecalled
from libs.kernel.ids import UUID_PATTERN
from services.notification.domain import (
    Happened,
    counted_from,
    delivery_id,
    delivery_stream,
    is_too_old,
    messages_for,
    plan,
    plan_all,
)

NOW = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)
PATIENT = "0198c0de-0000-7000-8000-000000000001"
CLINIC = "0198c0de-0000-7000-8000-0000000000cc"
FACT = "0198c0de-0000-7000-8000-0000000000f1"
DECISION = "0198c0de-0000-8000-8000-0000000000d1"
TOLD = {
    "local": LocalTime(at="2026-11-24T20:00:00+00:00"),
    "reported_by": "patient:1",
    "recorded_by": "patient:1",
    "channel": "api",
}
DECIDED = {"judge": 1, "rule": "T3", "programme": "p"}
HARMED = AdverseEventReported(**TOLD, what="Fell.", severity="mild")
RED_FLAG = RedFlagReported(**TOLD, flags=("sudden_pop",))


def happened(
    event: Event, *, ago: timedelta = timedelta(0), of: str = FACT, answers: str | None = None
) -> Happened:
    return Happened(id=of, occurred_at=NOW - ago, event=event, answers=answers)


def templates(event: Event) -> set[str]:
    return {each.template for each in messages_for(event)}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (RED_FLAG, {"red_flag_clinic/1", "red_flag_patient/1"}),
        (HARMED, {"adverse_event_clinic/1", "adverse_event_patient/1"}),
        (
            AdverseEventReported(**TOLD, what="A pop.", severity="severe", flags=("sudden_pop",)),
            {"red_flag_clinic/1", "red_flag_patient/1"},
        ),
        (HoldOpened(**DECIDED, hold="h", kind="adverse_event", ends_with="clinician"), set()),
        (
            RedFlagsAnswered(**TOLD, flags_asked=("fever",), flags=("fever",)),
            {"red_flag_clinic/1", "red_flag_patient/1"},
        ),
        (
            HoldOpened(**DECIDED, hold="sharp-1", kind="sharp", ends_with="clinician"),
            {"hold_clinic/1", "hold_patient/1"},
        ),
        (
            HoldOpened(
                **DECIDED, hold="question-3", kind="question", ends_with="answer", questions=("fever",)
            ),
            {"hold_clinic/1", "hold_patient/1"},
        ),
        (
            StageAdvanced(**DECIDED, gate="1-2", from_stage=1, to_stage=2, by="automatic"),
            {"advanced_clinic/1", "advanced_patient/1"},
        ),
        (
            StepProposed(**DECIDED, gate="3-4", from_stage=3, to_stage=4),
            {"proposed_clinic/1", "proposed_patient/1"},
        ),
        (
            StageRegressed(**DECIDED, from_stage=3, to_stage=2, why="override"),
            {"regressed_clinic/1", "regressed_patient/1"},
        ),
        (ClinicianAsked(**DECIDED, about="hold_14_days"), {"asked_clinic/1"}),
        (PatientTold(**DECIDED, about="rest_does_not_restore"), {"told_patient/1"}),
        (CheckpointInconclusive(**DECIDED, test=4, missing=("next_day",)), {"told_patient/1"}),
        (
            ProgrammeStarted(**DECIDED, side="left", presentation="both", awaiting=True),
            {"awaiting_clinic/1", "awaiting_patient/1"},
        ),
    ],
)
def test_red_flags_holds_and_steps_reach_clinic_and_patient(event: Event, expected: set[str]) -> None:
    assert templates(event) == expected


@pytest.mark.parametrize(
    "event",
    [
        CheckInRecorded(**TOLD, pain=2),
        RedFlagsAnswered(**TOLD, flags_asked=("fever",)),
        InputWeighed(**DECIDED),
        ProgrammeStarted(**DECIDED, side="left", presentation="mid_portion"),
        FactCorrected(
            **TOLD, target=3, why="typo", replacement={"pain": "2"}, replacement_type=CheckInRecorded.TYPE
        ),
    ],
)
def test_what_changes_nothing_is_told_to_nobody(event: Event) -> None:
    assert messages_for(event) == ()


def test_a_correction_that_tells_a_red_flag_alerts_as_the_report_would() -> None:
    corrected = FactCorrected(
        **TOLD,
        target=3,
        why="left out",
        replacement_type=RedFlagsAnswered.TYPE,
        replacement={"flags": ["fever"]},
    )

    assert templates(corrected) == {"red_flag_clinic/1", "red_flag_patient/1"}


def test_a_suspension_is_the_same_message_as_the_red_flag_that_it_answers() -> None:
    from_fact = plan(happened(RED_FLAG), patient=PATIENT, clinic=CLINIC)
    suspended = LoadingSuspended(**DECIDED, flags=("sudden_pop",))
    from_decision = plan(happened(suspended, of=DECISION, answers=FACT), patient=PATIENT, clinic=CLINIC)

    assert {each.delivery for each in from_fact} == {each.delivery for each in from_decision}


def test_a_session_logged_while_suspended_is_told_once_for_both_programmes() -> None:
    weighed = [
        SessionWeighed(
            **(DECIDED | {"programme": programme}),
            session=4, valid=False, within_limit="met", tolerated="unknown", invalid_because=("suspended",),
        )
        for programme in ("left", "right")
    ]  # fmt: skip

    planned = plan_all(
        [happened(each, of=f"{DECISION[:-1]}{n}", answers=FACT) for n, each in enumerate(weighed)],
        patient=PATIENT, clinic=CLINIC,
    )  # fmt: skip

    assert [(each.template, each.about) for each in planned] == [("loaded_while_stopped_clinic/1", FACT)]


def test_a_clinic_that_is_told_of_a_hold_is_not_asked_to_look_besides() -> None:
    hold = HoldOpened(**DECIDED, hold="sharp-2", kind="sharp", ends_with="clinician")
    asked = ClinicianAsked(**DECIDED, about="sharp")

    planned = plan_all(
        [happened(asked, of=DECISION, answers=FACT), happened(hold, of=f"{DECISION[:-1]}2", answers=FACT)],
        patient=PATIENT,
        clinic=CLINIC,
    )

    assert [each.template for each in planned] == ["hold_clinic/1", "hold_patient/1"]


def test_a_question_that_only_repeats_a_red_flag_is_the_same_message() -> None:
    asked = ClinicianAsked(**DECIDED, about="red_flag")

    (planned,) = plan_all([happened(asked, of=DECISION, answers=FACT)], patient=PATIENT, clinic=CLINIC)

    assert planned.delivery == delivery_id(FACT, "mail", f"clinic:{CLINIC}")


def test_a_delivery_id_follows_from_event_channel_and_recipient_alone() -> None:
    ids = {
        delivery_id(event, channel, recipient)
        for event in (FACT, DECISION)
        for channel in ("mail", "webhook")
        for recipient in (f"patient:{PATIENT}", f"clinic:{CLINIC}")
    }

    assert len(ids) == 8
    assert all(UUID_PATTERN.fullmatch(each) for each in ids)
    assert delivery_id(FACT, "mail", f"patient:{PATIENT}") in ids


def test_a_delivery_lies_in_the_stream_of_its_recipient() -> None:
    assert delivery_stream(f"clinic:{CLINIC}") == f"delivery-{CLINIC}"


@pytest.mark.parametrize(
    ("hours", "sent"), [(0, True), (71.9, True), (72, True), (72.1, False), (5000, False)]
)
def test_only_what_is_effective_within_72_hours_is_sent(hours: float, sent: bool) -> None:
    hold = HoldOpened(**DECIDED, hold="flare-9", kind="flare", ends_with="flare_closed")
    planned = plan(happened(hold, ago=timedelta(hours=hours)), patient=PATIENT, clinic=CLINIC)

    assert [is_too_old(each, NOW) for each in planned] == [not sent, not sent]


def test_a_red_flag_reaches_the_clinic_however_old_but_not_the_patient() -> None:
    planned = plan(happened(RED_FLAG, ago=timedelta(days=200)), patient=PATIENT, clinic=CLINIC)

    assert {each.recipient: is_too_old(each, NOW) for each in planned} == {
        f"clinic:{CLINIC}": False,
        f"patient:{PATIENT}": True,
    }


def test_the_72_hours_of_what_was_old_when_it_was_meant_count_from_then() -> None:
    assert counted_from(NOW - timedelta(days=9), NOW) == NOW
    assert counted_from(NOW - timedelta(hours=3), NOW) == NOW - timedelta(hours=3)


def test_an_adverse_event_reaches_the_clinic_however_old_it_is_and_once() -> None:
    report = happened(HARMED, ago=timedelta(days=9))
    asked = happened(
        ClinicianAsked(**DECIDED, about="adverse_event", same_day=True), of=DECISION, answers=FACT
    )
    planned = plan_all((report, asked), patient=PATIENT, clinic=CLINIC)
    to_clinic = [each for each in planned if each.recipient.startswith("clinic:")]
    assert [each.template for each in to_clinic] == ["adverse_event_clinic/1"]
    assert not is_too_old(to_clinic[0], NOW)
    assert all(is_too_old(each, NOW) for each in planned if each not in to_clinic)


def recalled(of: str = FACT) -> Happened:
    event = ProgrammeRecalled(
        protocol=ProtocolRef(id="harbour-loading", version="1.0.0", hash="a" * 64),
        recall="0198c0de-0000-7000-8000-0000000000ee",
        ruled_by="operator:1",
        reason="a wrong number",
        local=LocalTime(at="2026-11-24T20:00:00+00:00"),
    )
    return happened(event, of=of)


def test_recall_of_a_version_is_one_mail_to_a_clinic_however_many_are_on_it() -> None:
    first, second = (
        plan_all([recalled(of=each)], patient=PATIENT, clinic=CLINIC) for each in (FACT, DECISION)
    )
    assert [(each.template, each.recipient, each.always) for each in first] == [
        ("recalled_clinic/1", f"clinic:{CLINIC}", True)
    ]
    assert [each.delivery for each in first] == [each.delivery for each in second]


def test_recall_holds_are_told_to_the_patient_and_not_to_the_clinic_again() -> None:
    hold = HoldOpened(**DECIDED, hold="recall-1", kind="recall", ends_with="clinician")
    asked = ClinicianAsked(**DECIDED, about="recall", same_day=True, subject="recall-1")
    told = [happened(each, of=f"{DECISION[:-1]}{at}", answers=FACT) for at, each in enumerate((hold, asked))]

    planned = plan_all([recalled(), *told], patient=PATIENT, clinic=CLINIC)

    assert sorted(each.template for each in planned) == ["hold_patient/1", "recalled_clinic/1"]


def flag(name: str = "too_fast", **fields: bool) -> FlagRaised:
    return FlagRaised(**DECIDED, flag=name, **{"announced": True, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (flag(), {"told_patient/1"}),
        (flag(announced=False), set()),
        (flag("stretching_into_pain", urgent=True), {"told_patient/1", "asked_clinic/1"}),
    ],
)
def test_a_flag_reaches_the_patient_where_it_is_announced_and_the_clinic_where_it_is_urgent(
    event: Event, expected: set[str]
) -> None:
    assert templates(event) == expected


def test_several_flags_of_one_input_are_one_mail() -> None:
    flags = [flag(), flag("out_of_stage")]
    told = [happened(each, of=f"{DECISION[:-1]}{index}", answers=FACT) for index, each in enumerate(flags)]

    assert [each.template for each in plan_all(told, patient=PATIENT, clinic=CLINIC)] == ["told_patient/1"]


def test_a_flag_beside_something_else_that_the_patient_is_told_is_no_mail_of_its_own() -> None:
    said = PatientTold(**DECIDED, about="rest_does_not_restore")

    planned = plan_all(
        [
            happened(said, of=DECISION, answers=FACT),
            happened(flag("resting_only"), of=f"{DECISION[:-1]}2", answers=FACT),
        ],
        patient=PATIENT,
        clinic=CLINIC,
    )

    assert [(each.template, each.about) for each in planned] == [("told_patient/1", DECISION)]
