"""What the registry says of clinics, kept in memory."""

from libs.eventlog.port import Clinic, EventLog
from libs.kernel.errors import NotFoundError
from libs.kernel.ids import ClinicId


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
            raise NotFoundError
        return self._known[slug]
