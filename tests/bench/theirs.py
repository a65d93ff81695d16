"""The `eventsourcing` library on the same server: an aggregate whose events carry the payload."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

POOL = 40


class Patient(Aggregate):
    """As small as an aggregate can be: it counts its sessions."""

    @event("Registered")
    def __init__(self) -> None:
        self.sessions = 0

    @event("SessionLogged")
    def log(self, data: Mapping[str, Any]) -> None:
        self.sessions += 1


class Clinic(Application[UUID]):
    """One application, so one table and one order."""


@contextmanager
def opened(server: Mapping[str, str], *, functions: bool) -> Iterator[Clinic]:
    """The application on a server; with `functions` it inserts through a function of the database."""
    name = "functions" if functions else "plain"
    application = Clinic(
        {
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_POOL_SIZE": str(POOL),
            "POSTGRES_MAX_OVERFLOW": "10",
            "POSTGRES_POOL_TIMEOUT": "60",
            "POSTGRES_ENABLE_DB_FUNCTIONS": "y" if functions else "n",
            "APPLICATION_NAME": name,
            **server,
        }
    )
    try:
        yield application
    finally:
        application.close()


def append_rate(application: Clinic, data: Mapping[str, Any], *, writers: int, seconds: float) -> float:
    """Events a second of so many threads, each saving one event after the other to its own aggregate."""
    counts = [0] * writers
    patients = [Patient() for _ in range(writers)]
    for patient in patients:
        application.save(patient)
    started = time.perf_counter()
    until = started + seconds

    def write(place: int) -> None:
        patient = patients[place]
        while time.perf_counter() < until:
            patient.log(data=data)
            application.save(patient)
            counts[place] += 1

    threads = [threading.Thread(target=write, args=(place,)) for place in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - started)


def stored_patient(application: Clinic, data: Mapping[str, Any], *, events: int) -> UUID:
    """An aggregate with so many events, stored."""
    patient = Patient()
    for _ in range(events):
        patient.log(data=data)
        if len(patient.pending_events) >= 500:
            application.save(patient)
    application.save(patient)
    return patient.id


def fold_rate(application: Clinic, patient: UUID, *, events: int) -> float:
    """Events a second of reading an aggregate from the database and folding it."""
    started = time.perf_counter()
    found: Patient = application.repository.get(patient)
    passed = time.perf_counter() - started
    if found.sessions != events:
        raise RuntimeError(f"folded {found.sessions} of {events} events")
    return events / passed
