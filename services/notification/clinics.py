"""What notification needs of the registry besides the clinics themselves."""

from typing import NamedTuple

from libs.eventlog.clinics import ClinicDirectory
from libs.eventlog.port import Clinic, EventLog
from libs.events.registry import ClinicCreated
from libs.kernel.ids import REGISTRY, StreamId


class Alerted(NamedTuple):
    """Where a clinic's alerts go, and in which language."""

    address: str | None
    language: str


class AlertedClinics(ClinicDirectory):
    """Clinics with their addresses for alerts."""

    def __init__(self, log: EventLog) -> None:
        super().__init__(log)
        self._registry = log

    async def alerts_to(self, clinic: Clinic) -> Alerted:
        """The address and language for alerts as the registry says now."""
        entries = await self._registry.read_streams(REGISTRY, [StreamId(f"clinic-{clinic.id}")])
        found = [each.event for each in entries if isinstance(each.event, ClinicCreated)]
        return Alerted(found[-1].alerts_to, found[-1].language) if found else Alerted(None, "en")
