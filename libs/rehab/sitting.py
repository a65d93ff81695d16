"""One input being judged: the working state, the time that counts, and what was concluded so far."""

from datetime import date, datetime
from typing import Any

from libs.events.base import Criterion, Decision
from libs.rehab.days import local_day
from libs.rehab.evolve import conclude, logical_time, take_in
from libs.rehab.inputs import JUDGE, Concluded, Input, Protocols
from libs.rehab.patient import Patient, Programme
from libs.rehab.protocol import RehabProtocol


class Sitting:
    """Rules read `state` and speak through `say`; each conclusion is part of the state at once."""

    def __init__(self, state: Patient, item: Input, protocols: Protocols) -> None:
        self.state = state
        self.before = state
        """The state without the input, once it is taken in."""
        self.item = item
        self.protocols = protocols
        self.since = state.time
        """The patient's time before this input."""
        self.until = logical_time(state, item)
        self.now = self.until
        self.due: datetime | None = None
        self.taken_in = False
        self.concluded: list[Concluded] = []
        self._heard: dict[str, int] = {}

    def take_in(self) -> None:
        """The input enters the state; from here on its own time counts."""
        self.taken_in = True
        self.before = self.state
        self.state = take_in(self.state, self.item)
        self.now, self.due = self.until, None

    def at_deadline(self, due: datetime) -> None:
        """What is said from here on answers a deadline."""
        self.now = self.due = due

    def at_input(self) -> None:
        """What is said from here on answers the input."""
        self.now, self.due = self.until, None

    def programme(self, programme: Programme) -> Programme:
        """The programme as it stands by now."""
        return self.state.programme(programme.id) or programme

    def protocol(self, programme: Programme) -> RehabProtocol:
        """The protocol that the programme is on."""
        return self.protocols.get(programme.protocol.hash)

    def today(self, programme: Programme) -> date:
        """The day on which this is judged, in the programme's zone."""
        return local_day(self.now, programme.zone)

    def say(
        self,
        decided: type[Decision],
        rule: str,
        programme: Programme | None = None,
        /,
        *,
        criteria: tuple[Criterion, ...] = (),
        evidence: tuple[int, ...] = (),
        **fields: Any,  # noqa: ANN401
    ) -> None:
        """Conclude a decision of that kind by that rule."""
        decision = decided(
            judge=JUDGE,
            rule=rule,
            programme=programme.id if programme else None,
            protocol=programme.protocol if programme else None,
            criteria=criteria,
            evidence=evidence,
            **fields,
        )
        concluded = Concluded(decision=decision, occurred_at=self.now, due=self.due)
        self.concluded.append(concluded)
        self.state = conclude(self.state, concluded)

    @property
    def told(self) -> tuple[int, ...]:
        """The version of the input, as evidence; at a deadline nothing: whatever let time pass is none."""
        return () if self.due is not None else (self.item.version,)

    def hear(self, programme: Programme) -> list[Decision]:
        """What was concluded of a programme, or of the patient, since this was last asked."""
        since = self._heard.get(programme.id, 0)
        self._heard[programme.id] = len(self.concluded)
        found = [each.decision for each in self.concluded[since:]]
        return [each for each in found if each.programme in {None, programme.id}]

    @property
    def spoke_of_input(self) -> bool:
        """Whether something was concluded at the input's own place."""
        return any(each.due is None for each in self.concluded)
