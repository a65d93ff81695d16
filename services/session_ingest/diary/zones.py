"""Time zones from the tzdata package: the system's own files are never used."""

from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

from libs.kernel.errors import InvalidError
from services.session_ingest.zones import check_zone


@cache
def read_zone(name: str) -> ZoneInfo:
    """A zone by its IANA name. Raises: InvalidError where there is none of that name."""
    if wrong := check_zone(name, "/query/zone"):
        raise InvalidError("a query parameter is not valid", tuple(wrong))
    file = resources.files("tzdata").joinpath("zoneinfo", *name.split("/"))
    with file.open("rb") as content:
        return ZoneInfo.from_file(content, key=name)
