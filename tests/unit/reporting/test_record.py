"""The fold that panel and reads share, on lines made by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from libs.events.base import Decision, Event, LocalTime
from libs.events.decisions import (
    CheckpointFailed,
    CheckpointPending,
    HoldClosed,
    HoldOpened,
    InputWeighed,
    LoadingResumed,
    LoadingSuspended,
    ProgrammeStarted,
    SessionWeighed,
    StageAdvanced,
)
from libs.events.facts import (
    CheckInRecorded,
    ClinicSettings,
    FactCorrected,
    PatientRegistered,
    ProgrammeEnrolled,
    RedFlagReported,
)
from libs.events.rulings import RedFlagCleared, TimePassed
from libs.kernel.ids import EntryId, LogId, PatientId, ProgrammeId, StreamId
from libs.rehab.protocol import default_ref
from services.reporting.domain.panel import not_current_because, red_flags_of, red_flags_to_see, rows_of
from services.reporting.domain.record import Answer, Line, Record, Told, empty_record, extend
from services.reporting.domain.whole import Whole, is_quiet, moves_of, stops_of, weight_of, whole_of

PATIENT, LOG = PatientId("p1"), LogId("harbour-c-1")
LEFT = ProgrammeId("left")
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
TELLING = {
    "local": LocalTime(at="2026-03-02T08:00:00+00:00"),
    "reported_by": "patient:1",
    "recorded_by": "patient:1",
}
ENROLLED = ProgrammeEnrolled(
    **TELLING,
    channel="api",
    programme=LEFT,
    side="left",
    episode=1,
    presentation="mid_portion",
    protocol=default_ref(),
    settings=ClinicSettings(zone="Australia/Melbourne"),
)
REGISTERED = PatientRegistered(**TELLING, channel="api", name="Jo")
STARTED = ProgrammeStarted(judge=1, rule="T2", programme=LEFT, side="left", presentation="mid_portion")
WEIGHED = InputWeighed(judge=1, rule="")


class Script:
    """Lines of a patient, as the log would have them."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.told = self.judged = 0

    def tell(self, event: Event, *, day: int = 0) -> "Script":
        self.told += 1
        self.lines.append(
            Told(
                version=self.told,
                position=len(self.lines),
                id=EntryId(f"i{self.told}"),
                type=event.TYPE,
                event=event,
                occurred_at=START + timedelta(days=day),
                recorded_at=START + timedelta(days=day, minutes=1),
                actor="patient:1",
            )
        )
        return self

    def answer(self, *decisions: Decision, to: int | None = None, day: int = 0) -> "Script":
        for ordinal, decision in enumerate(decisions, start=1):
            self.judged += 1
            self.lines.append(
                Answer(
                    version=self.judged,
                    position=len(self.lines),
                    id=EntryId(f"d{self.judged}"),
                    type=decision.TYPE,
                    decision=decision,
                    occurred_at=START + timedelta(days=day),
                    recorded_at=START + timedelta(days=day, minutes=2),
                    due=None,
                    leaf_hash=b"\x00" * 32,
                    stream=StreamId(f"patient-{PATIENT}"),
                    input=to or self.told,
                    ordinal=ordinal,
                    count=len(decisions),
                )
            )
        return self

    @property
    def record(self) -> Record:
        return extend(empty_record(PATIENT, LOG), self.lines)

    @property
    def whole(self) -> Whole:
        return whole_of(PATIENT, LOG, self.lines)


def begun() -> Script:
    return Script().tell(REGISTERED).answer(WEIGHED).tell(ENROLLED).answer(STARTED)


def check_in(day: int = 1) -> CheckInRecorded:
    return CheckInRecorded(**TELLING, channel="api", pain=Decimal(1))


def state(script: Script) -> str:
    (row,) = rows_of(script.record)
    return row.state


@pytest.mark.parametrize("cut", range(5))
def test_a_record_is_the_same_however_it_is_cut_into_batches(cut: int) -> None:
    script = begun().tell(check_in(), day=1)

    halves = extend(extend(empty_record(PATIENT, LOG), script.lines[:cut]), script.lines[cut:])

    assert halves == script.record


def test_what_waits_for_its_answer_is_not_in_the_state_yet() -> None:
    script = begun().tell(check_in(), day=1)

    record = script.record

    assert (record.told, record.answered, record.state.version) == (3, 2, 2)
    assert record.waiting_since == START + timedelta(days=1, minutes=1)
    assert script.answer(WEIGHED).record.waiting_since is None


def test_answers_that_the_batch_has_only_in_part_wait_for_the_rest() -> None:
    script = Script().tell(REGISTERED).answer(WEIGHED).tell(ENROLLED).answer(STARTED, WEIGHED)

    record = extend(empty_record(PATIENT, LOG), script.lines[:-1])

    assert (record.answered, len(record.partial)) == (1, 1)
    assert rows_of(record) == ()
    assert extend(record, script.lines[-1:]) == script.record


def test_a_programme_shows_on_the_panel_once_its_start_is_decided() -> None:
    assert rows_of(Script().tell(REGISTERED).answer(WEIGHED).tell(ENROLLED).record) == ()
    assert state(begun()) == "active"


def test_a_red_flag_that_was_only_told_stops_at_once() -> None:
    script = begun().tell(RedFlagReported(**TELLING, channel="api", flags=("fever", "numbness")), day=3)

    assert state(script) == "suspended"
    assert red_flags_of(script.record) == ("fever", "numbness")


def test_a_red_flag_from_before_the_enrolment_is_to_be_seen_until_a_clinician_clears_it() -> None:
    flag = RedFlagReported(**TELLING, channel="api", flags=("fluoroquinolone",))
    cleared = RedFlagCleared(ruled_by="clinician:1", reason="stopped a year ago", local=TELLING["local"])
    script = (
        Script().tell(REGISTERED).answer(WEIGHED).tell(flag).answer(WEIGHED).tell(ENROLLED).answer(STARTED)
    )
    assert red_flags_to_see(script.record) == ("fluoroquinolone",)
    assert state(script) == "active"

    assert red_flags_to_see(script.tell(cleared).answer(WEIGHED).record) == ()


def test_a_red_flag_that_was_taken_back_is_no_longer_to_be_seen() -> None:
    flag = RedFlagReported(**TELLING, channel="api", flags=("fever", "numbness"))
    script = Script().tell(REGISTERED).answer(WEIGHED).tell(flag).answer(WEIGHED)
    replaced = {"replacement_type": RedFlagReported.TYPE, "replacement": {"flags": ["numbness"]}}

    script.tell(FactCorrected(**TELLING, channel="api", target=2, why="no fever", **replaced))
    assert red_flags_to_see(script.record) == ("numbness",)
    script.tell(FactCorrected(**TELLING, channel="api", target=2, why="wrong person"))
    assert red_flags_to_see(script.record) == ()


def test_what_stops_most_is_what_the_panel_says() -> None:
    opened = HoldOpened(
        judge=1, rule="P3", programme=LEFT, hold="sharp-3", kind="sharp", ends_with="clinician"
    )
    held = begun().tell(check_in()).answer(opened)
    assert state(held) == "held"

    flagged = held.tell(check_in()).answer(LoadingSuspended(judge=1, rule="T3", flags=("fever",)))
    assert state(flagged) == "suspended"


def test_a_failed_checkpoint_is_shown_until_the_next_test() -> None:
    failed = CheckpointFailed(judge=1, rule="checkpoint", programme=LEFT, test=3, parts=("hold",))
    pending = CheckpointPending(judge=1, rule="checkpoint", programme=LEFT, test=4)
    script = begun().tell(check_in()).answer(failed)
    assert rows_of(script.record)[0].checkpoint == "failed"

    assert rows_of(script.tell(check_in()).answer(pending).record)[0].checkpoint == "pending"


def test_that_time_passed_is_no_last_input() -> None:
    script = begun().tell(check_in(), day=1).answer(WEIGHED)

    script.tell(TimePassed(due="2026-03-20T00:00:00.000000Z"), day=18)

    assert script.record.last_input_at == START + timedelta(days=1)


def test_a_name_is_the_one_last_told() -> None:
    corrected = FactCorrected(
        **TELLING,
        channel="api",
        target=1,
        why="typo",
        replacement_type=PatientRegistered.TYPE,
        replacement={"name": "Joan", "identifiers": [{"system": "file", "value": "7"}]},
    )
    script = begun().tell(corrected)

    assert script.whole.identity.name == "Joan"
    assert script.whole.identity.identifiers[0].value == "7"
    assert script.record.identity_position == script.lines[-1].position


def test_a_way_is_the_stages_in_order_and_the_times_it_stood_still() -> None:
    opened = HoldOpened(
        judge=1, rule="P4", programme=LEFT, hold="flare-3", kind="flare", ends_with="flare_closed"
    )
    closed = HoldClosed(judge=1, rule="P5", programme=LEFT, hold="flare-3")
    advanced = StageAdvanced(
        judge=1, rule="gate 1-2", programme=LEFT, gate="1-2", from_stage=1, to_stage=2, by="automatic"
    )
    suspended = LoadingSuspended(judge=1, rule="T3", flags=("fever",))
    resumed = LoadingResumed(judge=1, rule="T3", programme=LEFT, from_stage=2, to_stage=1, by="clinician:1")
    script = begun()
    for day, decision in enumerate((opened, closed, advanced, suspended, resumed), start=1):
        script.tell(check_in(), day=day).answer(decision, day=day)

    whole = script.whole
    programme = whole.record.state.programme(LEFT)
    assert programme is not None
    days = {START + timedelta(days=n): n for n in range(9)}
    assert [(days[each.at], each.stage) for each in moves_of(whole, LEFT)] == [(0, 1), (3, 2), (5, 1)]
    assert [
        (each.kind, days[each.since], each.until and days[each.until]) for each in stops_of(whole, programme)
    ] == [("hold", 1, 2), ("suspended", 4, 5)]


def test_decisions_that_only_weigh_are_quiet() -> None:
    weighed = SessionWeighed(
        judge=1, rule="P7", programme=LEFT, session=3, valid=True, within_limit="met", tolerated="unknown"
    )
    script = begun().tell(check_in()).answer(weighed, StageAdvanced(
        judge=1, rule="gate 1-2", programme=LEFT, gate="1-2", from_stage=1, to_stage=2, by="automatic"
    ))  # fmt: skip
    answers = script.whole.answers[3]

    assert [is_quiet(each) for each in answers] == [True, False]
    assert [weight_of(each) for each in answers] == ["none", "up"]


@pytest.mark.parametrize(
    ("minutes", "quarantined", "current"),
    [(None, False, True), (15, False, True), (15.1, False, False), (None, True, False)],
)
def test_a_record_is_current_while_nothing_waits_longer_than_15_minutes(
    minutes: float | None, quarantined: bool, current: bool
) -> None:
    since = None if minutes is None else START - timedelta(minutes=minutes)

    because = not_current_because(waiting_since=since, quarantined=quarantined, now=START)

    assert (because is None) is current
