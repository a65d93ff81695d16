"""Rows of well tolerated sessions, by which flares and some holds end."""

from datetime import datetime, timedelta

from libs.rehab.chart import Chart, Reading


def row_since(chart: Chart, began: datetime, count: int) -> tuple[Reading, ...] | None:
    """The last so many sessions since an instant, where they are a row of valid, well tolerated ones.

    Whatever is known to be wrong breaks the row; an open next day is left out.
    """
    first = chart.today - timedelta(days=chart.protocol.whole("P6.coverage_days") - 1)
    row: list[Reading] = []
    for fact in chart.newest((began, 0)):
        each = chart.reading(fact)
        if each.wrong:
            return None
        if not each.assessed.valid or each.open:
            continue
        if each.next_day is None and chart.forgiving and chart.day(fact) >= first:
            continue
        if each.tolerated != "met":
            return None
        row.append(each)
        if len(row) == count:
            return tuple(row)
    return None
