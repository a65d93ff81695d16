"""Where the commands find protocols: files, what is shipped, what is published in the running stack."""

import asyncio
from pathlib import Path
from typing import Final

from libs.kernel.errors import HeelriseError
from libs.rehab.protocol.load import ReadProtocol, read_protocol, shipped_files, shipped_names
from libs.rehab.protocol.model import RehabProtocol
from libs.rehab.protocol.reading import MOST_BYTES, SourceFile, refuse
from libs.rehab.protocol.resolving import Library
from libs.rehab.protocol.tree import branch

_SUFFIXES: Final = {".yaml", ".yml"}


def read(name: str, data: Path | None = None) -> ReadProtocol:
    """A protocol by its file, its shipped name, or `name@version`: shipped, else published in the stack.

    Raises: ProtocolRefusedError.
    """
    path = Path(name)
    if path.suffix in _SUFFIXES and path.is_file():
        return read_protocol(_files_beside(path), library_beside(path.parent))
    wanted, _, version = name.partition("@")
    files = shipped_files(wanted)
    found = None if files is None else read_protocol(files)
    if found is not None and version in {"", found.protocol.version}:
        return found
    if version:
        return _published(wanted, version, data)
    wrong = f"There is no file and no shipped protocol {name}."
    raise refuse("unknown", wrong, f"Shipped are: {', '.join(shipped_names())}.", name)


def library_beside(folder: Path) -> Library:
    """Where bases are found: those that are shipped, then files in a folder."""

    def found(name: str) -> tuple[SourceFile, ...] | None:
        path = folder / f"{name}.yaml"
        is_name = name.replace("-", "").isalnum()
        return shipped_files(name) or (_files_beside(path) if is_name and path.is_file() else None)

    return found


def _files_beside(path: Path) -> tuple[SourceFile, ...]:
    """A protocol's own file, then the files of its words."""
    read: list[SourceFile] = []
    for each in (path, *sorted(path.parent.glob(f"{path.stem}.*.yaml"))):
        with each.open("rb") as file:
            read.append(SourceFile(each.name, file.read(MOST_BYTES + 1)))
    return tuple(read)


def _published(name: str, version: str, data: Path | None) -> ReadProtocol:
    from services.cli.conventions import data_folder
    from services.cli.diaries import running_view
    from services.cli.protocol_client import VersionClient

    async def fetched() -> bytes:
        async with VersionClient(running_view(data_folder(data)), None, None) as client:
            return await client.get_bytes(f"/v1/protocols/{name}/{version}")

    named = f"{name}@{version}"
    try:
        content = asyncio.run(fetched())
    except HeelriseError as error:
        wrong = f"{named} is not shipped, and the running stack has none: {error.detail or error.title}"
        right = f"Shipped are: {', '.join(shipped_names())}, each in one version."
        raise refuse("unknown", wrong, right, named) from None
    return ReadProtocol(RehabProtocol.model_validate_json(content), branch({}, named, 1))
