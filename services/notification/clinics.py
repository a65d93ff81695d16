"""What the registry says of clinics, kept in memory."""

from libs.eventlog.port import Clinic, EventLog
from libs.events.registry import ClinicCreated
from libs.kernel.errors import NotFoundError
from libs.kernel.ids import REGISTRY, ClinicId, StreamId


class ClinicDirectory:
    """Clinics by slug. A clinic that is not known yet is looked up; none is ever renamed."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._known: dict[ClinicId, Clinic] = {}

    async def of(self, slug: ClinicId) -> Clinic:
        """The clinic of a slug. Raises: NotFoundError."""
        if slug not in self._known:
            self._known = {each.slug: each for each in await self._log.clinics()}
        if slug not in self._known:
            raise NotFoundError("no clinic of that name")
        return self._known[slug]

    async def alerts_to(self, clinic: Clinic) -> str | None:
        """The address for alerts as the registry says now."""
        entries = await self._log.read_streams(REGISTRY, [StreamId(f"clinic-{clinic.id}")])
        found = [each.event.alerts_to for each in entries if isinstance(each.event, ClinicCreated)]
        return found[-1] if found else None
