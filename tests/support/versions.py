"""Protocol versions for tests: the default under another id and number, with other figures where asked."""

import json
from typing import Any

from libs.rehab.protocol import RehabProtocol, load_default


def a_version(number: str = "1.0.0", protocol: str = "harbour-loading", **changed: Any) -> RehabProtocol:
    """`changed` are new values of its numbers, `P1__most_pain`."""
    body = json.loads(load_default().model_dump_json(exclude_none=True))
    body |= {"id": protocol, "version": number}
    for name, value in changed.items():
        rule, _, figure = name.partition("__")
        (found,) = (each for each in body["rules"] if each["id"] == rule)
        (entry,) = (each for each in found["numbers"] if each["name"] == figure)
        entry["value"] = value
    return RehabProtocol.model_validate_json(json.dumps(body))
