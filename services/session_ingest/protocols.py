"""Which protocol version a clinic's new programmes take, and its bytes."""

from libs.eventlog.port import EventLog
from libs.eventlog.protocols import ProtocolRegistry, Recall
from libs.events.base import ProtocolRef
from libs.kernel.errors import ConflictError
from libs.kernel.ids import REGISTRY, ClinicId, LogId
from libs.rehab.protocol import canonical_bytes
from libs.rehab.protocol.load import find_shipped, shipped_refs
from services.session_ingest.known import Known


class ProtocolMissingError(ConflictError):
    """The clinic's protocol version is not at hand."""

    code = "protocol-missing"
    title = "The clinic's protocol version is not at hand"


class TakenProtocols:
    """What clinics adopted, else what they began with; read anew at each enrolment."""

    def __init__(self, log: EventLog, known: Known) -> None:
        self._log = log
        self._known = known
        self._registry = ProtocolRegistry(log, shipped_refs())

    async def of(self, clinic: ClinicId) -> tuple[ProtocolRef, Recall | None]:
        """The version, and its recall where it was recalled. Raises: NotFoundError."""
        created = await self._known.created(clinic)
        await self._registry.refresh()
        taken = self._registry.adopted(clinic) or created.protocol
        return taken, self._registry.recall_of(taken.hash)

    async def content(self, log: LogId, wanted: ProtocolRef) -> bytes:
        """The version's bytes, for a clinic's log. Raises: ProtocolMissingError."""
        shipped = find_shipped(wanted.hash)
        if shipped is not None:
            return canonical_bytes(shipped)
        for place in (log, REGISTRY):
            content = await self._log.read_blob(place, wanted.hash, key=None)
            if content is not None:
                return content
        raise ProtocolMissingError(
            f"{wanted.id} {wanted.version}, which the clinic began with, is no longer shipped: "
            "adopt another version, `heelrise protocol adopt`"
        )
