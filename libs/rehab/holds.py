"""Opens holds and lowers loading: what several rules do."""

from collections.abc import Iterable

from libs.events.base import Criterion
from libs.events.decisions import HoldOpened, LoadingLowered
from libs.rehab.patient import Programme
from libs.rehab.sitting import Sitting
from libs.rehab.steps import withdraw_proposal


def hold_id(kind: str, sitting: Sitting, taken: Iterable[str]) -> str:
    """Id of a hold or flare that opens now; unique within the programme and kind."""
    first = f"{kind}-{sitting.now:%Y%m%dT%H%M%SZ}"
    count = sum(each == first or each.startswith(f"{first}-") for each in taken)
    return f"{first}-{count + 1}" if count else first


def open_hold(
    sitting: Sitting,
    programme: Programme,
    kind: str,
    rule: str,
    ends_with: str,
    *,
    criteria: tuple[Criterion, ...] = (),
) -> bool:
    """Open a hold of a kind, unless one is open; whatever was proposed is withdrawn.

    Returns: whether it was opened.
    """
    programme = sitting.programme(programme)
    new = not any(each.kind == kind for each in programme.open_holds)
    if new:
        sitting.say(
            HoldOpened,
            rule,
            programme,
            criteria=criteria,
            evidence=sitting.told,
            hold=hold_id(kind, sitting, [each.id for each in programme.holds]),
            kind=kind,
            ends_with=ends_with,
        )
    withdraw_proposal(sitting, programme, f"{kind}_hold")
    return new


def lower_loading(sitting: Sitting, programme: Programme, rule: str, evidence: tuple[int, ...]) -> None:
    """Back to holds for now; the stage stays."""
    programme = sitting.programme(programme)
    if programme.loading > 1:
        sitting.say(
            LoadingLowered,
            rule,
            programme,
            evidence=evidence,
            stage=programme.stage,
            from_loading=programme.loading,
            to_loading=1,
        )
