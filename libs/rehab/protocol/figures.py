"""The figures of doses, first loads and rises: within what P7 allows, and each with one basis of its own."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel

from libs.rehab.protocol.items import Dose, ExerciseItem, FirstLoad, Rise, Source
from libs.rehab.protocol.problems import Finding, Path

if TYPE_CHECKING:
    from libs.rehab.protocol.model import RehabProtocol

_FIGURES: Final[dict[type[BaseModel], tuple[str, ...]]] = {
    Dose: tuple(name for name in Dose.model_fields if name != "sources"),
    FirstLoad: ("kg", "steps", "share"),
    Rise: ("by", "up_to_s", "after", "every_days"),
}
"""The fields that are figures."""


def check_figures(protocol: "RehabProtocol") -> Iterator[Finding]:
    """What is wrong with the figures of stages and exercises."""
    cited = {each.id for each in protocol.citations}
    for stage in protocol.stages:
        given = _given(stage, ("prescribes", "per_week", "effort"))
        yield from _sources(("stages", stage.id), given, stage.sources, cited)
    for exercise in protocol.exercises:
        path: Path = ("exercises", exercise.id)
        yield from _dose(protocol, exercise, (*path, "dose"))
        yield from _load(exercise, path)
        yield from _form(protocol, exercise, path)
        yield from _sources(
            path, _given(exercise, ("surfaces", "bilateral_form", "ceiling")), exercise.sources, cited
        )
        for at, part in _parts(exercise):
            yield from _sources((*path, *at), _given(part, _FIGURES[type(part)]), part.sources, cited)


def _parts(exercise: ExerciseItem) -> Iterator[tuple[Path, Dose | FirstLoad | Rise]]:
    yield ("dose",), exercise.dose
    if exercise.first is not None:
        yield ("first",), exercise.first
    for at, rise in enumerate(exercise.rises):
        yield ("rises", at), rise


def _given(item: BaseModel, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the fields that say something."""
    return tuple(name for name in names if getattr(item, name) not in {None, ()})


def _sources(
    path: Path, figures: tuple[str, ...], sources: tuple[Source, ...], cited: set[str]
) -> Iterator[Finding]:
    """Each figure has one basis; what is no default cites something known."""
    named = [field for each in sources for field in each.of]
    for name in figures:
        if named.count(name) != 1:
            wrong = f"{name} has {'no basis' if name not in named else 'two bases'} of its own."
            right = f"Name it once in sources: {{of: [{name}], basis: default}}, or with a citation."
            yield Finding(code="basis", path=(*path, name), wrong=wrong, right=right)
    for name in dict.fromkeys(named):
        if name not in figures:
            wrong = f"sources names {name}, which is not given here."
            yield Finding(
                code="basis", path=(*path, "sources"), wrong=wrong, right="Take it out of the list."
            )
    for each in sources:
        if each.citation not in cited and (each.citation is not None or each.basis != "default"):
            wrong = f"The basis {each.basis} of {', '.join(each.of)} cites {each.citation or 'nothing'}."
            right = f"Cite one of: {', '.join(sorted(cited))}."
            yield Finding(code="citation-unknown", path=(*path, "sources"), wrong=wrong, right=right)


def _dose(protocol: "RehabProtocol", exercise: ExerciseItem, path: Path) -> Iterator[Finding]:
    """No dose is shorter or faster than P7 allows."""
    tempo, hold, dose = protocol.number("P7.tempo_s"), protocol.number("P7.hold_s"), exercise.dose
    if exercise.kind == "hold" and (dose.hold_s is None or dose.hold_s < hold):
        wrong = f"{exercise.name} is held for {dose.hold_s or 'no'} seconds."
        right = f"P7 counts holds of at least {hold} seconds."
        yield Finding(code="hold-short", path=(*path, "hold_s"), wrong=wrong, right=right)
    if exercise.kind == "slow":
        for name, seconds in (("up_s", dose.up_s), ("down_s", dose.down_s)):
            if seconds is None or seconds < tempo:
                wrong = f"{exercise.name} moves {name.removesuffix('_s')} in {seconds or 'no'} seconds."
                right = f"P7 asks for at least {tempo} seconds."
                yield Finding(code="too-fast", path=(*path, name), wrong=wrong, right=right)
    weeks = [each.from_week for each in dose.by_week]
    if weeks and (weeks[0] != 1 or weeks != sorted(set(weeks))):
        wrong = f"The weeks are {', '.join(map(str, weeks))}."
        yield Finding(code="weeks", path=(*path, "by_week"), wrong=wrong, right="They go up, from week 1.")


def _load(exercise: ExerciseItem, path: Path) -> Iterator[Finding]:
    """Surfaces, first loads, rises and ceilings that make sense together."""
    if "step" in exercise.surfaces and "flat" not in exercise.surfaces:
        wrong = f"{exercise.name} can only be done on a step."
        right = "It has to be possible on the flat, for insertional tendons: surfaces: [step, flat]."
        yield Finding(code="step-only", path=(*path, "surfaces"), wrong=wrong, right=right)
    if (exercise.kind == "elastic") != (exercise.stage == 4):
        wrong = f"{exercise.name} is {exercise.kind} and of Stage {exercise.stage}."
        right = "What is elastic is of Stage 4, and nothing else is."
        yield Finding(code="elastic-early", path=(*path, "stage"), wrong=wrong, right=right)
    if exercise.ceiling is None and any(rise.of == "load" for rise in exercise.rises):
        wrong = f"The load of {exercise.name} rises without a ceiling."
        yield Finding(code="ceiling", path=path, wrong=wrong, right="Add ceiling, in times bodyweight.")
    for at, rise in enumerate(exercise.rises):
        yield from _rise(exercise, rise, (*path, "rises", at))
    first = exercise.first
    if first is not None and first.kg is None and first.steps is None:
        wrong = f"The first load of {exercise.name} is neither kilograms nor steps."
        yield Finding(code="first", path=(*path, "first"), wrong=wrong, right="Add kg or steps.")
    if first is not None and (first.share is None) != (not first.of):
        wrong = f"The first load of {exercise.name} is a share without what it is of, or the reverse."
        yield Finding(code="first", path=(*path, "first"), wrong=wrong, right="Give share and of together.")


def _rise(exercise: ExerciseItem, rise: Rise, path: Path) -> Iterator[Finding]:
    if (rise.of == "hold") != (rise.unit == "seconds"):
        wrong = f"A rise of {exercise.name} is of {rise.of}, in {rise.unit}."
        right = "A hold rises in seconds, a load in percent."
        yield Finding(code="rise-unit", path=(*path, "unit"), wrong=wrong, right=right)
    if rise.of == "hold" and rise.up_to_s is None:
        wrong = f"The hold of {exercise.name} gets longer without an end."
        yield Finding(code="rise-endless", path=path, wrong=wrong, right="Add up_to_s.")
    for at, each in enumerate(rise.after):
        if each.sessions is None and each.days is None:
            wrong = f"A rise of {exercise.name} asks for neither sessions nor days."
            right = "Say after how many well tolerated sessions, or days, it rises."
            yield Finding(code="rise-after", path=(*path, "after", at), wrong=wrong, right=right)


def _form(protocol: "RehabProtocol", exercise: ExerciseItem, path: Path) -> Iterator[Finding]:
    """A bilateral form is done on both legs, belongs to an earlier stage and is of the same kind."""
    if exercise.bilateral_form is None:
        return
    form = protocol.exercises_by_id[exercise.bilateral_form]
    if form.stage >= exercise.stage or form.sides == "single" or form.kind != exercise.kind:
        wrong = f"{form.name} is no bilateral form of {exercise.name}."
        right = "Name one of an earlier stage, of the same kind, that both legs do."
        yield Finding(code="bilateral-form", path=(*path, "bilateral_form"), wrong=wrong, right=right)
