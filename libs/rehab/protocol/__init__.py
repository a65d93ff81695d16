"""A protocol: the clinical rules of a programme as data, read, checked and content-hashed."""

from libs.rehab.protocol.items import (
    Citation,
    Criteria,
    Dose,
    ExerciseItem,
    Gate,
    Item,
    Message,
    Number,
    Rule,
    Source,
    StageItem,
    Term,
    Weighing,
    Wording,
)
from libs.rehab.protocol.load import (
    ProtocolUnknownError,
    ShippedProtocols,
    default_ref,
    load_default,
    load_protocol,
)
from libs.rehab.protocol.model import RehabProtocol, canonical_bytes, content_hash, reference

__all__ = [
    "Citation",
    "Criteria",
    "Dose",
    "ExerciseItem",
    "Gate",
    "Item",
    "Message",
    "Number",
    "ProtocolUnknownError",
    "RehabProtocol",
    "Rule",
    "ShippedProtocols",
    "Source",
    "StageItem",
    "Term",
    "Weighing",
    "Wording",
    "canonical_bytes",
    "content_hash",
    "default_ref",
    "load_default",
    "load_protocol",
    "reference",
]
