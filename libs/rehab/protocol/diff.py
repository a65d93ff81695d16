"""What changes for patients between two protocols, in words."""

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Final, Literal

import msgspec

from libs.rehab.protocol.items import Criteria, ExerciseItem, Gate, Number, StageItem
from libs.rehab.protocol.lint_seed import LOOSER_ABOVE, LOOSER_BELOW
from libs.rehab.protocol.model import RehabProtocol
from libs.rehab.protocol.saying import (
    ceiling_words,
    dose_words,
    figure,
    first_words,
    label,
    names_of,
    often,
    rise_words,
    source,
)

Group = Literal["limits", "gates", "doses", "loads", "weeks", "flags", "red_flags", "other", "words"]
Direction = Literal["looser", "stricter"]
GROUPS: Final[dict[Group, str]] = {
    "limits": "Limits in every session, and going back",
    "gates": "What the steps ask for",
    "doses": "What is done, and how often",
    "loads": "How load begins and rises",
    "weeks": "Weeks",
    "flags": "What people get wrong (flags)",
    "red_flags": "Red flags, and before loading",
    "other": "Beside the loading",
    "words": "Words",
}
"""Group → its heading, in this order."""
_RULES: Final[dict[str, Group]] = {
    "checkpoint": "gates", "prescription": "loads", "insertional": "loads", "override": "other",
    "flags": "flags", "zone_2": "other", "visa_a": "other", "adverse_event": "other",
}  # fmt: skip
_LETTERS: Final[dict[str, Group]] = {
    "P": "limits", "R": "limits", "T": "red_flags", "F": "flags", "W": "weeks",
}  # fmt: skip


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is otherwise."""

    group: Group
    about: str
    """What it is about, as an id: `P1.most_pain`, `1-2.week`, `heel_drop_bent_knee.rises`."""
    text: str
    """In a sentence or two."""
    before: str | None = None
    """Absent where it is new."""
    after: str | None = None
    """Absent where it is gone."""
    direction: Direction | None = None
    """Where it can be told."""


def diff(before: RehabProtocol, after: RehabProtocol) -> tuple[Change, ...]:
    """Every difference that a patient or clinician meets, by group."""
    found = (
        *_numbers(before, after),
        *_statements(before, after),
        *_gates(before, after),
        *_stages(before, after),
        *_exercises(before, after),
        *_red_flags(before, after),
        *_words(before, after),
    )
    order = list(GROUPS)
    return tuple(sorted(found, key=lambda each: order.index(each.group)))


def group_of(rule: str) -> Group:
    """The group of a rule."""
    return _RULES.get(rule) or _LETTERS.get(rule[:1], "other")


def _numbers(before: RehabProtocol, after: RehabProtocol) -> Iterator[Change]:
    for name, new in after.numbers_by_id.items():
        old = before.numbers_by_id.get(name)
        if old is None or Fraction(old.value) == Fraction(new.value):
            continue
        rule = name.rpartition(".")[0]
        yield Change(
            group=group_of(rule),
            about=name,
            text=f"{label(name)} {figure(new)}, not {figure(old)} ({rule}, {_whence(old, new)}).",
            before=figure(old),
            after=figure(new),
            direction=_direction(name, Fraction(old.value), Fraction(new.value)),
        )


def _whence(old: Number, new: Number) -> str:
    own, theirs = source(new.basis, new.citation), source(old.basis, old.citation)
    return f"by {own}" if own == theirs else f"by {own}; before by {theirs}"


def _direction(name: str, old: Fraction, new: Fraction) -> Direction | None:
    if name in LOOSER_ABOVE:
        return "looser" if new > old else "stricter"
    if name in LOOSER_BELOW:
        return "looser" if new < old else "stricter"
    return None


def _statements(before: RehabProtocol, after: RehabProtocol) -> Iterator[Change]:
    """Rules that say something else, where no number of theirs says it already."""
    numbers = {each.about.rpartition(".")[0] for each in _numbers(before, after)}
    for rule in after.rules:
        old = before.rules_by_id.get(rule.id)
        if old is None:
            text = f"A new rule, {rule.id}: {rule.statement}"
            yield Change(group=group_of(rule.id), about=rule.id, text=text, after=rule.statement)
        elif old.statement != rule.statement and rule.id not in numbers:
            yield Change(
                group=group_of(rule.id),
                about=rule.id,
                text=f"{rule.id} now reads: {rule.statement}",
                before=old.statement,
                after=rule.statement,
            )
    for rule in before.rules:
        if rule.id not in after.rules_by_id:
            text = f"The rule {rule.id} is gone: {rule.statement}"
            yield Change(group=group_of(rule.id), about=rule.id, text=text, before=rule.statement)


def _gates(before: RehabProtocol, after: RehabProtocol) -> Iterator[Change]:
    for old, new in zip(before.gates, after.gates, strict=True):
        step = f"The step from Stage {new.from_stage} to {new.to_stage}"
        for field, asks in (("criteria", "asks"), ("confirming", "asks at its confirmation")):
            yield from _criteria(getattr(old, field), getattr(new, field), f"{step} {asks}", step)
        yield from _asking(old, new, step)


def _criteria(old: tuple[Criteria, ...], new: tuple[Criteria, ...], asks: str, step: str) -> Iterator[Change]:
    known, own = {each.id: each for each in old}, {each.id: each for each in new}
    for name, each in own.items():
        was = known.get(name)
        if was is None:
            text = f"{asks} besides: {each.statement}"
            yield _gate(name, text, after=each.statement, direction="stricter")
        elif was.statement != each.statement or _weighed(was) != _weighed(each):
            text = f"{asks}: {each.statement} Before: {was.statement}"
            yield _gate(name, text, was.statement, each.statement, _harder(was, each))
    for name, each in known.items():
        if name not in own:
            text = f"{step} no longer asks: {each.statement}"
            yield _gate(name, text, each.statement, direction="looser")


def _gate(
    about: str,
    text: str,
    before: str | None = None,
    after: str | None = None,
    direction: Direction | None = None,
) -> Change:
    return Change(group="gates", about=about, text=text, before=before, after=after, direction=direction)


def _weighed(each: Criteria) -> tuple[object, ...]:
    return (
        each.measure, each.comparator, each.threshold, each.sessions, each.days, each.least, each.exercises,
        each.or_else,
    )  # fmt: skip


def _harder(old: Criteria, new: Criteria) -> Direction | None:
    """Where nothing but the threshold differs, whether it asks for more."""
    if (old.measure, old.comparator, old.sessions, old.days) != (
        new.measure, new.comparator, new.sessions, new.days,
    ) or old.unit is None or old.threshold == new.threshold:  # fmt: skip
        return None
    more = Fraction(new.threshold) > Fraction(old.threshold)
    return "stricter" if more == (new.comparator in {">=", ">"}) else "looser"


def _asking(old: Gate, new: Gate, step: str) -> Iterator[Change]:
    if old.ask_after_days != new.ask_after_days:
        days = f"after {new.ask_after_days} days" if new.ask_after_days is not None else "never"
        was = f"after {old.ask_after_days} days" if old.ask_after_days is not None else "never"
        text = f"{step}: a clinician is asked to rule {days}, not {was}."
        yield _gate(new.id, text, was, days)


def _stages(before: RehabProtocol, after: RehabProtocol) -> Iterator[Change]:
    for old, new in zip(before.stages, after.stages, strict=True):
        names = names_of(before) | names_of(after)
        added = [names[each] for each in new.prescribes if each not in old.prescribes]
        gone = [names[each] for each in old.prescribes if each not in new.prescribes]
        stage = f"Stage {new.number}"
        if added or gone:
            parts = [f"{stage} prescribes besides: {_list(added)}."] if added else []
            parts += [f"{stage} no longer prescribes: {_list(gone)}."] if gone else []
            yield Change(
                group="doses",
                about=f"{new.id}.prescribes",
                text=" ".join(parts),
                before=_list(names[each] for each in old.prescribes),
                after=_list(names[each] for each in new.prescribes),
            )
        yield from _field("doses", f"{new.id}.per_week", f"{stage} is done", often, (old, new))
        yield from _field("doses", f"{new.id}.name", f"{stage} is called", _name, (old, new))
        yield from _field("doses", f"{new.id}.effort", f"Effort in {stage} is", _effort, (old, new))


def _exercises(before: RehabProtocol, after: RehabProtocol) -> Iterator[Change]:
    names = names_of(before) | names_of(after)

    def first(each: ExerciseItem) -> str:
        return first_words(each.first, names)

    for new in after.exercises:
        old = before.exercises_by_id[new.id]
        pair, name = (old, new), new.name
        yield from _field("doses", f"{new.id}.dose", f"{name} is done", _dose, pair)
        yield from _field("doses", f"{new.id}.surfaces", f"{name} is done on", _surfaces, pair)
        yield from _field("loads", f"{new.id}.first", f"{name} begins with", first, pair)
        yield from _field("loads", f"{new.id}.rises", f"{name}:", _rises, pair)
        yield from _field("loads", f"{new.id}.ceiling", f"The most load of {name} is", ceiling_words, pair)


def _field(
    group: Group, about: str, words: str, say: Callable[..., str], pair: tuple[object, object]
) -> Iterator[Change]:
    """A part that is said otherwise."""
    old, new = say(pair[0]), say(pair[1])
    if old != new:
        text = f"{words} {new}. Before: {old}."
        yield Change(group=group, about=about, text=text, before=old, after=new)


def _red_flags(before: RehabProtocol, after: RehabProtocol) -> Iterator[Change]:
    old = {each.id: each.statement for each in before.red_flags}
    new = {each.id: each.statement for each in after.red_flags}
    for name in old.keys() | new.keys():
        was, now = old.get(name), new.get(name)
        if was == now:
            continue
        text = f"Red flag {name}: {now or 'no longer asked.'}" + (f" Before: {was}" if was else "")
        yield Change(group="red_flags", about=name, text=text, before=was, after=now)


def _words(before: RehabProtocol, after: RehabProtocol) -> Iterator[Change]:
    languages = {each.language for each in (*before.words, *after.words)}
    for language in sorted(languages):
        old, new = (_texts(each, language) for each in (before, after))
        changed = [name for name in new if name in old and old[name] != new[name]]
        for name in changed:
            text = f"{name.replace('_', ' ')} ({language}): “{new[name]}” Before: “{old[name]}”"
            yield Change(
                group="words", about=f"{language}.{name}", text=text, before=old[name], after=new[name]
            )
        for names, said in ((new.keys() - old.keys(), "New"), (old.keys() - new.keys(), "No longer said")):
            if names:
                text = f"{said} ({language}): {_list(sorted(names))}."
                yield Change(group="words", about=f"{language}.{said}", text=text)


def _texts(protocol: RehabProtocol, language: str) -> dict[str, str]:
    wordings = [each for each in protocol.words if each.language == language]
    said = {f"{each.id}, to the patient": each.patient for one in wordings for each in one.messages}
    said |= {f"{each.id}, to the clinician": each.clinician for one in wordings for each in one.messages}
    return said | {each.id: each.text for one in wordings for each in one.terms}


def _list(names: Iterable[str]) -> str:
    return "; ".join(names)


def _name(stage: StageItem) -> str:
    return stage.name


def _effort(stage: StageItem) -> str:
    return stage.effort or "not said"


def _dose(exercise: ExerciseItem) -> str:
    return dose_words(exercise.dose)


def _surfaces(exercise: ExerciseItem) -> str:
    return " or ".join(exercise.surfaces) or "any surface"


def _rises(exercise: ExerciseItem) -> str:
    return rise_words(exercise.rises)
