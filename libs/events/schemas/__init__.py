"""The committed JSON Schema of every event type, and the hashes by which entries name them."""

from libs.events.schemas.hashes import HASHES


def schema_urn(type_: str) -> str:
    """The `dataschema` of a type: `urn:sha256:` and the hash of its schema file's bytes."""
    return f"urn:sha256:{HASHES[type_]}"
