"""Reads protocols: YAML in, a checked model out. Numbers with a point stay the digits that were typed."""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import resources
from typing import Any, ClassVar

import yaml

from libs.events.base import ProtocolRef
from libs.kernel.errors import NotFoundError
from libs.rehab.protocol.model import RehabProtocol

DEFAULT = "achilles-staged-loading"


class ProtocolUnknownError(NotFoundError):
    """No protocol of that hash is at hand."""

    code: ClassVar[str] = "protocol-unknown"
    title: ClassVar[str] = "The protocol is not known here"


class _DigitsLoader(yaml.SafeLoader):
    """YAML without floats and dates: what isn't a whole number, a word or yes/no stays text."""


_DigitsLoader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag not in {"tag:yaml.org,2002:float", "tag:yaml.org,2002:timestamp"}
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_protocol(text: str, words: Iterable[str] = ()) -> RehabProtocol:
    """Read a protocol from YAML, with its words from a file for each language.

    Raises: pydantic.ValidationError, yaml.YAMLError for what is no whole protocol.
    """
    body = _read(text)
    if isinstance(body, dict):
        body = body | {"words": [_read(each) for each in words]}
    return RehabProtocol.model_validate_json(json.dumps(body))


def _read(text: str) -> Any:  # noqa: ANN401 -- whatever stands in the file; the model checks it
    return yaml.load(text, Loader=_DigitsLoader)  # noqa: S506 -- a SafeLoader with fewer resolvers


@lru_cache(maxsize=1)
def load_default() -> RehabProtocol:
    """The protocol that is shipped: `achilles-staged-loading`."""
    folder = resources.files("libs.rehab") / "protocols"
    words = sorted(
        each.name
        for each in folder.iterdir()
        if each.name.startswith(f"{DEFAULT}.") and each.name != f"{DEFAULT}.yaml"
    )
    files = [(folder / name).read_text(encoding="utf-8") for name in (f"{DEFAULT}.yaml", *words)]
    return load_protocol(files[0], files[1:])


def default_ref() -> ProtocolRef:
    """What events name the shipped protocol by."""
    return load_default().ref


class ShippedProtocols:
    """Protocols by content hash: the shipped one, and those it was given."""

    def __init__(self, more: Mapping[str, RehabProtocol] | None = None) -> None:
        shipped = load_default()
        self._by_hash = {shipped.hash: shipped, **(more or {})}

    def get(self, content: str) -> RehabProtocol:
        """The protocol of that hash.

        Raises: ProtocolUnknownError.
        """
        try:
            return self._by_hash[content]
        except KeyError:
            raise ProtocolUnknownError(detail=f"no protocol has the hash {content}") from None
