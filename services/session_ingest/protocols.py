"""Which protocol version a clinic's new programmes take, and its bytes."""

from libs.eventlog.port import EventLog
from libs.eventlog.protocols import ProtocolRegistry, recalled_error
from libs.events.base import ProtocolRef
from libs.kernel.errors import ConflictError, FieldError, InvalidError
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

    async def of(
        self, clinic: ClinicId, wanted: str | None = None
    ) -> tuple[ProtocolRef, ConflictError | None]:
        """The version, and why nobody starts on it where that is so. `wanted` names another one.

        Raises: NotFoundError, InvalidError.
        """
        created = await self._known.created(clinic)
        if wanted is not None:
            return await self.named(wanted)
        await self._registry.refresh()
        taken = self._registry.adopted(clinic) or created.protocol
        recall = self._registry.recall_of(taken.hash)
        return taken, None if recall is None else recalled_error(recall)

    async def named(self, wanted: str) -> tuple[ProtocolRef, ConflictError | None]:
        """The same of that id, `silbernagel` or `silbernagel@1.0.0`: the newest that can be taken.

        Raises: InvalidError.
        """
        await self._registry.refresh()
        name, _, version = wanted.partition("@")
        known = [each for each in self._registry.versions() if each.protocol.id == name]
        if version:
            known = [each for each in known if each.protocol.version == version]
        if not known:
            ids = sorted({each.protocol.id for each in self._registry.versions()})
            unknown = FieldError("/protocol", f"there is no protocol {wanted}", f"one of {', '.join(ids)}")
            raise InvalidError(f"there is no protocol {wanted}: there are {', '.join(ids)}", (unknown,))
        taken = next((each for each in reversed(known) if each.usable), known[-1]).protocol
        try:
            return self._registry.usable(taken.id, taken.version).protocol, None
        except ConflictError as barred:
            return taken, barred

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
