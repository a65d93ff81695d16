"""Every event type: its struct, who may append it where, and whether its data is clear.

The database's table of types is filled from here; the append function checks all of it.
"""

from dataclasses import dataclass
from typing import Final, Literal

from libs.events.accesses import ACCESSES
from libs.events.base import Event
from libs.events.care import CARE
from libs.events.decisions import DECISIONS
from libs.events.deliveries import DELIVERIES, DeliveryIntended
from libs.events.facts import FACTS
from libs.events.lifecycle import LIFECYCLE
from libs.events.registry import PROTOCOL_EVENTS, REGISTRY_EVENTS, StaffRegistered
from libs.events.rulings import RULINGS
from libs.events.versions import VERSION_RULINGS

LogKind = Literal["c", "a", "r"]
Category = Literal["patient", "judgement", "delivery", "access", "clinic", "staff", "client", "protocol"]
Owner = Literal["session-ingest", "progression-engine", "notification", "reporting", "log-keeper"]

ROLES: Final[dict[Owner, str]] = {
    "session-ingest": "heelrise_ingest",
    "progression-engine": "heelrise_engine",
    "notification": "heelrise_notification",
    "reporting": "heelrise_reporting",
    "log-keeper": "heelrise_keeper",
}
"""Owner → its database role."""


@dataclass(frozen=True)
class EventType:
    """One row of the catalogue."""

    model: type[Event]
    owner: Owner
    kind: LogKind
    category: Category
    clear: bool = False

    @property
    def name(self) -> str:
        """The type as it stands in the envelope."""
        return self.model.TYPE

    @property
    def source(self) -> str:
        """The envelope's `source`."""
        return f"/{self.owner}"


def _category(model: type[Event]) -> Category:
    """Of the registry."""
    if model in PROTOCOL_EVENTS:
        return "protocol"
    return "staff" if model is StaffRegistered else "clinic"


def _types() -> tuple[EventType, ...]:
    registry = (
        EventType(
            model,
            "progression-engine" if model in PROTOCOL_EVENTS else "session-ingest",
            "r",
            _category(model),
            clear=model is not StaffRegistered,
        )
        for model in REGISTRY_EVENTS
    )
    return (
        *(EventType(model, "session-ingest", "c", "patient") for model in (*FACTS, *CARE)),
        *(EventType(model, "session-ingest", "c", "patient", clear=True) for model in LIFECYCLE),
        *(EventType(model, "progression-engine", "c", "patient") for model in (*RULINGS, *VERSION_RULINGS)),
        *(EventType(model, "progression-engine", "c", "judgement") for model in DECISIONS),
        *(
            EventType(model, "notification", "c", "delivery", clear=model is not DeliveryIntended)
            for model in DELIVERIES
        ),
        *(EventType(model, "reporting", "a", "access") for model in ACCESSES),
        *registry,
    )


CATALOGUE: Final[dict[str, EventType]] = {each.name: each for each in _types()}
"""Type → what is known of it."""
