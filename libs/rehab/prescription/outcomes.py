"""How decisions on prescriptions change a programme. Bookkeeping only: what was decided is trusted."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from libs.events.base import Decision
from libs.events.prescriptions import (
    PrescriptionIssued,
    PrescriptionPlanned,
    StepSurfaceAllowed,
    StepSurfaceEnded,
    StepSurfaceProposed,
)
from libs.rehab.patient import Patient, Programme
from libs.rehab.prescription.standing import PrescribedDose, Standing, consumed, planned, remembered

_KEPT: Final = 20
"""Reductions that are remembered: one for a session that is weighed again is not carried out twice."""


def _issued(state: Patient, programme: Programme, decision: PrescriptionIssued, at: datetime) -> Programme:
    changed = replace(
        programme,
        prescription=Standing(decision, at, state.version),
        remembered=remembered(programme.remembered, decision.exercises),
        lightened=(*programme.lightened, *decision.lightened)[-_KEPT:],
        plan=consumed(programme.plan, decision.exercises),
    )
    doses = tuple(
        PrescribedDose(each.exercise, each.sets, each.reps, each.stands_for is not None)
        for each in decision.exercises
    )
    if not doses or doses == programme.phases[-1].prescribed:
        return changed
    return _phased(state, changed, at, prescribed=doses)


def _phased(state: Patient, programme: Programme, at: datetime, **fields: Any) -> Programme:  # noqa: ANN401
    """A phase from now on that differs from the last one by these fields."""
    phase = replace(programme.phases[-1], since=at, version=state.version, stepped_up=False, **fields)
    return replace(programme, phases=(*programme.phases, phase))


def _planned(
    _state: Patient, programme: Programme, decision: PrescriptionPlanned, _at: datetime
) -> Programme:
    return replace(programme, plan=planned(programme.plan, decision.exercises))


def _proposed(_state: Patient, programme: Programme, _decision: Decision, _at: datetime) -> Programme:
    return replace(programme, step_proposed=True)


def _allowed(state: Patient, programme: Programme, _decision: StepSurfaceAllowed, at: datetime) -> Programme:
    return _phased(state, replace(programme, on_step=True, step_proposed=False), at, on_step=True)


def _ended(state: Patient, programme: Programme, _decision: StepSurfaceEnded, at: datetime) -> Programme:
    changed = replace(programme, on_step=False, step_proposed=False)
    return _phased(state, changed, at, on_step=False) if programme.on_step else changed


OUTCOMES_OF_PRESCRIPTIONS: dict[type[Decision], Callable[[Patient, Programme, Any, datetime], Programme]] = {
    PrescriptionIssued: _issued,
    PrescriptionPlanned: _planned,
    StepSurfaceProposed: _proposed,
    StepSurfaceAllowed: _allowed,
    StepSurfaceEnded: _ended,
}
"""Decision type → the programme after it."""
