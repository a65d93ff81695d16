"""`python -m libs.events.schemas --write|--check`: the schema files and hashes.py, from the catalogue.

A released type's file is never rewritten: its hash stands in recorded entries.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path  # noqa: TID251 - run by hand, imported by nothing pure

import msgspec

from libs.events.catalogue import CATALOGUE

FOLDER = Path(__file__).parent


def render() -> dict[str, str]:
    """File name → content, as the catalogue has it now."""
    files = {f"{name}.json": _schema(name) for name in sorted(CATALOGUE)}
    rows = "".join(
        f'    "{name.removesuffix(".json")}": "{hashlib.sha256(content.encode()).hexdigest()}",\n'
        for name, content in files.items()
    )
    files["hashes.py"] = (
        '"""Written by `python -m libs.events.schemas --write`. Type → SHA-256 of its schema file."""\n\n'
        "# ruff: noqa: E501\n\n"
        "from typing import Final\n\n"
        f"HASHES: Final[dict[str, str]] = {{\n{rows}}}\n"
    )
    return files


def differences(folder: Path) -> list[str]:
    """What is not as the catalogue says, a line each; empty when all is."""
    wanted = render()
    present = {path.name for path in folder.glob("heelrise.*.json")}
    missing = [f"{name}: not written" for name in wanted if not (folder / name).exists()]
    changed = [
        f"{name}: the model no longer gives this schema (a changed event is a new version)"
        for name, content in wanted.items()
        if (folder / name).exists() and (folder / name).read_text("utf-8") != content
    ]
    surplus = [f"{name}: the catalogue has no such type" for name in sorted(present - set(wanted))]
    return missing + changed + surplus


def main(arguments: list[str]) -> int:
    """Write, or say what differs and fail."""
    parser = argparse.ArgumentParser(prog="python -m libs.events.schemas")
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--write", action="store_true", help="write the files")
    mode.add_argument("--check", action="store_true", help="exit 1 where they are not what the models say")
    if parser.parse_args(arguments).write:
        for name, content in render().items():
            (FOLDER / name).write_text(content, "utf-8")
        return 0
    found = differences(FOLDER)
    sys.stdout.write("".join(f"{each}\n" for each in found))
    return 1 if found else 0


def _schema(name: str) -> str:
    schema = msgspec.json.schema(CATALOGUE[name].model, schema_hook=_anything)
    named = _without_words({"$id": f"urn:heelrise:{name}", **schema})
    return json.dumps(named, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _without_words(schema: object) -> object:
    """Without titles and descriptions: a better docstring is no other schema."""
    if isinstance(schema, dict):
        kept = {k: v for k, v in schema.items() if not (k in ("title", "description") and isinstance(v, str))}
        return {key: _without_words(value) for key, value in kept.items()}
    return [_without_words(each) for each in schema] if isinstance(schema, list) else schema


def _anything(kind: type) -> dict[str, object]:
    """Free-form values (a correction's replacement): whatever an entry may hold."""
    if kind is not object:
        raise NotImplementedError
    return {"description": "any value that an entry may hold"}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
