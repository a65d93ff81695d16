"""Appending and folding: both libraries on one server, in turns, so that a slow minute meets both."""

from collections import defaultdict
from collections.abc import Callable

from tests.bench import ours, theirs
from tests.bench.figures import Figure, Figures
from tests.bench.payload import as_plain, session
from tests.bench.server import WRITERS, Both

COUNTS = (1, 8, 32, WRITERS)
LOGS = 100
RUNS = 3
SECONDS = 1.5
FOLDED = 2000
AIMS = {32: "10", WRITERS: "20"}
STEPS = RUNS * (2 * len(COUNTS) + len(COUNTS) + 2 + 1)
"""How often `tick` is called."""

Rates = dict[str, list[float]]


async def measure(both: Both, figures: Figures, tick: Callable[[str], None]) -> None:
    """Add what appending and folding cost, in events a second and as ratios."""
    rates: Rates = defaultdict(list)
    async with ours.opened(both.ours) as log:
        one, many = await log.clinics("one", 1), await log.clinics("many", LOGS)
        folded = (await log.patients(one, 1))[0]
        await log.fill(folded, events=FOLDED)
        for _ in range(RUNS):
            for writers in COUNTS:
                for name, logs in (("one", one), ("many", many)):
                    tick(f"appending, ours, {writers} writers, {name}")
                    patients = await log.patients(logs, writers)
                    rates[f"{name}_{writers}"].append(await log.append_rate(patients, seconds=SECONDS))
            _measure_theirs(both, rates, tick)
            tick("folding")
            rates["fold"].append(await log.fold_rate(folded, events=FOLDED))
    _add_appends(figures, rates)
    _add_folds(figures, rates)


def _measure_theirs(both: Both, rates: Rates, tick: Callable[[str], None]) -> None:
    data = as_plain(session())
    with theirs.opened(both.theirs, functions=False) as application:
        for writers in COUNTS:
            tick(f"appending, eventsourcing, {writers} writers")
            rates[f"theirs_{writers}"].append(
                theirs.append_rate(application, data, writers=writers, seconds=SECONDS)
            )
        patient = theirs.stored_patient(application, data, events=FOLDED)
        rates["theirs_fold"].append(theirs.fold_rate(application, patient, events=FOLDED))
    with theirs.opened(both.theirs, functions=True) as application:
        for writers in (32, WRITERS):
            tick(f"appending, eventsourcing by its function, {writers} writers")
            rates[f"functions_{writers}"].append(
                theirs.append_rate(application, data, writers=writers, seconds=SECONDS)
            )


def _add_appends(figures: Figures, rates: Rates) -> None:
    for writers in COUNTS:
        named = f"{writers}_writer{'' if writers == 1 else 's'}"
        base = rates[f"theirs_{writers}"]
        figures.add(
            _ratio(f"append_ratio_{named}", rates[f"one_{writers}"], base, AIMS.get(writers, ""), "one log")
        )
        figures.add(
            _ratio(f"append_ratio_{named}_many_logs", rates[f"many_{writers}"], base, "", f"{LOGS} logs")
        )
        if functions := rates.get(f"functions_{writers}"):
            note = "against its insert by a function of the database"
            figures.add(
                _ratio(f"append_ratio_{named}_functions", rates[f"one_{writers}"], functions, "", note)
            )
        for name, what in (
            ("one", "ours, one log: group commit, encoded and encrypted"),
            ("theirs", "eventsourcing: a commit for each event, not encrypted"),
        ):
            side = "heelrise" if name == "one" else "eventsourcing"
            figures.add(
                Figure(f"append_{side}_{named}", "events/s", tuple(rates[f"{name}_{writers}"]), "", what)
            )


def _add_folds(figures: Figures, rates: Rates) -> None:
    note = "reading from the database, decoding, folding; ours opens each entry besides"
    figures.add(_ratio("fold_ratio", rates["fold"], rates["theirs_fold"], "3", note))
    figures.add(Figure("fold_heelrise", "events/s", tuple(rates["fold"])))
    figures.add(Figure("fold_eventsourcing", "events/s", tuple(rates["theirs_fold"])))


def _ratio(name: str, mine: list[float], base: list[float], aim: str, note: str) -> Figure:
    """Run by run: both parties of a run met the same minute."""
    return Figure(name, "times", tuple(a / b for a, b in zip(mine, base, strict=True)), aim, note)
