"""Facts as virtual patients and their clinics tell them: numbers as somebody would type them."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from libs.events.base import LocalTime

PATIENT: Final = "patient:simulated"
CLINICIAN: Final = "clinician:simulated"
_HALF: Final = Decimal("0.5")
_STEP: Final = Decimal("1.25")


def told(at: datetime, zone: str, by: str = PATIENT, **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    """What every fact says of its telling."""
    return {
        "local": LocalTime(at=at.isoformat(), zone=zone),
        "reported_by": by,
        "recorded_by": by,
        "channel": "api",
        **fields,
    }


def ruled(at: datetime, zone: str, reason: str) -> dict[str, Any]:
    """What every ruling says."""
    return {"ruled_by": CLINICIAN, "reason": reason, "local": LocalTime(at=at.isoformat(), zone=zone)}


def pain(felt: float) -> Decimal:
    """A pain as it is told: 0 to 10 in half points."""
    return min(Decimal(10), max(Decimal(0), Decimal(round(felt * 2)) * _HALF))


def kilograms(load: float) -> Decimal:
    """A load that can be picked up, the next step down: steps of 1.25 kg."""
    return max(Decimal(0), Decimal(int(load / 1.25 + 1e-9)) * _STEP)
