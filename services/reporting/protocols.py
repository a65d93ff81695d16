"""Protocols by content hash: the shipped one, and those that lie in a clinic's log as public blobs."""

from collections.abc import Iterable

from libs.eventlog.port import EventLog
from libs.events.base import ProtocolRef
from libs.kernel.ids import LogId
from libs.rehab.protocol import ProtocolUnknownError, RehabProtocol, ShippedProtocols, load_default


class ProtocolStore:
    """Finds protocols; what was found once is kept. `load` reads, `get` finds what was read."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._found: dict[str, RehabProtocol] = {}
        self._shipped = ShippedProtocols()

    async def load(self, log: LogId, hashes: Iterable[str]) -> None:
        """Read the protocols of these hashes, where they are not at hand.

        Raises: ProtocolUnknownError.
        """
        for content in hashes:
            if content not in self._found:
                self._found[content] = await self._read(log, content)

    def get(self, content: str, /) -> RehabProtocol:
        """The protocol of a hash. Raises: ProtocolUnknownError."""
        if content in self._found:
            return self._found[content]
        return self._shipped.get(content)

    def of(self, reference: ProtocolRef | None) -> RehabProtocol:
        """The protocol that a decision names. One about the patient names none: the shipped one's words."""
        return load_default() if reference is None else self.get(reference.hash)

    async def _read(self, log: LogId, content: str) -> RehabProtocol:
        try:
            return self._shipped.get(content)
        except ProtocolUnknownError:
            blob = await self._log.read_blob(log, content, key=None)
        if blob is None:
            raise ProtocolUnknownError(detail=f"no protocol has the hash {content}")
        return RehabProtocol.model_validate_json(blob)
