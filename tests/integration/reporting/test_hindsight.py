"""Whether a decision would differ now, as it is read: nothing recorded changes."""

import msgspec

from libs.events.facts import FactCorrected
from tests.integration.progression_engine.world import check_in, days_ago, enrolled, session, told
from tests.integration.reporting.house import House
from tests.integration.reporting.reader import Reader


async def test_a_decision_that_a_correction_would_change_says_so(house: House, reader: Reader) -> None:
    at, morning, now = days_ago(2), days_ago(1.4), days_ago(0.1)
    patient = await house.patient((at, enrolled(at)), (at, session(at)), (morning, check_in(morning)))
    await house.decide()
    before = await reader.read(f"patients/{patient}/inputs/3/decisions")
    assert [each["would_differ_now"] for each in before["decisions"]] == [None] * len(before["decisions"])
    assert before["would_be_made_now"] == []

    painful = session(at, pain="6")
    corrected = FactCorrected(
        **told(now),  # type: ignore[arg-type]
        target=3,
        why="mistyped",
        replacement_type=type(painful).TYPE,
        replacement=msgspec.to_builtins(painful),
    )
    await house.tell(patient, (now, corrected))
    await house.decide()
    after = await reader.read(f"patients/{patient}/inputs/3/decisions")

    weighed = next(each for each in after["decisions"] if each["type"] == "heelrise.session_weighed.v1")
    differs = weighed["would_differ_now"]
    assert differs["how"] == "differs"
    assert differs["text"].startswith("This decision would differ now: ")
    assert "within_limit" in differs["fields"]
    assert differs["instead"]["type"] == "heelrise.session_weighed.v1"
    assert differs["because"] == [5]
    assert any(each["type"] == "heelrise.load_reduced.v1" for each in after["would_be_made_now"])
    kept = [{**each, "would_differ_now": None} for each in after["decisions"]]
    assert kept == before["decisions"]
    assert weighed["effective_at"] < weighed["recorded_at"]
