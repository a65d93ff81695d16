"""What became of a virtual patient's programme, gathered from the decisions as they fall."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from libs.events import decisions as d
from libs.events.base import Decision

Of: TypeAlias = Any
"""Any kind of decision; each handler is found by its type."""


@dataclass(slots=True)
class Outcome:
    """One programme of one patient under one protocol. Days count from the enrolment."""

    protocol: str
    patient: int
    side: str
    reached: dict[int, int] = field(default_factory=dict)
    """Stage → the first day on which it was reached."""
    stage: int = 1
    passed_on: int | None = None
    """Day of the first passed checkpoint."""
    completed_on: int | None = None
    dropped_out_on: int | None = None
    suspended: int = 0
    flags: Counter[str] = field(default_factory=Counter)
    holds: Counter[str] = field(default_factory=Counter)
    open_holds: int = 0
    """Still open at the end."""
    flares: int = 0
    regressed: int = 0
    tests: int = 0
    sessions: int = 0
    valid: int = 0
    weeks: int = 0
    """Consistent weeks at the end."""
    marked: tuple[str, ...] = ()
    inputs: int = 0
    decisions: int = 0

    def hear(self, decision: Decision, day: int) -> None:
        """Take a decision into account."""
        self.decisions += 1
        handler = _HEARD.get(type(decision).TYPE)
        if handler is not None:
            handler(self, decision, day)

    def _stage(self, stage: int, day: int) -> None:
        self.stage = stage
        self.reached.setdefault(stage, day)

    def _started(self, decision: Of, day: int) -> None:
        self._stage(decision.stage, day)

    def _moved(self, decision: Of, day: int) -> None:
        self._stage(decision.to_stage, day)
        self.marked = (*self.marked, *getattr(decision, "marked", ()))

    def _regressed(self, decision: Of, day: int) -> None:
        self._stage(decision.to_stage, day)
        self.regressed += 1

    def _passed(self, _decision: Of, day: int) -> None:
        if self.passed_on is None:
            self.passed_on = day

    def _completed(self, _decision: Of, day: int) -> None:
        if self.completed_on is None:
            self.completed_on = day

    def _held(self, decision: Of, _day: int) -> None:
        self.holds[decision.kind] += 1

    def _flagged(self, decision: Of, _day: int) -> None:
        self.flags[decision.flag] += 1

    def _flared(self, _decision: Of, _day: int) -> None:
        self.flares += 1

    def _tested(self, decision: Of, _day: int) -> None:
        if decision.kind == "test":
            self.tests += 1
        if decision.kind == "session":
            self.sessions += 1
            self.valid += decision.valid


_HEARD = {
    d.ProgrammeStarted.TYPE: Outcome._started,
    d.StagePlaced.TYPE: Outcome._moved,
    d.StageAdvanced.TYPE: Outcome._moved,
    d.StageRegressed.TYPE: Outcome._regressed,
    d.LoadingResumed.TYPE: Outcome._moved,
    d.CheckpointPassed.TYPE: Outcome._passed,
    d.LoadRestorationCompleted.TYPE: Outcome._completed,
    d.HoldOpened.TYPE: Outcome._held,
    d.FlareOpened.TYPE: Outcome._flared,
    d.SessionWeighed.TYPE: Outcome._tested,
    "heelrise.flag_raised.v1": Outcome._flagged,
}
