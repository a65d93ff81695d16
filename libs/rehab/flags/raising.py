"""Raises and ends flags; the rules say when."""

from libs.events.base import Criterion
from libs.events.flags import FlagEnded, FlagRaised
from libs.rehab.patient import Programme
from libs.rehab.raised import newest, open_flag, told_within
from libs.rehab.sitting import Sitting


def raise_flag(
    sitting: Sitting,
    programme: Programme,
    flag: str,
    *,
    rule: str,
    evidence: tuple[int, ...],
    criteria: tuple[Criterion, ...] = (),
    **fields: object,
) -> bool:
    """Raise a flag. One that is open is said once more where the patient wasn't told of it for 7 days.

    `rule` is the flag's own row (`F3`); `fields` are those of `FlagRaised`: urgent, exercises, without, and
    `announced=False` where the patient hears of the same thing otherwise.
    Returns: whether it was raised.
    """
    programme = sitting.programme(programme)
    before = newest(programme.flags, flag)
    days = sitting.protocol(programme).whole("flags.announce_days")
    told = told_within(before, sitting.today(programme), days, programme.zone)
    again = before is not None and before.open
    quiet = bool(sitting.state.suspended) or programme.awaiting  # "stop loading" is all there is to hear
    if again and (told or quiet):
        return False
    sitting.say(
        FlagRaised,
        rule,
        programme,
        criteria=criteria,
        evidence=tuple(sorted(set(evidence))),
        flag=flag,
        stage=programme.stage,
        again=again,
        **{"announced": not told and not quiet, **fields},
    )
    return True


def end_flag(
    sitting: Sitting,
    programme: Programme,
    flag: str,
    *,
    rule: str,
    why: str,
    evidence: tuple[int, ...] = (),
    by: str | None = None,
) -> bool:
    """End a flag that is open. Returns: whether it was."""
    programme = sitting.programme(programme)
    if open_flag(programme.flags, flag) is None:
        return False
    sitting.say(FlagEnded, rule, programme, evidence=tuple(sorted(set(evidence))), flag=flag, why=why, by=by)
    return True
