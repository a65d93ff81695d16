"""Where the engine finds protocols: those that are shipped, else the public blob that an input names."""

import logging
from collections.abc import Iterable

from pydantic import ValidationError

from libs.eventlog.port import EventLog
from libs.kernel.ids import REGISTRY, LogId
from libs.rehab.protocol import ProtocolUnknownError, RehabProtocol, canonical_bytes, content_hash
from libs.rehab.protocol.load import find_shipped

_log = logging.getLogger(__name__)


class ProtocolShelf:
    """Protocols by content hash; what was read once stays, since a hash names the same bytes for ever."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._known: dict[str, RehabProtocol] = {}

    def get(self, content: str) -> RehabProtocol:
        """The protocol of that hash. Raises: ProtocolUnknownError; then its patient has to wait."""
        found = self._known.get(content) or find_shipped(content)
        if found is None:
            raise ProtocolUnknownError(detail=f"no protocol has the hash {content}")
        return found

    async def fetch(self, log: LogId, wanted: Iterable[str]) -> None:
        """Read those that are not here from the log's blobs; what is missing or broken stays unknown."""
        for content in sorted(set(wanted) - self._known.keys()):
            if find_shipped(content) is not None:
                continue
            blob = await self._log.read_blob(log, content, key=None)
            protocol = None if blob is None else _read(blob)
            if protocol is None or content_hash(protocol) != content:
                _log.error("a protocol is missing or broken", extra={"log": log, "hash": content})
            else:
                self._known[content] = protocol


async def bytes_of(log: EventLog, content: str) -> bytes:
    """The canonical bytes of a protocol that is published or shipped. Raises: ProtocolUnknownError."""
    published = await log.read_blob(REGISTRY, content, key=None)
    if published is not None:
        return published
    shipped = find_shipped(content)
    if shipped is None:
        raise ProtocolUnknownError(detail=f"no protocol has the hash {content}")
    return canonical_bytes(shipped)


def _read(blob: bytes) -> RehabProtocol | None:
    try:
        return RehabProtocol.model_validate_json(blob)
    except ValidationError:
        return None


__all__ = ["ProtocolShelf", "ProtocolUnknownError", "bytes_of"]
