"""Open flags as reporting shows them: in the reader's words, with the decision that raised each."""

import pytest

from libs.events.flags import FlagEnded, FlagRaised
from libs.rehab.protocol import ShippedProtocols
from libs.rehab.view import way
from services.reporting.domain.flags import flag_views
from services.reporting.domain.whole import weight_of
from tests.unit.reporting.test_record import LEFT, begun, check_in

PROTOCOLS = ShippedProtocols()
RAISED = FlagRaised(judge=1, rule="F8", programme=LEFT, flag="rolling_the_tendon", evidence=(2,))
ENDED = FlagEnded(judge=1, rule="F8", programme=LEFT, flag="rolling_the_tendon", why="cleared")


@pytest.mark.rule("F8")
@pytest.mark.parametrize(
    ("audience", "words"), [("patient", "A tendon is no muscle"), ("clinician", "Flag, foam")]
)
def test_an_open_flag_is_said_in_the_words_for_its_reader(audience: str, words: str) -> None:
    whole = begun().tell(check_in()).answer(RAISED).whole
    shown = way(whole.record.state, PROTOCOLS).programmes[0].flags

    (view,) = flag_views(whole, LEFT, shown, audience)  # type: ignore[arg-type]

    assert view.sentence.startswith(words)
    assert (view.flag, view.rule, view.evidence, view.basis) == ("rolling_the_tendon", "F8", (2,), "seed")
    assert view.decision == whole.answers[3][0].id


@pytest.mark.rule("F8")
def test_what_is_over_is_not_shown() -> None:
    whole = begun().tell(check_in()).answer(RAISED).tell(check_in()).answer(ENDED).whole

    assert way(whole.record.state, PROTOCOLS).programmes[0].flags == ()


def test_a_flag_waits_for_somebody_and_its_end_leads_on() -> None:
    whole = begun().tell(check_in()).answer(RAISED).tell(check_in()).answer(ENDED).whole

    assert [weight_of(whole.answers[version][0]) for version in (3, 4)] == ["wait", "up"]
