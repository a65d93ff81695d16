"""What a session, test or trial sets off by itself: sharp pain, the limit, a flare (P1-P3, P5)."""

from typing import Any

from libs.events.decisions import ClinicianAsked, LoadReduced, SessionWeighed
from libs.rehab.chart import Reading
from libs.rehab.charts import chart_at
from libs.rehab.holds import lower_loading, open_hold
from libs.rehab.patient import Fact, Programme, found
from libs.rehab.prescription.notes import noted
from libs.rehab.sessions import Assessed
from libs.rehab.setbacks import is_over, leave_stage_4, weigh_limit
from libs.rehab.sitting import Sitting


def weigh_loading(
    sitting: Sitting, programme: Programme, assessed: Assessed, kind: str, version: int
) -> None:
    """Record what it was worth, then what it sets off by itself."""
    reading = _reading(sitting, programme, version) if kind == "session" else None
    sitting.say(
        SessionWeighed,
        "P7" if kind == "session" else "P1",
        programme,
        evidence=(version,),
        session=version,
        kind=kind,
        valid=assessed.valid,
        within_limit=assessed.within,
        tolerated=reading.tolerated if reading else assessed.tolerated_on_the_day,
        eased=assessed.eased,
        sharp=assessed.sharp,
        invalid_because=assessed.because,
        notes=(*assessed.notes, *noted(programme, reading.fact)) if reading else assessed.notes,
    )
    _blocked(sitting, programme, assessed, version)
    if assessed.sharp:
        _sharp(sitting, programme, version)
    if is_over(assessed) and _stage_of(sitting, programme, kind, version) == 4:
        leave_stage_4(sitting, programme, "over_limit", (version,))
    _moved_in_flare(sitting, programme, assessed, version)
    lightened = weigh_limit(sitting, programme)
    if assessed.within == "not_met" and lightened != version:  # what R1 takes off is more, and not added
        percent = sitting.protocol(programme).whole("P1.lighter_percent")
        sitting.say(LoadReduced, "P1", programme, evidence=(version,), percent=percent, session=version)


_FIELDS = {"session": "sessions", "test": "tests", "trial": "trials"}


def _stage_of(sitting: Sitting, programme: Programme, kind: str, version: int) -> int:
    """The stage in which it was done; none where it isn't kept."""
    fact: Fact[Any] | None = found(getattr(sitting.state.history, _FIELDS[kind]), version)
    return programme.phase_at(fact.place).stage if fact is not None else 0


def _reading(sitting: Sitting, programme: Programme, version: int) -> Reading | None:
    chart = chart_at(sitting.state, programme, sitting.protocol(programme), sitting.now)
    for fact in chart.newest():
        if fact.version == version:
            return chart.reading(fact)
    return None


def _blocked(sitting: Sitting, programme: Programme, assessed: Assessed, version: int) -> None:
    """Loading while it was awaited or suspended is told to the clinician (T1, T3)."""
    for code, rule in (("suspended", "T3"), ("awaiting", "T1")):
        if code in assessed.because:
            sitting.say(
                ClinicianAsked,
                rule,
                programme,
                evidence=(version,),
                about=f"loading_while_{code}",
                same_day=code == "suspended",
            )


def _sharp(sitting: Sitting, programme: Programme, version: int) -> None:
    """P3: a hold that a clinician ends, back to holds, and the clinician hears the same day."""
    open_hold(sitting, programme, "sharp", "P3", "clinician")
    lower_loading(sitting, programme, "P3", (version,))
    sitting.say(ClinicianAsked, "P3", programme, evidence=(version,), about="sharp", same_day=True)


def _moved_in_flare(sitting: Sitting, programme: Programme, assessed: Assessed, version: int) -> None:
    """P5: while a flare is open, the next session with movement decides whether loading goes back."""
    programme = sitting.programme(programme)
    if programme.open_flares and assessed.dynamic and assessed.tolerated_on_the_day != "met":
        lower_loading(sitting, programme, "P5", (version,))
