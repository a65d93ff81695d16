"""Protocols by content hash: the shipped one, and those that lie in a clinic's log as public blobs."""

from libs.eventlog.port import EventLog
from libs.kernel.ids import LogId
from libs.rehab.protocol import RehabProtocol, ShippedProtocols
from libs.rehab.protocol.load import ProtocolUnknownError


class ProtocolStore:
    """Finds protocols; what was found once is kept."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._found: dict[str, RehabProtocol] = {}
        self._shipped = ShippedProtocols()

    async def get(self, log: LogId, content: str) -> RehabProtocol:
        """The protocol of a hash.

        Raises: ProtocolUnknownError.
        """
        if content not in self._found:
            self._found[content] = await self._read(log, content)
        return self._found[content]

    async def _read(self, log: LogId, content: str) -> RehabProtocol:
        try:
            return self._shipped.get(content)
        except ProtocolUnknownError:
            blob = await self._log.read_blob(log, content, key=None)
        if blob is None:
            raise ProtocolUnknownError(detail=f"no protocol has the hash {content}")
        return RehabProtocol.model_validate_json(blob)
