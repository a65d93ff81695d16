"""The call of the append function: units flattened into arrays, rows read back as outcomes."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from libs.audit.hashing import leaf_hash
from libs.eventlog.drafting import EncodedUnit
from libs.eventlog.port import (
    Appended,
    Busy,
    Closed,
    Conflict,
    Duplicate,
    Erased,
    HeldClaim,
    Outcome,
    Refused,
    Unproven,
)
from libs.kernel.ids import StreamId

APPEND: Final = (
    "SELECT unit, outcome, reason, position, size, versions, stream, version, held, request"
    " FROM log.append($1::text[], $2::int[], $3::bytea[], $4::text[], $5::int[], $6::text[], $7::bigint[],"
    " $8::int[], $9::text[], $10::int[], $11::text[], $12::int[], $13::text[], $14::bytea[],"
    " $15::int[], $16::text[], $17::text[], $18::bytea[]) ORDER BY unit"
)
CREATE_CLINIC: Final = (
    "SELECT unit, outcome, reason, position, size, versions, stream, version, held, request"
    " FROM log.create_clinic($1, $2::uuid, $3, $4, $5::text[], $6::bytea[], $7::bytea, $8::text[])"
)
_PLAIN: Final[Mapping[str, type[Closed | Unproven | Busy | Erased]]] = {
    "closed": Closed,
    "unproven": Unproven,
    "busy": Busy,
    "erased": Erased,
}


def arguments(units: Sequence[EncodedUnit]) -> tuple[list[Any], ...]:
    """The arrays of the append function. Units and entries are numbered from 1."""
    numbered = list(enumerate(units, 1))
    before = [0]
    for unit in units:
        before.append(before[-1] + len(unit.entries))
    return (
        [unit.log for unit in units],
        [len(unit.entries) for unit in units],
        [entry for unit in units for entry in unit.entries],
        [trace for unit in units for trace in unit.traces],
        [number for number, unit in numbered for _ in unit.expected],
        [stream for unit in units for stream, _ in unit.expected],
        [version for unit in units for _, version in unit.expected],
        [before[number - 1] + index + 1 for number, unit in numbered for index, _ in unit.claims],
        [claim for unit in units for _, claim in unit.claims],
        [number for number, unit in numbered for _ in unit.releases],
        [claim for unit in units for claim in unit.releases],
        [number for number, unit in numbered for _ in unit.new_keys],
        [keyid for unit in units for keyid, _ in unit.new_keys],
        [secret for unit in units for _, secret in unit.new_keys],
        [number for number, unit in numbered for _ in unit.blobs],
        [blob.address for unit in units for blob in unit.blobs],
        [blob.owner for unit in units for blob in unit.blobs],
        [blob.body for unit in units for blob in unit.blobs],
    )


def read_outcome(unit: EncodedUnit, row: Mapping[str, Any]) -> Outcome:
    """What became of a unit."""
    match row["outcome"]:
        case "appended":
            return Appended(
                positions=tuple(range(row["position"], row["position"] + row["size"])),
                versions=tuple(row["versions"]),
                leaf_hashes=tuple(leaf_hash(entry) for entry in unit.entries),
                ids=unit.ids,
            )
        case "duplicate":
            return Duplicate(
                positions=tuple(range(row["position"], row["position"] + row["size"])),
                request=row["request"],
                same_request=row["request"] == unit.request,
            )
        case "conflict":
            return Conflict(stream=StreamId(row["stream"]), current=row["version"])
        case "refused":
            return Refused(reason=row["reason"], claims=_held(row["held"]))
        case plain:
            return _PLAIN[plain]()


def _held(text: str | None) -> tuple[HeldClaim, ...]:
    pairs = (each.rpartition("@") for each in (text or "").split())
    return tuple(HeldClaim(claim=claim, position=int(position)) for claim, _, position in pairs)
