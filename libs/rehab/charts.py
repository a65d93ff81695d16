"""Charts are made once: the same programme at the same instant, over the same history, has the same chart."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import TypeVar

from libs.rehab.chart import Chart
from libs.rehab.patient import Patient, Programme
from libs.rehab.protocol import RehabProtocol

T = TypeVar("T")


def chart_at(state: Patient, programme: Programme, protocol: RehabProtocol, now: datetime) -> Chart:
    """The programme's chart at an instant: the last one, where nothing that it rests on is another."""
    last: Chart | None = programme.memo.known.get("chart")
    if (
        last is not None
        and last.programme is programme
        and last.state.history is state.history
        and last.state.suspended == state.suspended
        and last.protocol is protocol
        and last.now == now
    ):
        return last
    chart = programme.memo.known["chart"] = Chart(state, programme, protocol, now)
    return chart


def once(work: Callable[[Chart], T]) -> Callable[[Chart], T]:
    """Of each chart it is worked out once."""

    @wraps(work)
    def known(chart: Chart) -> T:
        if work not in chart.worked_out:
            chart.worked_out[work] = work(chart)
        found: T = chart.worked_out[work]
        return found

    return known
