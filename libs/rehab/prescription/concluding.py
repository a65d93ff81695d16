"""At the end of every place: the step for an insertional tendon, then the prescription."""

from libs.rehab.prescription.issuing import prescribe
from libs.rehab.prescription.surfaces import weigh_surface
from libs.rehab.sitting import Sitting


def prescribe_all(sitting: Sitting) -> None:
    """Issue each programme's next prescription, where something in it changes."""
    for programme in sitting.state.programmes:
        if programme.started:
            if programme.insertional or programme.on_step or programme.step_proposed:
                weigh_surface(sitting, programme)
            prescribe(sitting, programme)


def prescribe_after(sitting: Sitting, concluded: int) -> None:
    """The same after a deadline, for what it concluded something of."""
    said = {each.decision.programme for each in sitting.concluded[concluded:]}
    for programme in sitting.state.programmes:
        if programme.started and (None in said or programme.id in said):
            prescribe(sitting, programme)
