"""Which protocols the engine has to have at hand for a patient."""

from libs.events.versions import ProgrammeMigrated
from libs.rehab.protocol import ShippedProtocols, default_ref
from services.progression_engine.domain import protocols_of
from tests.support.rehab import LEFT, Case, Telling, at, enrolled, good_days, ruled
from tests.support.versions import a_version

NEWER = a_version("1.1.0")


def test_of_a_moved_programme_the_version_of_its_advances_is_needed_too() -> None:
    case = Case(ShippedProtocols({NEWER.hash: NEWER})).given(enrolled(), good_days(0, 8))
    assert case.left.stage == 2
    moved = ProgrammeMigrated(to_protocol=NEWER.ref, programme=LEFT, **ruled(at(10)))

    case.given(Telling(moved, at(10)))

    assert protocols_of(case.state) == {NEWER.hash, default_ref().hash}
