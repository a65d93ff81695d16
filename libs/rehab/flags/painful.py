"""The flag of too much pain: sharp here, consistently over the limit where R1 says so (F3)."""

from typing import Any

from libs.events.facts import CheckpointTested, SessionLogged, TrialRecorded
from libs.rehab.chart import Chart
from libs.rehab.flags.found import Fault, FaultFlag, Place, Standing, made_good, told
from libs.rehab.patient import Fact
from libs.rehab.raised import Raised
from libs.rehab.sessions import Assessed


def _assessed(chart: Chart, fact: Fact[Any]) -> Assessed | None:
    """What a session, test or trial of this side was worth by itself."""
    event = fact.event
    if isinstance(event, SessionLogged):
        return chart.assessed(fact)
    if isinstance(event, CheckpointTested) and event.side == chart.programme.side:
        return chart.tested(fact)
    if isinstance(event, TrialRecorded) and event.side == chart.programme.side:
        return chart.trial(fact)
    return None


def _is_sharp(chart: Chart, fact: Fact[Any]) -> bool:
    seen = _assessed(chart, fact)
    return seen is not None and seen.sharp


def _too_much(chart: Chart, place: Place, raised: Raised | None) -> list[Fact[Any]]:
    """What was sharp; once the flag is up also what was over the limit. Newest first."""
    found: list[Fact[Any]] = []
    for facts in (chart.newest(place), chart.tests(), chart.trials()):
        for fact in facts:
            if fact.place <= place:
                break
            seen = _assessed(chart, fact)
            over = seen is not None and seen.within == "not_met" and raised is not None
            if over or (seen is not None and seen.sharp):
                found.append(fact)
    return sorted(found, key=lambda each: each.place, reverse=True)


def _painful(chart: Chart, place: Place, raised: Raised | None) -> Standing | None:
    """Sharp or over the limit since it was raised: the next 2 valid sessions have to be within the limit."""
    found = _too_much(chart, place, raised)
    if not found or (raised is not None and not _rests_on(chart, raised, found)):
        return None
    first = found[0]
    criteria = (told("F3.sharp", "sharp", inputs=(first.source,)),)
    newest = Fault(fact=first, criteria=criteria)
    return made_good(chart, "F3", newest, days=False, keep=lambda each: chart.assessed(each).within == "met")


def _rests_on(chart: Chart, raised: Raised, found: list[Fact[Any]]) -> bool:
    """Whether what raised it is still so: something sharp, or as many over the limit as R1 asks for."""
    told = set(raised.said.evidence)
    left = [each for each in found if told & {each.version, each.source} or each.at >= raised.at]
    sharp = any(_is_sharp(chart, each) for each in left)
    return sharp or len(left) >= chart.protocol.whole("R1.consistently")


PAINFUL = FaultFlag(flag="too_painful", rule="F3", is_fault=_is_sharp, standing=_painful)
