"""What was said of flags in a case, and stories that tests of several flags begin with."""

from libs.events.flags import FlagEnded, FlagRaised
from libs.rehab.days import local_day
from libs.rehab.raised import open_flag
from tests.support.rehab import FIRST_DAY, LEFT, ZONE, Case, enrolled, placed


def raisings(case: Case, flag: str, programme: str = LEFT) -> list[tuple[int, FlagRaised]]:
    """Day of the story and decision, for each time that a flag was raised."""
    return [
        ((local_day(each.occurred_at, ZONE) - FIRST_DAY).days, each.decision)
        for _, answers in case.answered
        for each in answers
        if isinstance(each.decision, FlagRaised)
        and (each.decision.flag, each.decision.programme) == (flag, programme)
    ]


def endings(case: Case, flag: str, programme: str = LEFT) -> list[tuple[int, str]]:
    """Day of the story and why, for each time that a flag ended."""
    return [
        ((local_day(each.occurred_at, ZONE) - FIRST_DAY).days, each.decision.why)
        for _, answers in case.answered
        for each in answers
        if isinstance(each.decision, FlagEnded)
        and (each.decision.flag, each.decision.programme) == (flag, programme)
    ]


def days_of(case: Case, flag: str, programme: str = LEFT) -> list[int]:
    """The days on which a flag was raised."""
    return [day for day, _ in raisings(case, flag, programme)]


def is_open(case: Case, flag: str) -> bool:
    """Whether the left programme's flag is open."""
    return open_flag(case.left.flags, flag) is not None


def in_stage(stage: int, **fields: object) -> Case:
    """Somebody who was placed at a stage on day 0, left."""
    case = Case().given(enrolled(**fields))
    return case.given(placed(stage)) if stage > 1 else case
