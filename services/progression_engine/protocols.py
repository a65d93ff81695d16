"""Where the engine finds protocols: those that are shipped, else the public blob that an enrolment names."""

import logging
from collections.abc import Iterable

from pydantic import ValidationError

from libs.eventlog.port import EventLog
from libs.kernel.ids import LogId
from libs.rehab.protocol import (
    ProtocolUnknownError,
    RehabProtocol,
    content_hash,
    load_default,
)

_log = logging.getLogger(__name__)


class ProtocolShelf:
    """Protocols by content hash; what was read once stays, since a hash names the same bytes for ever."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._known = {load_default().hash: load_default()}

    def get(self, content: str) -> RehabProtocol:
        """The protocol of that hash. Raises: ProtocolUnknownError; then its patient has to wait."""
        try:
            return self._known[content]
        except KeyError:
            raise ProtocolUnknownError(detail=f"no protocol has the hash {content}") from None

    async def fetch(self, log: LogId, wanted: Iterable[str]) -> None:
        """Read those that are not here from the log's blobs; what is missing or broken stays unknown."""
        for content in sorted(set(wanted) - self._known.keys()):
            blob = await self._log.read_blob(log, content, key=None)
            protocol = None if blob is None else _read(blob)
            if protocol is None or content_hash(protocol) != content:
                _log.error("a protocol is missing or broken", extra={"log": log, "hash": content})
            else:
                self._known[content] = protocol


def _read(blob: bytes) -> RehabProtocol | None:
    try:
        return RehabProtocol.model_validate_json(blob)
    except ValidationError:
        return None


__all__ = ["ProtocolShelf", "ProtocolUnknownError"]
