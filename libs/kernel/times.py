"""Instants as the log writes them: UTC, six decimals, `Z`."""

from datetime import UTC, datetime


def format_instant(instant: datetime) -> str:
    """Write an aware datetime as `2026-03-02T08:29:00.000000Z`.

    Raises: ValueError where the datetime has no zone.
    """
    if instant.tzinfo is None:
        raise ValueError("an instant needs a zone")
    return instant.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def parse_instant(text: str) -> datetime:
    """Read what `format_instant` wrote, and nothing else.

    Raises: ValueError for any other form.
    """
    if len(text) != 27 or text[4::3][:2] != "--" or text[10] != "T" or text[19] != "." or text[26] != "Z":
        raise ValueError("an instant is written as 2026-03-02T08:29:00.000000Z")
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
