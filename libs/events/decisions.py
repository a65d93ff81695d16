"""Decisions: what the engine concluded. Appended by progression-engine to `judgement-` streams.

`rule` names the row of the clinical rules, `criteria` what was weighed. Numbers computed are exact:
decimal strings or `n/d`.
"""

from typing import ClassVar, Literal

from libs.events.base import Decision, Presentation, Side, Stage
from libs.events.flags import FLAG_DECISIONS
from libs.events.prescriptions import PRESCRIPTIONS, RisePossible
from libs.events.setbacks import SETBACKS
from libs.events.versions import VERSION_DECISIONS
from libs.events.withdrawals import WITHDRAWALS


class InputWeighed(Decision, frozen=True, kw_only=True):
    """The input was taken in; nothing else follows from it. Also marks an input's place among deadlines."""

    TYPE: ClassVar[str] = "heelrise.input_weighed.v1"
    notes: tuple[str, ...] = ()
    """Codes of what was noticed: `before_enrolment`, `late`, `no_programme`, `older_assessment`."""


class InputSkipped(Decision, frozen=True, kw_only=True):
    """An operator left the input out of every fold, with a reason."""

    TYPE: ClassVar[str] = "heelrise.input_skipped.v1"
    operator: str
    reason: str


class ProgrammeStarted(Decision, frozen=True, kw_only=True):
    """A programme stands; where it starts and whether it may load (T1, T2)."""

    TYPE: ClassVar[str] = "heelrise.programme_started.v1"
    side: Side
    presentation: Presentation
    """In force: a stated distance may differ from the told presentation (T5)."""
    stage: Stage = 1
    awaiting: bool = False
    """Awaits an assessment; no loading until then."""
    not_answered: tuple[str, ...] = ()
    """Red flags that were not answered, to be asked again."""
    suspended: bool = False
    """A red flag stops all loading from the start."""


class PresentationSettled(Decision, frozen=True, kw_only=True):
    """An assessment decided the presentation; loading opens where it may (T1, T5)."""

    TYPE: ClassVar[str] = "heelrise.presentation_settled.v1"
    presentation: Presentation
    awaiting: bool = False
    suspended: bool = False
    """A red flag stops all loading still."""


class StagePlaced(Decision, frozen=True, kw_only=True):
    """A clinician's placement took effect; windows begin here (T2)."""

    TYPE: ClassVar[str] = "heelrise.stage_placed.v1"
    from_stage: Stage
    to_stage: Stage
    by: str
    """`role:id` of the clinician."""


class RulingRefused(Decision, frozen=True, kw_only=True):
    """A ruling could not take effect, and why. It stays recorded."""

    TYPE: ClassVar[str] = "heelrise.ruling_refused.v1"
    why: str
    """Code: `stage_4_cannot_be_placed`, `risk_not_accepted`, `nothing_proposed` and others."""


class LoadingSuspended(Decision, frozen=True, kw_only=True):
    """A red flag suspends all loading on both sides until a clinician clears it (T3)."""

    TYPE: ClassVar[str] = "heelrise.loading_suspended.v1"
    flags: tuple[str, ...]


class LoadingResumed(Decision, frozen=True, kw_only=True):
    """A clinician's clearance resumes one programme; its windows begin anew (T3)."""

    TYPE: ClassVar[str] = "heelrise.loading_resumed.v1"
    from_stage: Stage
    to_stage: Stage
    by: str
    still_open: tuple[str, ...] = ()
    """What keeps loading down or away still: `awaiting`, `sharp`, `flare`."""


class SessionWeighed(Decision, frozen=True, kw_only=True):
    """What a session, test or trial was worth to a programme when it was told (P1, P2, P3, P7)."""

    TYPE: ClassVar[str] = "heelrise.session_weighed.v1"
    session: int
    """Version of the session's input."""
    valid: bool
    within_limit: Literal["met", "not_met", "unknown"]
    tolerated: Literal["met", "not_met", "unknown"]
    """As far as known; its next day may still be open."""
    invalid_because: tuple[str, ...] = ()
    """Codes: `awaiting`, `suspended`, `out_of_stage`, `too_fast`, `too_few_sets`, `step` and others."""
    kind: Literal["session", "test", "trial"] = "session"
    eased: Literal["met", "not_met", "unknown"] = "unknown"
    """Discomfort eased during or shortly after (P2)."""
    sharp: bool = False
    notes: tuple[str, ...] = ()
    """Codes of what is worth saying and invalidates nothing: `hold_over_45_s`."""


class CheckInWeighed(Decision, frozen=True, kw_only=True):
    """What a check-in was worth to a programme: a flare or not, and whose next day it is (P4, P6)."""

    TYPE: ClassVar[str] = "heelrise.check_in_weighed.v1"
    check_in: int
    """Version of the check-in's input."""
    flare: bool
    baseline: str | None = None
    """Median of the check-ins before, or what stood in for it; exact."""
    signs: tuple[str, ...] = ()
    """Codes: `above_limit`, `over_baseline`, `swelling`, `heat`, `limp`, `more_stiffness`."""
    next_day_of: tuple[int, ...] = ()
    """Versions of the sessions and tests whose next day it is."""


class LoadReduced(Decision, frozen=True, kw_only=True):
    """The next prescription is lighter (P1, P5)."""

    TYPE: ClassVar[str] = "heelrise.load_reduced.v1"
    percent: int
    session: int | None = None
    """Version of the session, test or trial that was over the limit; what was done then is reduced."""


class LoadingLowered(Decision, frozen=True, kw_only=True):
    """`loading` goes below `stage` for a while (P3, P5)."""

    TYPE: ClassVar[str] = "heelrise.loading_lowered.v1"
    stage: Stage
    from_loading: Stage
    to_loading: Stage


class LoadingRestored(Decision, frozen=True, kw_only=True):
    """`loading` returns to `stage` at a share of the load (P3, P5)."""

    TYPE: ClassVar[str] = "heelrise.loading_restored.v1"
    stage: Stage
    from_loading: Stage
    to_loading: Stage
    percent: int = 80


class HoldOpened(Decision, frozen=True, kw_only=True):
    """Steps, rises of load and checkpoint tests stop; loading goes on as last reduced."""

    TYPE: ClassVar[str] = "heelrise.hold_opened.v1"
    hold: str
    """Id within the programme: kind and the instant it opened, `sharp-20260206T073000Z`; of a question, the
    version of the fact that makes one ask, `question-17`.
    """
    kind: Literal[
        "sharp", "flare", "clinician", "limit", "question", "adverse_event", "recall", "too_painful",
        "fewest_holds", "re_entry", "evidence_withdrawn",
    ]  # fmt: skip
    ends_with: Literal[
        "clinician", "flare_closed", "tolerated_sessions", "answer", "flag_ended", "stage_named",
    ]  # fmt: skip
    questions: tuple[str, ...] = ()
    """What a note makes one ask, where that holds: `sharp`, or names of `RedFlag`."""


class HoldClosed(Decision, frozen=True, kw_only=True):
    """The hold is over."""

    TYPE: ClassVar[str] = "heelrise.hold_closed.v1"
    hold: str
    by: str | None = None


class FlareOpened(Decision, frozen=True, kw_only=True):
    """A significant flare (P4)."""

    TYPE: ClassVar[str] = "heelrise.flare_opened.v1"
    flare: str
    check_in: int
    baseline: str | None = None
    signs: tuple[str, ...] = ()
    second_within_7_days: bool = False


class FlareClosed(Decision, frozen=True, kw_only=True):
    """Well tolerated loading since it began closed the flare (P5)."""

    TYPE: ClassVar[str] = "heelrise.flare_closed.v1"
    flare: str


class StageHeld(Decision, frozen=True, kw_only=True):
    """A gate was weighed and not all of it is met."""

    TYPE: ClassVar[str] = "heelrise.stage_held.v1"
    gate: str
    stage: Stage
    holds: tuple[str, ...] = ()
    """Ids of what is open beside the criteria: holds, flares, red flags."""


class StepProposed(Decision, frozen=True, kw_only=True):
    """A gate is met; a clinician has to confirm."""

    TYPE: ClassVar[str] = "heelrise.step_proposed.v1"
    gate: str
    from_stage: Stage
    to_stage: Stage


class StepWithdrawn(Decision, frozen=True, kw_only=True):
    """A proposal no longer stands, and why."""

    TYPE: ClassVar[str] = "heelrise.step_withdrawn.v1"
    gate: str
    why: str


class StageAdvanced(Decision, frozen=True, kw_only=True):
    """The programme moved up one stage."""

    TYPE: ClassVar[str] = "heelrise.stage_advanced.v1"
    gate: str
    from_stage: Stage
    to_stage: Stage
    by: Literal["automatic", "confirmed", "override"]
    clinician: str | None = None
    marked: tuple[str, ...] = ()
    """Stays for ever: `without_checkpoint`, `before_12_weeks`."""
    holds: tuple[str, ...] = ()
    """Ids of what was open beside an override: holds, flares."""


class StageRegressed(Decision, frozen=True, kw_only=True):
    """The programme moved down."""

    TYPE: ClassVar[str] = "heelrise.stage_regressed.v1"
    from_stage: Stage
    to_stage: Stage
    why: str
    clinician: str | None = None


class CheckpointPending(Decision, frozen=True, kw_only=True):
    """A test stands as far as the day itself; its next day decides."""

    TYPE: ClassVar[str] = "heelrise.checkpoint_pending.v1"
    test: int
    added_ratio: str | None = None
    """Added load over bodyweight, exact."""
    total_ratio: str | None = None
    """Added load and bodyweight over bodyweight, exact."""
    added: Literal["met", "not_met", "unknown"] = "unknown"
    total: Literal["met", "not_met", "unknown"] = "unknown"


class CheckpointPassed(Decision, frozen=True, kw_only=True):
    """The checkpoint is passed."""

    TYPE: ClassVar[str] = "heelrise.checkpoint_passed.v1"
    test: int
    reading: Literal["added", "total"] = "added"
    clinician: str | None = None
    """Who accepted the total reading."""


class CheckpointFailed(Decision, frozen=True, kw_only=True):
    """The test failed, with each part that did."""

    TYPE: ClassVar[str] = "heelrise.checkpoint_failed.v1"
    test: int
    parts: tuple[str, ...]
    """Codes: `load`, `hold`, `pain`, `sharp`, `straight_knee`, `full_height`, `flare`, `reading_rejected`."""


class CheckpointInconclusive(Decision, frozen=True, kw_only=True):
    """Something that must be known is not; what to do is named."""

    TYPE: ClassVar[str] = "heelrise.checkpoint_inconclusive.v1"
    test: int
    missing: tuple[str, ...]
    """Codes: `next_day`, `bodyweight`, `pain`, `hold`."""


class CheckpointReadingAsked(Decision, frozen=True, kw_only=True):
    """Met with the body included, not by added load: a clinician has to rule."""

    TYPE: ClassVar[str] = "heelrise.checkpoint_reading_asked.v1"
    test: int


class CheckpointNotCounted(Decision, frozen=True, kw_only=True):
    """A test that opens nothing, and why."""

    TYPE: ClassVar[str] = "heelrise.checkpoint_not_counted.v1"
    test: int
    why: tuple[str, ...]
    """Codes: `not_stage_3`, `within_72_hours`, `hold_open`, `flare_open`, `suspended`, `awaiting`,
    `paused`; `superseded` by what has happened since, `too_late` told or corrected.
    """


class CheckpointVoided(Decision, frozen=True, kw_only=True):
    """A pending test, a pass or a reading asked no longer stands."""

    TYPE: ClassVar[str] = "heelrise.checkpoint_voided.v1"
    test: int
    why: str


class WeekCounted(Decision, frozen=True, kw_only=True):
    """A week ended, or a late fact fell into it: consistent or not (W1)."""

    TYPE: ClassVar[str] = "heelrise.week_counted.v1"
    first_day: str
    prescribed: str
    done: int
    consistent: bool
    consistent_weeks: int
    """Counted so far, this one included."""


class WeeksRestarted(Decision, frozen=True, kw_only=True):
    """Six weeks without a valid session: the count of consistent weeks begins anew (W1)."""

    TYPE: ClassVar[str] = "heelrise.weeks_restarted.v1"


class LoadRestorationCompleted(Decision, frozen=True, kw_only=True):
    """Twelve consistent weeks and a passed checkpoint (W2)."""

    TYPE: ClassVar[str] = "heelrise.load_restoration_completed.v1"


class ClinicianAsked(Decision, frozen=True, kw_only=True):
    """A clinician is asked to look or to rule, and about what."""

    TYPE: ClassVar[str] = "heelrise.clinician_asked.v1"
    about: str
    """Code: `sharp`, `assessment`, `hold_open_14_days`, `checkpoint_reading` and others."""
    same_day: bool = False
    """Has to reach the clinician on the day itself."""
    subject: str | None = None
    """Id of the hold or flare it is about."""


class PatientTold(Decision, frozen=True, kw_only=True):
    """The patient is told something that moves nothing (T4)."""

    TYPE: ClassVar[str] = "heelrise.patient_told.v1"
    about: str
    """Code: `rest_does_not_restore`, `checkpoint_offered`, `test_far_above_last_hold`, `milestone_held`,
    `red_flags_unanswered`, `visa_a_due` and others.
    """
    load_kg: str | None = None
    """Added load that it is about, exact: of the test that is offered, of the last hold, of the milestone."""
    flags: tuple[str, ...] = ()
    """Red flags that were not answered yet."""
    week: int | None = None
    """Week of the programme for which a questionnaire is due."""


class RequestAnswered(Decision, frozen=True, kw_only=True):
    """What a patient asked for, answered and explained."""

    TYPE: ClassVar[str] = "heelrise.request_answered.v1"
    wish: Literal["advance", "stop", "run", "more_load"]
    granted: bool
    why: str
    rises: tuple[RisePossible, ...] = ()
    """Of a wish for more load: where each exercise stands before its next rise."""


DECISIONS: tuple[type[Decision], ...] = (
    InputWeighed, InputSkipped, ProgrammeStarted, PresentationSettled, StagePlaced, RulingRefused,
    LoadingSuspended, LoadingResumed, SessionWeighed, CheckInWeighed, LoadReduced, LoadingLowered,
    LoadingRestored, HoldOpened, HoldClosed, FlareOpened, FlareClosed, StageHeld, StepProposed,
    StepWithdrawn, StageAdvanced, StageRegressed, CheckpointPending, CheckpointPassed, CheckpointFailed,
    CheckpointInconclusive, CheckpointReadingAsked, CheckpointNotCounted, CheckpointVoided, WeekCounted,
    WeeksRestarted, LoadRestorationCompleted, ClinicianAsked, PatientTold, RequestAnswered,
    *FLAG_DECISIONS, *VERSION_DECISIONS, *PRESCRIPTIONS, *WITHDRAWALS, *SETBACKS,
)  # fmt: skip
