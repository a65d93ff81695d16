"""Drafts the next prescription: a function of the last one, of the state, and of what was concluded."""

from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property

import msgspec
from msgspec.structs import replace

from libs.events import decisions as d
from libs.events.base import Decision, Stage
from libs.events.facts import Surface
from libs.events.prescriptions import (
    ExercisePrescribed,
    ExerciseRuled,
    Lightened,
    PrescriptionIssued,
    PrescriptionPlanned,
)
from libs.events.versions import ProtocolChanged
from libs.kernel.times import format_instant
from libs.rehab.chart import Chart
from libs.rehab.prescription.doses import (
    NOT_DONE,
    UNCUT,
    Level,
    Lightening,
    first_level,
    level_of,
    lightened,
    prescribed,
    shortest,
    sides_of,
    whole_dose,
)
from libs.rehab.prescription.loads import exactly, rounded_down, under
from libs.rehab.prescription.returning import largest, too_much_since
from libs.rehab.prescription.rising import Rising, rising_of, week_of
from libs.rehab.prescription.standing import slot_of
from libs.rehab.prescription.weights import done_of, last_bodyweight, most_load, ruled_for
from libs.rehab.protocol import ExerciseItem
from libs.rehab.sessions import loads

ELASTIC_STAGE = 4


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """An exercise's level from now on, and why."""

    level: Level
    why: tuple[str, ...] = ()
    evidence: tuple[int, ...] = ()


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be prescribed now."""

    stage: Stage
    week: int
    exercises: tuple[ExercisePrescribed, ...] = ()
    nothing: str | None = None
    reasons: tuple[str, ...] = ()
    lightened: tuple[Lightened, ...] = ()


class Drafting:
    """Works out the next prescription of one programme."""

    def __init__(
        self, chart: Chart, heard: Sequence[Decision], told: tuple[int, ...], *, may_rise: bool
    ) -> None:
        self.chart = chart
        self.programme = chart.programme
        self.protocol = chart.protocol
        self.heard = heard
        self.told = told
        """Version of the input at whose place this is; none at a deadline."""
        self.now = format_instant(chart.now)
        self.may_rise = may_rise
        """Something was told by which an exercise can rise."""
        standing = self.programme.prescription
        self.last: PrescriptionIssued | None = standing.issued if standing is not None else None
        self.exhausted = False
        """A hold could be made no shorter and no fewer, and was over the limit."""

    @cached_property
    def week(self) -> int:
        """Of the stage."""
        return week_of(self.chart, self.chart.today)

    @cached_property
    def rising(self) -> Rising:
        """What weighs the rises."""
        return rising_of(self.chart)

    def draft(self) -> Draft:
        """What is to be prescribed now, whether it changed or not."""
        stage: Stage = self.programme.loading  # type: ignore[assignment]
        nothing = self._nothing()
        if nothing is not None:
            return Draft(stage=stage, week=self.week, nothing=nothing, reasons=(nothing,))
        if stage == ELASTIC_STAGE:
            exercises = self._elastic()
            nothing = None if exercises else "clinician_sets_it"
            why = "ruled" if exercises else "clinician_sets_it"
            return Draft(stage=stage, week=self.week, exercises=exercises, nothing=nothing, reasons=(why,))
        reductions = self._reductions()
        changed_stage = self.last is None or self.last.nothing is not None or self.last.stage != stage
        items = [
            self.protocol.exercises_by_id[name]
            for name in self.protocol.stages[stage - 1].prescribes
            if not self._left_out(name)
        ]
        exercises = tuple(self._exercise(each, reductions, entering=changed_stage) for each in items)
        reasons = tuple(dict.fromkeys((*self._reasons(changed_stage), *(_said(exercises)))))
        return Draft(stage=stage, week=self.week, exercises=exercises, reasons=reasons, lightened=reductions)

    # Whether anything is prescribed

    def _nothing(self) -> str | None:
        if self.programme.superseded:
            return "newer_episode"
        if self.chart.state.suspended:
            return "suspended"
        if self.programme.awaiting:
            return "awaiting"
        if any(each.kind == "re_entry" for each in self.programme.open_holds):
            return "stage_not_named"
        return "paused" if self.chart.paused(self.chart.today) else None

    def _left_out(self, name: str) -> bool:
        ruled = ruled_for(self.programme, name)
        return ruled is not None and ruled.left_out

    def _reasons(self, changed_stage: bool) -> tuple[str, ...]:
        if not changed_stage:
            return ("migrated",) if self._migrated else ()
        if self.last is None:
            return ("started",)
        if self.last.nothing is not None:
            return ("resumed",)
        return ("stage_up",) if self.programme.loading > self.last.stage else ("stage_down",)

    # Exercises

    def _exercise(
        self, item: ExerciseItem, reductions: tuple[Lightened, ...], *, entering: bool
    ) -> ExercisePrescribed:
        before = None if self.last is None else _named(self.last.exercises, item.id)
        if before is not None and not entering and not reductions and self._stays(item, before):
            return replace(before, why=(), evidence=()) if before.why else before
        change = self._entered(item, reductions) if entering else self._changed(item, before, reductions)
        change = self._ruled(item, change)
        change = self._under_ceiling(item, change)
        return self._filled(item, change, before)

    def _stays(self, item: ExerciseItem, before: ExercisePrescribed) -> bool:
        """Nothing in it changes: no rise, no other dose of the week, surface or ceiling, and no ruling."""
        if self._planned or self._held_back or self._migrated or self.last is None:
            return False
        if self.week != self.last.week and (before.evidence or not self._same_dose(item, self.last.week)):
            return False
        if before.surface is not None and before.surface != self._surface(before.exercise):
            return False
        load = exactly(before.load_kg)
        if load > 0:
            most = most_load(self.chart, item, self._last_weight)
            if most is not None and load > most:
                return False
        return not (self.may_rise and self.rising.ready(before))

    def _same_dose(self, item: ExerciseItem, week: int) -> bool:
        """Whether another week's dose is this week's; where a clinician has a say in it, one can't tell."""
        same = whole_dose(item, week, None) == whole_dose(item, self.week, None)
        return same and ruled_for(self.programme, item.id) is None

    @cached_property
    def _last_weight(self) -> Fraction | None:
        return last_bodyweight(self.chart)

    @cached_property
    def _planned(self) -> bool:
        return any(isinstance(each, PrescriptionPlanned) for each in self.heard)

    @cached_property
    def _migrated(self) -> bool:
        return any(isinstance(each, ProtocolChanged) for each in self.heard)

    @cached_property
    def _held_back(self) -> bool:
        return any(
            isinstance(each, d.HoldOpened) and each.kind == "fewest_holds" and each.rule == "R1"
            for each in self.heard
        )

    def _surface(self, exercise: str) -> Surface | None:
        surfaces = self.protocol.exercises_by_id[exercise].surfaces
        if not surfaces:
            return None
        ruled = ruled_for(self.programme, exercise)
        wanted = (ruled.surface if ruled else None) or surfaces[0]
        return "flat" if self.programme.on_flat else wanted

    def _entered(self, item: ExerciseItem, reductions: tuple[Lightened, ...]) -> Change:
        """The first level of a stage, or what was prescribed last at a share of it."""
        known = _named(self.programme.remembered, item.id)
        if known is None or self._begins_anew():
            load, inputs = self._first_load(item)
            first = Change(level=first_level(item, load), why=("first",), evidence=inputs)
            again = tuple(each for each in reductions if each.session is None)
            if not again:
                return first
            change = self._lightened(item, first.level, again)
            return replace(first, level=change.level, why=("first", *change.why))
        percent = 100 - self.protocol.whole("prescription.return_percent")
        wanted = (Lightened(percent=percent), *(each for each in reductions if each.session is None))
        change = self._lightened(item, level_of(known), (*wanted, *too_much_since(self.chart, item, known)))
        return replace(change, why=("returned", *change.why))

    def _begins_anew(self) -> bool:
        """Into a stage by a step up or a placement, and back to the holds, everything begins anew."""
        if any(isinstance(each, d.StageAdvanced | d.StagePlaced) for each in self.heard):
            return True
        return self.programme.loading == 1 and self.last is not None and self.last.stage > 1

    def _fewest(self, item: ExerciseItem, level: Level) -> Change | None:
        """R1 in Stage 1: the fewest holds of the shortest, where they were held back for it."""
        if not self._held_back or item.kind != "hold" or self.programme.loading != 1:
            return None
        sets, _ = whole_dose(item, self.week, ruled_for(self.programme, item.id))
        return Change(level=shortest(level, sets, self.protocol), why=("fewest",), evidence=self.told)

    def _changed(
        self, item: ExerciseItem, before: ExercisePrescribed | None, reductions: tuple[Lightened, ...]
    ) -> Change:
        if before is None:
            load, inputs = self._first_load(item)
            return Change(level=first_level(item, load), why=("first",), evidence=inputs)
        level = level_of(before)
        fewest = self._fewest(item, level)
        if fewest is not None:
            return fewest
        if reductions:
            return self._lightened(item, level, reductions)
        if self.may_rise and not self._planned and self.rising.ready(before):
            stands = self.rising.stands(before)
            return Change(level=stands.next.level, why=(f"{stands.next.what}_risen",), evidence=stands.inputs)
        return Change(level=level)

    def _first_load(self, item: ExerciseItem) -> tuple[Fraction, tuple[int, ...]]:
        first, step = item.first, self.protocol.number("prescription.step_kg")
        if first is None:
            return Fraction(0), ()
        if first.kg is not None:
            return Fraction(first.kg), ()
        lightest = (first.steps or 1) * step
        tolerated = self._last_tolerated(first.of)
        if first.share is None or tolerated is None or last_bodyweight(self.chart) is None:
            return lightest, ()
        load, inputs = tolerated
        return max(lightest, rounded_down(Fraction(first.share) * load, step)), inputs

    def _last_tolerated(self, exercises: tuple[str, ...]) -> tuple[Fraction, tuple[int, ...]] | None:
        """The load of the newest well tolerated session with one of these."""
        for fact in self.chart.newest():
            kept = [
                load for name, load in loads(fact, self.programme.side, self.protocol) if name in exercises
            ]
            if kept:
                reading = self.chart.reading(fact)
                if reading.tolerated == "met":
                    return Fraction(max(kept)), reading.inputs
        return None

    # Lighter

    def _reductions(self) -> tuple[Lightened, ...]:
        """Those concluded since the last prescription. One for a session is carried out once."""
        reduced = [each for each in self.heard if isinstance(each, d.LoadReduced)]
        found = [Lightened(percent=each.percent, session=each.session) for each in reduced]
        known = {each.session: each.percent for each in self.programme.lightened}
        return tuple(e for e in found if e.session is None or known.get(e.session, 0) < e.percent)

    def _lightened(self, item: ExerciseItem, level: Level, reductions: tuple[Lightened, ...]) -> Change:
        """They don't add up: for each session the largest counts, and of these the lightest outcome."""
        whole = whole_dose(item, self.week, ruled_for(self.programme, item.id))
        outcomes: list[tuple[Level, str | None]] = []
        for session, percent in largest(reductions).items():
            done = NOT_DONE if session is None else done_of(self.chart, session, item, level)
            by = Lightening(percent=percent, whole=whole, done=done)
            outcomes.append(lightened(item, level, by, self.protocol))
            self.exhausted |= session is not None and outcomes[-1][1] is None and item.kind == "hold"
        lightest, how = min(outcomes, key=lambda each: _hardness(each[0]))
        evidence = tuple(sorted({each.session for each in reductions if each.session is not None}))
        return Change(level=lightest, why=() if how is None else (how,), evidence=evidence)

    # What a clinician set, and the ceiling

    def _ruled(self, item: ExerciseItem, change: Change) -> Change:
        """A clinician's load and hold count from the moment they are set, or when their stage begins."""
        ruled, now = ruled_for(self.programme, item.id), self._just_planned(item.id)
        if ruled is None or (ruled.load_kg is None and now is None):
            return change
        level = change.level
        dosed = now is not None and (now.sets or now.reps or now.hold_s)
        if (ruled.load_kg is not None or dosed) and not self.rising.open:  # what is cut stays so while held
            level = replace(level, cut=UNCUT)
        if ruled.load_kg is not None:
            level = replace(level, load=Fraction(ruled.load_kg))
        if now is not None and now.hold_s is not None:
            cut = replace(level.cut, hold_s="0")
            level = replace(level, hold_s=Fraction(now.hold_s), cut=cut)
        return Change(level=level, why=("ruled",), evidence=self.told)

    def _just_planned(self, name: str) -> ExerciseRuled | None:
        """What was set for it just now."""
        planned = (each for each in self.heard if isinstance(each, PrescriptionPlanned))
        return next((one for each in planned for one in each.exercises if one.exercise == name), None)

    def _under_ceiling(self, item: ExerciseItem, change: Change) -> Change:
        most = most_load(self.chart, item, self._last_weight)
        load = change.level.load
        if most is None or load <= most:
            return change
        step = self.protocol.number("prescription.step_kg")
        level = replace(change.level, load=under(load, most, step))
        return replace(change, level=level, why=(*change.why, "ceiling"))

    def _filled(
        self, item: ExerciseItem, change: Change, before: ExercisePrescribed | None
    ) -> ExercisePrescribed:
        """The exercise in full; since when it is so, and what changed besides."""
        ruled = ruled_for(self.programme, item.id)
        new = prescribed(item, change.level, self.week, ruled, self.protocol)
        form = self.protocol.exercises_by_id[new.exercise]
        surface = self._surface(form.id)
        new = replace(
            new,
            sides=sides_of(item, self.programme.side, both_legs=change.level.cut.both_legs),
            surface=surface,
            per_week=(ruled.per_week if ruled else None)
            or self.protocol.per_week(self.programme.loading)
            or 1,
        )
        why, since = list(change.why), self.now
        if before is not None and "first" not in why and "returned" not in why:
            if level_of(before) == change.level and before.surface == surface:
                since = before.since
                if "ruled" not in why and (before.sets, before.reps) != (new.sets, new.reps):
                    why.append("week")
            elif before.surface != surface and surface is not None and before.exercise == new.exercise:
                why.append(f"surface_{surface}")
        evidence = change.evidence or (self.told if why else ())
        return replace(new, since=since, why=tuple(why), evidence=evidence)

    def _elastic(self) -> tuple[ExercisePrescribed, ...]:
        """Stage 4: what a clinician set, and nothing else."""
        found = []
        for ruled in self.programme.plan:
            item = self.protocol.exercises_by_id.get(ruled.exercise)
            if item is None or item.stage != ELASTIC_STAGE or ruled.left_out or ruled.per_week is None:
                continue
            before = None if self.last is None else _named(self.last.exercises, item.id)
            new = _elastic(ruled, sides_of(item, self.programme.side, both_legs=False))
            same = before is not None and replace(before, since="", why=(), evidence=()) == new
            since = before.since if same and before is not None else self.now
            why, evidence = ((), ()) if same else (("ruled",), self.told)
            found.append(replace(new, since=since, why=why, evidence=evidence))
        order = {each.id: index for index, each in enumerate(self.protocol.exercises)}
        return tuple(sorted(found, key=lambda each: order[each.exercise]))


def _elastic(ruled: ExerciseRuled, sides: str) -> ExercisePrescribed:
    return ExercisePrescribed(
        exercise=ruled.exercise,
        sides=sides,  # type: ignore[arg-type]
        sets=ruled.sets or 1,
        reps=ruled.reps,
        work_s=ruled.work_s,
        load_kg="0",
        per_week=ruled.per_week or 1,
        since="",
    )


def _hardness(level: Level) -> tuple[Fraction, int, int, int, Fraction]:
    """What is heavier, less cut or longer is harder."""
    cut = level.cut
    return (level.load, -cut.both_legs, -cut.sets, -cut.reps, level.hold_s or Fraction(0))


def _said(exercises: tuple[ExercisePrescribed, ...]) -> tuple[str, ...]:
    """The reasons of the exercises, each once."""
    return tuple(dict.fromkeys(reason for each in exercises for reason in each.why))


def _named(exercises: Sequence[ExercisePrescribed], name: str) -> ExercisePrescribed | None:
    return next((each for each in exercises if slot_of(each) == name), None)
