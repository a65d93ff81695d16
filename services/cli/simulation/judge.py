"""One patient before the real judge, in process: the inputs are decided and applied, nothing is recorded."""

from collections.abc import Callable
from datetime import datetime

from libs.events.base import Decision, Event
from libs.events.rulings import TimePassed
from libs.kernel.ids import LogId, PatientId
from libs.rehab.deadlines import next_deadline
from libs.rehab.decide import judged
from libs.rehab.fold import empty_patient
from libs.rehab.inputs import Concluded, Input, Protocols
from libs.rehab.patient import Patient

LOG = LogId("simulated-c-1")
Answers = tuple[Concluded, ...]
Watch = Callable[[Patient, Input, Answers, Patient], None]
"""Sees the state before an input, the input, its answers, and the state after it."""


class Judge:
    """Decides what it is told, as the engine would. `told` and `answered` are there to look at afterwards."""

    def __init__(self, patient: PatientId, protocols: Protocols, watch: Watch | None = None) -> None:
        self.state = empty_patient(patient, LOG)
        self.protocols = protocols
        self.inputs = 0
        self._watch = watch

    def tell(
        self, event: Event, occurred_at: datetime, recorded_at: datetime, actor: str
    ) -> tuple[Decision, ...]:
        """Decide one input and apply what was concluded."""
        item = Input(
            version=self.state.version + 1,
            event=event,
            occurred_at=occurred_at,
            recorded_at=max(recorded_at, occurred_at),
            actor=actor,
        )
        before = self.state
        answers, self.state = judged(before, item, self.protocols)
        self.inputs += 1
        if self._watch is not None:
            self._watch(before, item, answers, self.state)
        return tuple(each.decision for each in answers)

    def let_pass(self, now: datetime) -> tuple[Decision, ...]:
        """Let time pass up to an instant: one input for each deadline that came due."""
        said: list[Decision] = []
        while (due := next_deadline(self.state, self.protocols)) is not None and due <= now:
            said += self.tell(TimePassed(due=due.isoformat()), due, now, "service:progression-engine")
        return tuple(said)
