"""The names of time zones, from the tzdata package: the system's own files are never asked."""

from functools import cache
from importlib import resources

from libs.kernel.errors import FieldError


@cache
def zone_names() -> frozenset[str]:
    """All IANA names that the installed tzdata knows."""
    return frozenset(resources.files("tzdata").joinpath("zones").read_text(encoding="ascii").split())


def check_zone(name: str, pointer: str = "/zone") -> list[FieldError]:
    """What is wrong with a zone's name, or nothing."""
    if name in zone_names():
        return []
    return [FieldError(pointer, "an unknown time zone", "an IANA name such as Australia/Melbourne")]
