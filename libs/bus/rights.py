"""What each NATS user may publish and subscribe to: written into the server's configuration."""

from dataclasses import dataclass
from typing import Final

from libs.bus.subjects import HINT, ROOT, STREAM


@dataclass(frozen=True)
class Rights:
    """Subjects, with NATS wildcards. Everything else is refused."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


def _reader(user: str) -> Rights:
    """A service: hints after its appends, and its own durable consumer."""
    return Rights(
        publish=(
            HINT,
            f"$JS.API.STREAM.INFO.{STREAM}",
            f"$JS.API.CONSUMER.CREATE.{STREAM}.{user}",
            f"$JS.API.CONSUMER.CREATE.{STREAM}.{user}.>",
            f"$JS.API.CONSUMER.INFO.{STREAM}.{user}",
            f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{user}",
            f"$JS.ACK.{STREAM}.{user}.>",
        ),
        subscribe=(f"_INBOX_{user}.>",),
    )


USERS: Final[dict[str, Rights]] = {
    "ingest": Rights(publish=(HINT,), subscribe=("_INBOX_ingest.>", f"{ROOT}.>")),
    "engine": _reader("engine"),
    "notification": _reader("notification"),
    "reporting": _reader("reporting"),
    "keeper": Rights(
        publish=(f"{ROOT}.>", *(f"$JS.API.STREAM.{what}.{STREAM}" for what in ("INFO", "CREATE", "UPDATE"))),
        subscribe=(HINT, "_INBOX_keeper.>"),
    ),
    "operator": Rights(
        publish=(
            f"$JS.API.STREAM.INFO.{STREAM}",
            f"$JS.API.CONSUMER.LIST.{STREAM}",
            f"$JS.API.CONSUMER.NAMES.{STREAM}",
            f"$JS.API.CONSUMER.INFO.{STREAM}.*",
        ),
        subscribe=("_INBOX_operator.>",),
    ),
}
"""User → rights. A consumer's name is its user's. The record needs none of this: NATS holds no truth."""
