"""Pictures of what came out, drawn by matplotlib (the extra `plots`) without a screen."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from libs.kernel.errors import UnavailableError
from services.cli.simulation.outcomes import Outcome
from services.cli.simulation.report import Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH: Final = 9.0
_COLOURS: Final = ("#0b6e8a", "#c8553d", "#588b3a", "#7a4fa3", "#8a6d0b", "#555555")
_MOST_KINDS: Final = 12


class NoPlotsError(UnavailableError):
    """matplotlib is not installed."""

    code = "no-plots"
    title = "Plots cannot be drawn"


def draw(folder: Path, outcomes: Sequence[Outcome], found: Sequence[Summary], weeks: int) -> list[Path]:
    """Write the pictures into a folder, each as SVG and PNG; their paths.

    Raises: NoPlotsError.
    """
    try:
        import matplotlib as mpl
    except ModuleNotFoundError:
        raise NoPlotsError(detail="install the extra: pip install 'heelrise[plots]'") from None
    mpl.use("agg")
    mpl.rcParams.update({"svg.hashsalt": "heelrise", "font.size": 10, "axes.spines.top": False})
    mpl.rcParams.update({"axes.spines.right": False, "figure.constrained_layout.use": True})
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {
        "checkpoint": _checkpoint(outcomes, found, weeks),
        "stages": _stages(outcomes, found, weeks),
        "troubles": _troubles(found),
    }
    return [path for name, figure in pictures.items() for path in _save(figure, folder / name)]


def _save(figure: "Figure", stem: Path) -> list[Path]:
    written = []
    for suffix in ("svg", "png"):
        path = stem.with_suffix(f".{suffix}")
        # Without a date and a version in it the same seed gives the same bytes.
        metadata = {"Date": None} if suffix == "svg" else {"Software": None}
        figure.savefig(path, dpi=130, metadata=metadata)
        written.append(path)
    return written


def _figure(height: float, columns: int = 1) -> "tuple[Figure, list[Axes]]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height))
    axes = [figure.add_subplot(1, columns, place + 1) for place in range(columns)]
    return figure, axes


def _of(outcomes: Sequence[Outcome], protocol: str) -> list[Outcome]:
    return [each for each in outcomes if each.protocol == protocol]


def _checkpoint(outcomes: Sequence[Outcome], found: Sequence[Summary], weeks: int) -> "Figure":
    """Share of programmes that passed the checkpoint, week by week."""
    figure, (axes,) = _figure(4.8)
    for place, each in enumerate(found):
        passed = sorted(o.passed_on for o in _of(outcomes, each.protocol) if o.passed_on is not None)
        days = [0, *passed, weeks * 7]
        shares = [0.0, *(100 * (n + 1) / each.programmes for n in range(len(passed)))]
        shares.append(shares[-1])
        label = f"{each.protocol}: {each.passed:.0%}"
        if each.weeks_to_checkpoint is not None:
            label += f", median week {each.weeks_to_checkpoint.median:.1f}"
        axes.step([day / 7 for day in days], shares, where="post", color=_colour(place), label=label, lw=2)
    axes.set_xlim(0, weeks)
    axes.set_xticks(range(0, weeks + 1, max(1, weeks // 10)))
    axes.set_ylim(0, min(100, 10 + 110 * max((each.passed for each in found), default=0)))
    axes.set_xlabel("weeks since the enrolment")
    axes.set_ylabel("programmes that passed, %")
    axes.set_title(f"The checkpoint: who passed it, by when ({_who(found)})")
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left", frameon=False)
    return figure


def _stages(outcomes: Sequence[Outcome], found: Sequence[Summary], weeks: int) -> "Figure":
    """Share of programmes that ever reached each stage, and how long it took."""
    figure, (shares, times) = _figure(4.8, 2)
    width = 0.8 / max(1, len(found))
    for place, each in enumerate(found):
        offset = (place - (len(found) - 1) / 2) * width
        places = [stage + offset for stage in (2, 3, 4)]
        heights = [100 * each.reached[stage] for stage in (2, 3, 4)]
        bars = shares.bar(places, heights, width * 0.92, color=_colour(place), label=each.protocol)
        shares.bar_label(bars, [f"{height:.0f}" for height in heights], fontsize=8)
        mine = _of(outcomes, each.protocol)
        took = [[o.reached[s] / 7 for o in mine if s in o.reached] for s in (2, 3, 4)]
        boxes = times.boxplot(
            took,
            positions=places,
            widths=width * 0.8,
            patch_artist=True,
            showfliers=False,
            manage_ticks=False,
        )
        for box, median in zip(boxes["boxes"], boxes["medians"], strict=True):
            box.set(facecolor=_colour(place), alpha=0.75)
            median.set(color="black")
    for axes in (shares, times):
        axes.set_xticks([2, 3, 4], ["Stage 2", "Stage 3", "Stage 4"])
    shares.set_ylim(0, 108)
    shares.set_ylabel("programmes, %")
    shares.set_title("Ever reached")
    times.set_ylim(0, weeks)
    times.set_yticks(range(0, weeks + 1, max(1, weeks // 10)))
    times.set_ylabel("weeks since the enrolment")
    times.set_title("When, of those who did\n(box: quartiles; line: median)", fontsize=10)
    figure.suptitle(f"Stages ({_who(found)})")
    figure.legend(*shares.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    return figure


def _troubles(found: Sequence[Summary]) -> "Figure":
    """Flares, steps back, holds and flags, a programme."""
    rows: dict[str, list[float]] = {
        "flares": [each.flares for each in found],
        "steps back": [each.regressed for each in found],
    }
    for what in ("holds", "flags"):
        for kind in sorted({kind for each in found for kind in getattr(each, what)}):
            name = f"{what[:-1]}: {kind.replace('_', ' ')}"
            rows[name] = [getattr(each, what).get(kind, 0.0) for each in found]
    order = sorted(rows, key=lambda name: max(rows[name]), reverse=True)[:_MOST_KINDS]
    figure, (axes,) = _figure(1.6 + 0.16 * len(order) * (len(found) + 1))
    height = 0.8 / max(1, len(found))
    for place, each in enumerate(found):
        offset = (place - (len(found) - 1) / 2) * height
        places = [n + offset for n in range(len(order))]
        values = [rows[name][place] for name in order]
        bars = axes.barh(places, values, height * 0.9, color=_colour(place), label=each.protocol)
        axes.bar_label(bars, [f" {value:.2f}" for value in values], fontsize=7)
    axes.set_yticks(range(len(order)), order)
    axes.invert_yaxis()
    axes.set_xlabel("how many a programme, on average")
    axes.set_title(f"What stood in the way ({_who(found)})")
    axes.margins(x=0.08)
    axes.legend(loc="lower right", frameon=False)
    return figure


def _who(found: Sequence[Summary]) -> str:
    return f"{found[0].patients:,} simulated patients" if found else "nobody"


def _colour(place: int) -> str:
    return _COLOURS[place % len(_COLOURS)]
