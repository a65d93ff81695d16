"""Figures with their runs: medians in a flat file, the raw ones beside them, and a table to read."""

import json
import platform
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psutil
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """One figure: what each run gave."""

    name: str
    unit: str
    runs: tuple[float, ...]
    aim: str = ""
    note: str = ""

    @property
    def value(self) -> float:
        """The median of the runs."""
        return median(self.runs)


@dataclass
class Figures:
    """All figures of one run of the bench, in the order they came."""

    kept: list[Figure] = field(default_factory=list)

    def add(self, figure: Figure) -> Figure:
        self.kept.append(figure)
        return figure

    def write(self, path: Path) -> None:
        """A flat object: each figure's median under its name, its runs under `<name>_runs`."""
        flat: dict[str, object] = {
            "machine_cpus": psutil.cpu_count(),
            "machine_python": platform.python_version(),
        }
        for each in self.kept:
            flat[each.name] = round(each.value, 4)
            flat[f"{each.name}_runs"] = [round(run, 4) for run in each.runs]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(flat, indent=2) + "\n", encoding="utf-8")

    def show(self, console: Console) -> None:
        table = Table("figure", "median", "unit", "runs", "aim", "note")
        for column in (1, 3):
            table.columns[column].justify = "right"
        for each in self.kept:
            runs = " ".join(_short(run) for run in each.runs)
            table.add_row(each.name, _short(each.value), each.unit, runs, each.aim, each.note)
        console.print(table)


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
