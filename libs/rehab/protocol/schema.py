"""The JSON Schema of a protocol's file, made from the model: what an editor offers and marks."""

from typing import Any

from libs.rehab.protocol.model import RehabProtocol

_URI = "https://json-schema.org/draft/2020-12/schema"


def file_schema() -> dict[str, Any]:
    """The schema of one file: a whole protocol, or a variant of another.

    A variant overrides parts of items: below it, nothing is required but what names an item.
    """
    whole = RehabProtocol.model_json_schema(mode="validation")
    definitions: dict[str, Any] = whole.pop("$defs")
    whole["properties"].pop("words")
    for name in ("Wording", "Message", "Term"):
        definitions.pop(name, None)
    _whole_numbers(definitions)
    loose = {f"{name}Change": _changed(each) for name, each in definitions.items()}
    variant = _changed(whole)
    variant["properties"]["based_on"] = {
        "type": "string",
        "pattern": "^[a-z0-9-]{1,60}(@[0-9.]{1,20})?$",
        "description": "The protocol that this one is a variant of, and for which version it was written.",
    }
    variant["properties"]["remove"] = {
        "type": "array",
        "items": {"type": "string"},
        "description": "Ids of the base's citations, criteria and rules to leave out.",
    }
    variant["required"] = ["id", "version", "title", "summary", "based_on"]
    whole["properties"].pop("based_on")
    return {
        "$schema": _URI,
        "title": "A protocol of Heelrise",
        "description": "Achilles rehab in stages, as rules that can be computed.",
        "if": {"required": ["based_on"]},
        "then": variant,
        "else": whole,
        "$defs": {**definitions, **loose},
    }


def _changed(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a change to it: the same fields, only what names an item is required."""
    changed: dict[str, Any] = _renamed(schema)
    fields = changed.get("properties", {})
    named = [name for name in ("id", "name") if name in fields and name in schema.get("required", ())]
    changed["required"] = named[:1]
    return changed


def _renamed(value: Any) -> Any:  # noqa: ANN401 -- any part of a schema
    if isinstance(value, dict):
        return {name: f"{each}Change" if name == "$ref" else _renamed(each) for name, each in value.items()}
    return [_renamed(each) for each in value] if isinstance(value, list) else value


def _whole_numbers(definitions: dict[str, Any]) -> None:
    """Numbers and thresholds may be written as whole numbers too."""
    for model, field in (("Number", "value"), ("Criteria", "threshold"), ("Weighing", "threshold")):
        text = definitions[model]["properties"][field]
        kept = {name: text.pop(name) for name in ("title", "description") if name in text}
        definitions[model]["properties"][field] = {**kept, "anyOf": [text, {"type": "integer", "minimum": 0}]}
