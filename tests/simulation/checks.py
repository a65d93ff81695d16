"""What has to hold of every patient, whatever they do: looked at after each input, from the outside."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import msgspec

from libs.events import decisions as d
from libs.events import facts as f
from libs.events import prescriptions as p
from libs.events import rulings as r
from libs.events.base import Decision
from libs.events.upcasters import write_event
from libs.rehab.decide import decide
from libs.rehab.fold import apply, empty_patient
from libs.rehab.inputs import Concluded, Input, Protocols
from libs.rehab.patient import Patient, Programme, found
from services.cli.simulation.contents import Answered, contents, first_difference

ENDS: Final = frozenset(
    {"clinician", "flare_closed", "tolerated_sessions", "answer", "flag_ended", "stage_named"}
)


class Checks:
    """Watches one patient. What is wrong is kept in `wrong`, each with the version of the input."""

    def __init__(self, protocols: Protocols) -> None:
        self.protocols = protocols
        self.wrong: list[str] = []
        self.answered: list[Answered] = []
        self._passed: set[str] = set()
        self._stages: dict[str, int] = {}
        """Programme → its stage, by the decisions so far."""
        self._on_step: set[str] = set()
        self._issued: dict[str, p.PrescriptionIssued] = {}
        self._bodyweight = Decimal(0)
        """The heaviest so far."""

    def __call__(self, before: Patient, item: Input, answers: tuple[Concluded, ...], after: Patient) -> None:
        """Look at one input."""
        self.answered.append((item, answers))
        if isinstance(item.event, f.BodyweightRecorded):
            self._bodyweight = max(self._bodyweight, item.event.weight_kg)
        over = {
            each.decision.programme
            for each in answers
            if isinstance(each.decision, d.SessionWeighed) and each.decision.within_limit == "not_met"
        }
        for each in answers:
            self._look_at(each, after, over)
        for programme in after.programmes:
            self._look_at_programme(programme, after)

    def say(self, what: str) -> None:
        """Note a violation."""
        version = self.answered[-1][0].version
        self.wrong.append(f"input {version}, {type(self.answered[-1][0].event).__name__}: {what}")

    def _look_at(self, said: Concluded, after: Patient, over: set[Any]) -> None:
        decision = said.decision
        match decision:
            case d.ProgrammeStarted():
                self._stages[str(decision.programme)] = decision.stage
            case d.StagePlaced() | d.LoadingResumed() | d.StageRegressed():
                self._stages[str(decision.programme)] = decision.to_stage
            case p.StepSurfaceAllowed():
                self._on_step.add(str(decision.programme))
            case p.StepSurfaceEnded(proposed_only=False):
                self._on_step.discard(str(decision.programme))
            case d.CheckpointPassed():
                self._passed.add(str(decision.programme))
            case d.StageAdvanced():
                self._advanced(decision)
            case d.SessionWeighed(kind="session", valid=True):
                self._valid(decision, after)
            case d.HoldOpened():
                if decision.ends_with not in ENDS:
                    self.say(f"the hold {decision.hold} ends with {decision.ends_with}: who knows how")
            case p.PrescriptionIssued():
                self._prescribed(decision, after, over)

    def _advanced(self, said: d.StageAdvanced) -> None:
        self._stages[str(said.programme)] = said.to_stage
        if said.to_stage != said.from_stage + 1:
            self.say(f"a step from {said.from_stage} to {said.to_stage}")
        if said.by != "override" and any(each.verdict != "met" for each in said.criteria):
            self.say(f"a step to {said.to_stage} with a criterion that isn't met")
        if said.to_stage == 4 and said.by == "automatic":
            self.say("a step to 4 by itself")
        unmarked = "without_checkpoint" not in said.marked
        if said.to_stage == 4 and unmarked and str(said.programme) not in self._passed:
            self.say("Stage 4 without the checkpoint and without a mark")

    def _valid(self, said: d.SessionWeighed, after: Patient) -> None:
        fact = found(after.history.sessions, said.session)
        programme = after.programme(str(said.programme))
        if fact is None or programme is None:
            return
        phase = programme.phase_at(fact.place)
        if phase.suspended or phase.awaiting:
            self.say("a session counts that was done while awaiting or suspended")

    def _look_at_programme(self, programme: Programme, after: Patient) -> None:
        if not 1 <= programme.loading <= programme.stage <= 4:
            self.say(f"loads as {programme.loading} in stage {programme.stage}")
        blocked = bool(after.suspended) or programme.awaiting
        issued = self._issued.get(programme.id)
        if blocked and issued is not None and issued.exercises:
            self.say("something is prescribed while awaiting or suspended")
        if blocked and programme.proposal is not None:
            self.say("a step is proposed while awaiting or suspended")

    def _prescribed(self, said: p.PrescriptionIssued, after: Patient, over: set[Any]) -> None:
        programme = after.programme(str(said.programme))
        before = self._issued.get(str(said.programme))
        self._issued[str(said.programme)] = said
        if programme is None:
            return
        protocol = self.protocols.get(programme.protocol.hash)
        for each in said.exercises:
            item = protocol.exercises_by_id[each.exercise]
            stage = self._stages.get(programme.id, programme.stage)
            if item.stage > stage:
                self.say(f"{each.exercise} is prescribed in stage {stage}")
            if each.surface == "step" and programme.insertional and not self._may_step(programme):
                self.say(f"{each.exercise} off a step is prescribed to an insertional tendon")
            if item.ceiling is not None and self._bodyweight:
                most = Fraction(item.ceiling) * Fraction(self._bodyweight)
                if Fraction(each.load_kg) > most and "ruled" not in each.why:
                    self.say(f"{each.exercise} with {each.load_kg} kg is above its ceiling")
        if before is not None and said.programme in over and before.stage == said.stage:
            self._not_heavier(before, said)

    def _may_step(self, programme: Programme) -> bool:
        """Whether a clinician allowed the step and no flare took it back, by the decisions so far."""
        return programme.id in self._on_step

    def _not_heavier(self, before: p.PrescriptionIssued, said: p.PrescriptionIssued) -> None:
        was = {each.exercise: each for each in before.exercises}
        for each in said.exercises:
            earlier = was.get(each.exercise)
            if earlier is not None and Fraction(each.load_kg) > Fraction(earlier.load_kg):
                self.say(f"{each.exercise} is heavier right after a session over the limit")


def again(answered: Iterable[Answered], protocols: Protocols) -> Iterable[str]:
    """Decide each input again on the fold of what is recorded; what does not come out as it was."""
    state: Patient | None = None
    for item, answers in answered:
        fresh = msgspec.structs.replace(item, event=_read_back(item.event))
        if state is None:
            state = empty_patient(_PATIENT, _LOG)
        repeated = decide(state, fresh, protocols)
        if _plain(repeated) != _plain(answers):
            yield f"input {item.version}: decided differently the second time"
        state = apply(state, fresh, tuple(_recorded(each) for each in answers))


def _plain(answers: Iterable[Concluded]) -> list[tuple[bytes, datetime, datetime | None]]:
    return [(write_event(each.decision), each.occurred_at, each.due) for each in answers]


def _read_back(event: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(event), type=type(event))


def _recorded(said: Concluded) -> Concluded:
    decision: Decision = _read_back(said.decision)
    return msgspec.structs.replace(said, decision=decision)


Watch = Callable[[Patient, Input, tuple[Concluded, ...], Patient], None]
_PATIENT: Any = "again"
_LOG: Any = "simulated-c-1"


def at_once(answered: Sequence[Answered], protocols: Protocols) -> Iterable[str]:
    """Decide the same inputs as one import, told at the end without time passing in between.

    Only where they were told in order, before time passed beyond them: an import sorts them.
    """
    one_by_one = [each for each in answered if not isinstance(each[0].event, r.TimePassed)]
    places = [item.occurred_at for item, _ in answered]
    if places != sorted(places):
        return
    now = max(item.recorded_at for item, _ in answered)
    versions: dict[int, int] = {}
    state, imported = empty_patient(_PATIENT, _LOG), list[Answered]()
    for version, (item, _) in enumerate(one_by_one, 1):
        versions[item.version] = version
        event = _renumbered(item.event, versions)
        told = Input(
            version=version, event=event, occurred_at=item.occurred_at, recorded_at=item.recorded_at,
            actor=item.actor,
        )  # fmt: skip
        answers = decide(state, told, protocols)
        state = apply(state, told, answers)
        imported.append((told, answers))
    due = Input(version=len(imported) + 1, event=r.TimePassed(due=""), occurred_at=now, recorded_at=now)
    imported.append((due, decide(state, due, protocols)))
    differs = first_difference(contents(answered), contents(imported))
    if differs is not None:
        yield f"decided differently at once: {differs}"


def _renumbered(event: Any, versions: dict[int, int]) -> Any:
    if isinstance(event, r.CheckpointReadingRuled):
        return msgspec.structs.replace(event, test=versions.get(event.test, event.test))
    if isinstance(event, r.HoldReleased) and event.hold.startswith("question-"):
        version = int(event.hold.removeprefix("question-"))
        return msgspec.structs.replace(event, hold=f"question-{versions.get(version, version)}")
    if isinstance(event, f.FactCorrected):
        return msgspec.structs.replace(event, target=versions.get(event.target, event.target))
    return event
