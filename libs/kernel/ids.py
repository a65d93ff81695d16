"""Ids of logs, streams, people and programmes. Grammar: LOG.md, "Logs and streams"."""

import re
from typing import Final, NewType

ClinicId = NewType("ClinicId", str)
"""A clinic's slug, `[a-z0-9-]`, at most 40 characters; the first part of its logs' ids."""
LogId = NewType("LogId", str)
StreamId = NewType("StreamId", str)
EntryId = NewType("EntryId", str)
PatientId = NewType("PatientId", str)
ProgrammeId = NewType("ProgrammeId", str)

REGISTRY: Final = LogId("deployment-r-1")
NO_STREAM: Final = 0
LOG_PATTERN: Final = re.compile(r"[a-z0-9-]{1,48}")
CLINIC_PATTERN: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
UUID_PATTERN: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[78][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def clinical_log(clinic: ClinicId, generation: int = 1) -> LogId:
    """The log of what happened in a clinic and what was concluded."""
    return LogId(f"{clinic}-c-{generation}")


def access_log(clinic: ClinicId, generation: int = 1) -> LogId:
    """The log of who looked at what in a clinic."""
    return LogId(f"{clinic}-a-{generation}")


def clinic_of(log: LogId) -> ClinicId:
    """The clinic that a clinical or access log belongs to."""
    return ClinicId(log.rsplit("-", 2)[0])


def patient_stream(patient: PatientId) -> StreamId:
    """The stream of a patient's inputs."""
    return StreamId(f"patient-{patient}")


def judgement_stream(patient: PatientId) -> StreamId:
    """The stream of what was concluded about a patient."""
    return StreamId(f"judgement-{patient}")


def category_of(stream: StreamId) -> str:
    """The part of a stream's id before its first hyphen."""
    return stream.partition("-")[0]


def subject_of(stream: StreamId) -> str:
    """The part of a stream's id after its first hyphen: whom or what it is about."""
    return stream.partition("-")[2]
