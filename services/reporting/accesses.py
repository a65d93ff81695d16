"""Who looked at what: recorded, durable, before anything is answered."""

from collections.abc import Iterator, Sequence
from itertools import islice, zip_longest
from typing import Final, Literal, Protocol

import msgspec

from libs.eventlog.clinics import ClinicDirectory
from libs.eventlog.port import Appended, Draft, Outcome, Unit
from libs.events.accesses import RecordAccessed
from libs.kernel.clock import Clock
from libs.kernel.errors import UnavailableError
from libs.kernel.ids import ClinicId, StreamId, access_log

Purpose = Literal["care", "own_data", "audit", "operation"]

PURPOSES: Final[dict[str, Purpose]] = {"patient": "own_data", "auditor": "audit", "operator": "operation"}
"""Role → what it reads for; all others read for care."""
_IDS: Final = 300
"""Ids in one entry at most: an entry has 32 KiB."""
_TRIES: Final = 3


class NotRecordedError(UnavailableError):
    """A read that cannot be recorded is not answered."""

    code = "access-not-recorded"
    title = "This read could not be recorded, so it is not answered"


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """One request for personal data."""

    clinic: ClinicId
    role: str
    actor: str
    """`role:id`."""
    operation: str
    patients: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()
    outcome: Literal["answered", "refused"] = "answered"


class Appender(Protocol):
    """Appends units; gathers what comes at about the same time into one commit."""

    async def append(self, units: Sequence[Unit]) -> list[Outcome]:
        """One outcome for each unit; what is appended is durable."""
        ...


class AccessRecorder:
    """Writes the access log."""

    def __init__(self, appender: Appender, clinics: ClinicDirectory, clock: Clock) -> None:
        self._appender = appender
        self._clinics = clinics
        self._clock = clock

    async def record(self, looked: Looked) -> None:
        """Record a read or a refusal; durable when this returns.

        Raises: NotRecordedError.
        """
        clinic = await self._clinics.of(looked.clinic)
        for _ in range(_TRIES):
            outcomes = await self._appender.append([self._unit(looked, clinic.key)])
            if isinstance(outcomes[0], Appended):
                return
        raise NotRecordedError(f"the access log answered {type(outcomes[0]).__name__.lower()}")

    def _unit(self, looked: Looked, key: str) -> Unit:
        now = self._clock.now()
        drafts = tuple(
            Draft(
                event=RecordAccessed(
                    principal=looked.actor,
                    operation=looked.operation,
                    purpose=PURPOSES.get(looked.role, "care"),
                    patients=patients,
                    entries=entries,
                    outcome=looked.outcome,
                ),
                stream=StreamId(f"access-{now:%Y-%m-%d}"),
                occurred_at=now,
                actor=looked.actor,
                key=key,
            )
            for patients, entries in _shares(looked)
        )
        return Unit(log=access_log(looked.clinic), drafts=drafts)


def _shares(looked: Looked) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The ids, cut so that each share fits into one entry."""
    patients, entries = _cut(looked.patients), _cut(looked.entries)
    return list(zip_longest(patients, entries, fillvalue=())) or [((), ())]


def _cut(ids: Sequence[str]) -> Iterator[tuple[str, ...]]:
    rest = iter(ids)
    while share := tuple(islice(rest, _IDS)):
        yield share
