"""The subjects and headers of LOG.md, "On the bus"."""

from typing import Final

from libs.bus.port import Outgoing
from libs.events.envelope import shard_of
from libs.kernel.ids import LogId, StreamId, category_of

STREAM: Final = "HEELRISE"
ROOT: Final = "hr"
HINT: Final = "hint.appended"
"""Core subject: its body names the logs that were appended to, one a line."""
HEADER_LOG: Final = "Heelrise-Log"
HEADER_POSITION: Final = "Heelrise-Position"
HEADER_VERSION: Final = "Heelrise-Version"
HEADER_ID: Final = "Nats-Msg-Id"
KEPT_S: Final = 72 * 3600


def subject_of_entry(log: LogId, stream: StreamId, type_: str) -> str:
    """`hr.<shard>.<category>.<what>` of an entry; the shard in two digits."""
    what = type_.split(".")[1]
    return f"{ROOT}.{shard_of(log)}.{category_of(stream)}.{what}"


def subjects_of_categories(categories: frozenset[str] | None) -> tuple[str, ...]:
    """What a consumer of these categories filters by; None is everything."""
    if categories is None:
        return (f"{ROOT}.>",)
    return tuple(f"{ROOT}.*.{each}.*" for each in sorted(categories))


def message_id(log: LogId, position: int) -> str:
    """The id by which JetStream drops what it has already: a courtesy, for two minutes."""
    return f"{log}:{position}"


def message(
    *, log: LogId, position: int, stream: StreamId, version: int, type_: str, body: bytes
) -> Outgoing:
    """An entry as a message: its bytes as recorded, and where it stands."""
    headers = {
        HEADER_LOG: log,
        HEADER_POSITION: str(position),
        HEADER_VERSION: str(version),
        HEADER_ID: message_id(log, position),
    }
    return Outgoing(subject_of_entry(log, stream, type_), headers, body)
