"""What came out, per protocol: a table to look at, and the same as JSON."""

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import quantiles
from typing import Final

import msgspec
from rich.table import Table

from services.cli.simulation.outcomes import Outcome

STAGES: Final = (1, 2, 3, 4)


class Quartiles(msgspec.Struct, frozen=True):
    """Of those who got there, in weeks since the enrolment."""

    lower: float
    median: float
    upper: float


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """One protocol's outcomes. Shares are of programmes, 0 to 1."""

    protocol: str
    patients: int
    programmes: int
    reached: dict[int, float]
    """Stage → share that was ever in it."""
    weeks_to_stage: dict[int, Quartiles | None]
    passed: float
    """Share that passed the checkpoint."""
    weeks_to_checkpoint: Quartiles | None
    completed: float
    """Share with 12 consistent weeks and the checkpoint."""
    dropped_out: float
    marked: float
    """Share that came to Stage 4 by an override that accepts a risk."""
    suspended: float
    """Share with a red flag."""
    flares: float
    """A programme, on average."""
    regressed: float
    tests: float
    holds: dict[str, float]
    """Kind → how many a programme, on average."""
    still_held: float
    """Share with an open hold at the end."""
    flags: dict[str, float]
    valid: float
    """Share of the sessions that were valid."""
    consistent_weeks: float
    inputs: int
    decisions: int


def summaries(outcomes: Iterable[Outcome]) -> tuple[Summary, ...]:
    """One for each protocol, in the order of their first outcome."""
    grouped: dict[str, list[Outcome]] = {}
    for each in outcomes:
        grouped.setdefault(each.protocol, []).append(each)
    return tuple(_summary(name, group) for name, group in grouped.items())


def table(found: Sequence[Summary], weeks: int) -> Table:
    """A column for each protocol."""
    patients = found[0].patients if found else 0
    shown = Table(title=f"{patients:,} patients, {weeks} weeks")
    shown.add_column("", no_wrap=True)
    for each in found:
        shown.add_column(each.protocol, justify="right")
    for name, cells in _rows(found):
        shown.add_row(name, *cells)
    return shown


def _summary(name: str, outcomes: Sequence[Outcome]) -> Summary:
    count = len(outcomes)
    patients = {each.patient: each.inputs for each in outcomes}
    sessions = sum(each.sessions for each in outcomes)

    def share(kept: Iterable[object]) -> float:
        return round(sum(bool(each) for each in kept) / count, 4)

    def mean(numbers: Iterable[int]) -> float:
        return round(sum(numbers) / count, 4)

    def counted(counters: Iterable[Counter[str]]) -> dict[str, float]:
        total: Counter[str] = sum(counters, Counter())
        return {kind: round(number / count, 4) for kind, number in sorted(total.items())}

    return Summary(
        protocol=name,
        patients=len(patients),
        programmes=count,
        reached={stage: share(stage in each.reached for each in outcomes) for stage in STAGES},
        weeks_to_stage={stage: quartiles(_days_to(outcomes, stage)) for stage in STAGES},
        passed=share(each.passed_on is not None for each in outcomes),
        weeks_to_checkpoint=quartiles([e.passed_on for e in outcomes if e.passed_on is not None]),
        completed=share(each.completed_on is not None for each in outcomes),
        dropped_out=share(each.dropped_out_on is not None for each in outcomes),
        marked=share(each.marked for each in outcomes),
        suspended=share(each.suspended for each in outcomes),
        flares=mean(each.flares for each in outcomes),
        regressed=mean(each.regressed for each in outcomes),
        tests=mean(each.tests for each in outcomes),
        holds=counted(each.holds for each in outcomes),
        still_held=share(each.open_holds for each in outcomes),
        flags=counted(each.flags for each in outcomes),
        valid=round(sum(each.valid for each in outcomes) / sessions, 4) if sessions else 0.0,
        consistent_weeks=mean(each.weeks for each in outcomes),
        inputs=sum(patients.values()),
        decisions=sum(each.decisions for each in outcomes),
    )


def _days_to(outcomes: Iterable[Outcome], stage: int) -> list[int]:
    return [each.reached[stage] for each in outcomes if stage in each.reached]


def quartiles(days: Sequence[int]) -> Quartiles | None:
    """Quartiles of some days, in weeks; none of fewer than two."""
    if len(days) < 2:
        return None
    lower, middle, upper = (round(each / 7, 1) for each in quantiles(days, n=4, method="inclusive"))
    return Quartiles(lower, middle, upper)


def _rows(found: Sequence[Summary]) -> list[tuple[str, list[str]]]:
    rows = [
        ("programmes", [f"{each.programmes:,}" for each in found]),
        ("reached Stage 2", [_percent(each.reached[2]) for each in found]),
        ("reached Stage 3", [_percent(each.reached[3]) for each in found]),
        ("passed checkpoint", [_percent(each.passed) for each in found]),
        ("reached Stage 4", [_percent(each.reached[4]) for each in found]),
        ("  marked: risk accepted", [_percent(each.marked) for each in found]),
        ("weeks to Stage 2", [_weeks(each.weeks_to_stage[2]) for each in found]),
        ("weeks to Stage 3", [_weeks(each.weeks_to_stage[3]) for each in found]),
        ("weeks to checkpoint", [_weeks(each.weeks_to_checkpoint) for each in found]),
        ("consistent weeks", [f"{each.consistent_weeks:.1f}" for each in found]),
        ("sessions valid", [_percent(each.valid) for each in found]),
        ("flares, a programme", [f"{each.flares:.2f}" for each in found]),
        ("steps back", [f"{each.regressed:.2f}" for each in found]),
        ("with a red flag", [_percent(each.suspended) for each in found]),
        ("held at the end", [_percent(each.still_held) for each in found]),
        ("dropped out", [_percent(each.dropped_out) for each in found]),
    ]
    for what in ("holds", "flags"):
        kinds = sorted({kind for each in found for kind in getattr(each, what)})
        rows.append((f"{what}, a programme", [""] * len(found)))
        rows += [
            (f"  {kind.replace('_', ' ')}", [f"{getattr(each, what).get(kind, 0):.2f}" for each in found])
            for kind in kinds
        ]
    return [*rows, ("inputs decided", [f"{each.inputs:,}" for each in found])]


def _percent(share: float) -> str:
    return f"{share:.0%}"


def _weeks(found: Quartiles | None) -> str:
    return "-" if found is None else f"{found.median:.1f} ({found.lower:.1f}-{found.upper:.1f})"
