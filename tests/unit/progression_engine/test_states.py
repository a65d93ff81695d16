"""The folds that an engine keeps."""

from libs.kernel.ids import LogId, PatientId
from services.progression_engine.domain import begin
from services.progression_engine.states import States

LOG, HILL = LogId("harbour-c-1"), LogId("hill-c-1")
ANNA, BEN, CARL = PatientId("a"), PatientId("b"), PatientId("c")


def test_the_newest_used_folds_stay() -> None:
    states = States(2)
    states.keep(LOG, {ANNA: begin(LOG, ANNA), BEN: begin(LOG, BEN)})
    assert states.get(LOG, ANNA) is not None
    states.keep(LOG, {CARL: begin(LOG, CARL)})
    assert states.get(LOG, BEN) is None
    assert states.get(LOG, ANNA) is not None
    assert states.get(LOG, CARL) is not None


def test_the_same_patient_in_another_log_is_somebody_else() -> None:
    states = States()
    states.keep(LOG, {ANNA: begin(LOG, ANNA)})
    assert states.get(HILL, ANNA) is None


def test_a_fold_that_was_overtaken_is_dropped() -> None:
    states = States()
    states.keep(LOG, {ANNA: begin(LOG, ANNA), BEN: begin(LOG, BEN)})
    states.drop(LOG, [ANNA])
    assert states.get(LOG, ANNA) is None
    assert states.get(LOG, BEN) is not None
