"""What notification needs of the registry besides the clinics themselves."""

from libs.eventlog.clinics import ClinicDirectory
from libs.eventlog.port import Clinic, EventLog
from libs.events.registry import ClinicCreated
from libs.kernel.ids import REGISTRY, StreamId


class AlertedClinics(ClinicDirectory):
    """Clinics with their addresses for alerts."""

    def __init__(self, log: EventLog) -> None:
        super().__init__(log)
        self._registry = log

    async def alerts_to(self, clinic: Clinic) -> str | None:
        """The address for alerts as the registry says now."""
        entries = await self._registry.read_streams(REGISTRY, [StreamId(f"clinic-{clinic.id}")])
        found = [each.event.alerts_to for each in entries if isinstance(each.event, ClinicCreated)]
        return found[-1] if found else None
