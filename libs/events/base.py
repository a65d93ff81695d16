"""What every event is made of. An event's `data` is this struct; all else is the envelope's."""

from decimal import Decimal
from typing import ClassVar, Literal

import msgspec

from libs.kernel.ids import ProgrammeId

Side = Literal["left", "right"]
Sides = Literal["left", "right", "both"]
Presentation = Literal["mid_portion", "insertional", "both", "unsure"]
Stage = Literal[1, 2, 3, 4]


# `gc=False`: they hold values only, so they are part of no cycle, and a fold makes a hundred of each session.
class Part(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, gc=False
):
    """A part of an event's data. Absent rather than null; decimals are strings in JSON."""


class Event(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, gc=False
):
    """The data of a recorded event. `TYPE` is stable and independent of the class's name."""

    TYPE: ClassVar[str]
    claims: tuple[str, ...] = ()
    """Claims on identifiers and facts, `kind:digest`, sorted; they stand in the sealed data."""
    releases: tuple[str, ...] = ()
    """Claims given up, applied before the unit's own."""


class LocalTime(Part, frozen=True, kw_only=True):
    """When it happened, as the teller's clock and calendar said."""

    at: str
    """ISO 8601 with offset, to the second or finer, as typed."""
    zone: str | None = None
    """IANA name, where it is known."""
    device_at: str | None = None
    """The device's own clock when it sent this, ISO 8601 with offset."""
    correction_us: int = 0
    """Microseconds added to the device's time to get `occurredat`."""


class Typed(Part, frozen=True, kw_only=True):
    """A quantity as it was typed, where it was converted."""

    field: str
    """Pointer of the converted field, relative to the data: `/sets/0/load_kg`."""
    value: str
    unit: str


class Form(Part, frozen=True, kw_only=True):
    """Which form asked."""

    id: str
    version: int
    hash: str


class Told(Event, frozen=True, kw_only=True):
    """What every fact says of its telling, besides its own."""

    local: LocalTime
    reported_by: str
    """`role:id` of who knew it."""
    recorded_by: str
    """`role:id` of who entered it."""
    channel: Literal["api", "import", "sync", "page", "fhir", "hl7v2"]
    device: str | None = None
    form: Form | None = None
    asked: tuple[str, ...] = ()
    """What the source asked; `not reported` means no only for these."""
    typed: tuple[Typed, ...] = ()
    late: bool = False
    """Recorded more than 14 days after it happened."""
    source_row: str | None = None
    """Where an import found it: `<sha256 of the file, first 16 hex>:<first line>-<last line>`."""
    questions: tuple[str, ...] = ()
    """What its note makes one ask and nobody answered yet: `sharp`, or names of `RedFlag`.

    Set by importers.
    """


class ProtocolRef(Part, frozen=True, kw_only=True):
    """A published protocol version."""

    id: str
    version: str
    hash: str
    """SHA-256 of the canonical JSON, lower-case hex."""


class Criterion(Part, frozen=True, kw_only=True):
    """One comparison, weighed."""

    id: str
    """Id in the protocol, such as `1-2.tolerated`."""
    verdict: Literal["met", "not_met", "unknown"]
    rule: str
    """The row of the clinical rules: `P6`, `gate 1-2`."""
    reason: str | None = None
    """Why unknown: no_evidence, not_asked, too_old, window_open, needs_clinician, inconclusive."""
    measure: str | None = None
    """Name and version of the measure: `pain.during.median/1`."""
    value: str | None = None
    """What was measured: decimal, `n/d`, or a word."""
    comparator: Literal["<=", "<", ">=", ">", "="] | None = None
    threshold: str | None = None
    margin: str | None = None
    """Signed distance to the threshold, positive where met: decimal or `n/d`."""
    unit: str | None = None
    inputs: tuple[int, ...] = ()
    """Versions of the inputs that counted."""


class Decision(Event, frozen=True, kw_only=True):
    """What the engine concluded. Appended by progression-engine only."""

    judge: int
    """Semantics of `decide` in force."""
    rule: str
    """The row of the clinical rules that decided."""
    programme: ProgrammeId | None = None
    """Absent where it is about the patient, not one tendon."""
    protocol: ProtocolRef | None = None
    criteria: tuple[Criterion, ...] = ()
    evidence: tuple[int, ...] = ()
    """Versions of the inputs that it rests on."""


__all__ = [
    "Criterion",
    "Decimal",
    "Decision",
    "Event",
    "Form",
    "LocalTime",
    "Part",
    "Presentation",
    "ProtocolRef",
    "Side",
    "Sides",
    "Stage",
    "Told",
    "Typed",
]
