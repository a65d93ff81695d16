"""Sends virtual patients through a running stack: their facts and their clinic's rulings, over HTTP.

A judge in process is what the patient and the clinic look at meanwhile; the services decide by themselves.
Everything is told at once that happened over weeks: so the facts count as told late, and a checkpoint passed
months ago has lapsed by the time that the services hear of it.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import uuid4

import msgspec

from libs.events import rulings as r
from libs.events.base import Event, Told
from libs.events.facts import FactCorrected, ProgrammeEnrolled
from libs.rehab.inputs import Input
from libs.rehab.patient import Patient
from libs.rehab.protocol import load_default
from libs.runtime.folder import StackView
from services.cli.diaries import DiaryClient, settle
from services.cli.simulation.judge import Answers
from services.cli.simulation.run import course
from services.progression_engine.api import ROUTES as RULING_ROUTES
from services.session_ingest.api import FACT_ROUTES

CLINIC: Final = "simulated"
_AT_ONCE: Final = 16
"""Patients whose facts are sent at the same time; each one's own go one after another."""
_SETTLED_S: Final = 120.0
_OF_TELLING: Final = frozenset({*Told.__struct_fields__, *r.Ruling.__struct_fields__} - {"asked", "reason"})
_PATHS: Final[dict[type[Event], str]] = {each.body.FACT: each.path for each in FACT_ROUTES} | {
    each.body.RULING: f"rulings/{each.path}" for each in RULING_ROUTES
}
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it."""

    clinic: str
    patients: int
    tellings: int
    seconds: float
    """From the first telling to the last acknowledgement."""
    per_second: float
    programmes: int
    stages: dict[int, int]
    """Stage → programmes in it, as reporting has them at the end."""
    as_in_process: int
    """Programmes in the same stage as in process, told in time; Stage 4 and 3 counted as one."""


async def send(view: StackView, *, patients: int, weeks: int, seed: int, tick: Callable[[int], None]) -> Sent:
    """Enrol the patients in a clinic of their own, tell everything, wait, and read where they stand."""
    clinic = f"{CLINIC}-{uuid4().hex[:8]}"
    async with DiaryClient(view) as client:
        await client.create_clinic(clinic, "Simulated", "Etc/UTC")
        gate, started = asyncio.Semaphore(_AT_ONCE), time.perf_counter()

        async def one(number: int) -> tuple[int, dict[str, int]]:
            async with gate:
                told = await _send_one(client, clinic, number, weeks, seed)
            tick(1)
            return told

        told = await asyncio.gather(*(one(number) for number in range(patients)))
        seconds = time.perf_counter() - started
        await settle(view, [f"{clinic}-c-1"], _SETTLED_S)
        stages = await _stages(client, clinic)
    wanted = {name: stage for _, each in told for name, stage in each.items()}
    tellings = sum(count for count, _ in told)
    counted: dict[int, int] = {}
    for stage in stages.values():
        counted[stage] = counted.get(stage, 0) + 1
    return Sent(
        clinic=clinic,
        patients=patients,
        tellings=tellings,
        seconds=round(seconds, 1),
        per_second=round(tellings / seconds, 1),
        programmes=len(stages),
        stages=dict(sorted(counted.items())),
        as_in_process=sum(min(3, stages.get(name, 0)) == min(3, stage) for name, stage in wanted.items()),
    )


async def _send_one(
    client: DiaryClient, clinic: str, number: int, weeks: int, seed: int
) -> tuple[int, dict[str, int]]:
    """One patient. Returns: how much was told, and the stage of each programme as in process."""
    items: list[Input] = []

    def watch(_before: Patient, item: Input, _answers: Answers, _after: Patient) -> None:
        if isinstance(item.event, Told | r.Ruling) and not isinstance(item.event, FactCorrected):
            items.append(item)

    followed = course(seed, number, load_default(), watch=watch)
    person = followed.person
    person.habits = replace(person.habits, mistypes=0.0, notes=0.0)
    person.enrols = (datetime.now(UTC) - timedelta(days=weeks * 7 + 2)).date()
    followed.run(weeks)
    made = await client.post(clinic, "patients", _ENCODER.encode({"at": _at(items[0])}), str(uuid4()))
    path, names, versions = f"patients/{made['patient']}", dict[str, str](), dict[int, int]()
    for item in items:
        where, body = _request(item, names, versions)
        answer = await client.post(clinic, f"{path}/{where}", _ENCODER.encode(body), str(uuid4()))
        versions[item.version] = answer["version"]
        if isinstance(item.event, ProgrammeEnrolled):
            names[item.event.programme] = answer["programme"]
    stages = {names[each.id]: each.stage for each in followed.judge.state.programmes if each.id in names}
    return len(items), stages


def _request(item: Input, names: dict[str, str], versions: dict[int, int]) -> tuple[str, dict[str, Any]]:
    """Path and body of a telling. Programmes and versions are called as the services call them."""
    event = item.event
    body = _plain(event) | {"at": _at(item)}
    if isinstance(event, ProgrammeEnrolled):
        kept = ("side", "episode", "presentation", "distance_cm", "age_years", "at")
        flags = {flag: flag in event.red_flags for flag in event.red_flags_asked}
        found = {name: body[name] for name in kept if name in body}
        return "programmes", found | {"red_flags": flags, "zone": event.settings.zone}
    if "programme" in body:
        body["programme"] = names[body["programme"]]
    if isinstance(event, r.RedFlagCleared):
        body["resume"] = [{**each, "programme": names[each["programme"]]} for each in body.get("resume", [])]
    if isinstance(event, r.CheckpointReadingRuled):
        body["test"] = versions[event.test]
    return _PATHS[type(event)], body


def _plain(event: Event) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(event, builtin_types=(Decimal,))
    return {name: value for name, value in plain.items() if name not in _OF_TELLING}


def _at(item: Input) -> str:
    return item.occurred_at.isoformat()


async def _stages(client: DiaryClient, clinic: str) -> dict[str, int]:
    found: dict[str, int] = {}
    after: dict[str, str] = {}
    while True:
        page = await client.get(clinic, "panel", limit="500", **after)
        found |= {each["programme"]: each["stage"] for each in page["programmes"]}
        if not page["next"]:
            return found
        after = {"after": page["next"]}
