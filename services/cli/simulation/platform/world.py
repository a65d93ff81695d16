"""One schedule: a clinic, a few patients, two engines, two readers, a relay, and what goes wrong."""

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Final
from uuid import UUID

import msgspec

from libs.bus.memory import MemoryBus
from libs.consume.memory import MemoryPlaces
from libs.eventlog.memory import MemoryEventLog
from libs.eventlog.memory_store import Store
from libs.eventlog.port import ClinicDraft, Draft, NewKey, Unit
from libs.events.facts import ClinicSettings, PatientRegistered
from libs.events.registry import ClinicCreated
from libs.kernel.ids import ClinicId, EntryId, PatientId, clinical_log, patient_stream
from libs.rehab.protocol import default_ref
from libs.runtime.writes import Receipt
from services.cli.simulation.facts import told
from services.cli.simulation.platform import actors
from services.cli.simulation.platform.faults import CALM, Faults, FaultyLog, Parts, faults
from services.cli.simulation.platform.scheduler import Scheduler, SimulatedClock, at_once
from services.cli.simulation.platform.story import Story, story
from services.progression_engine.domain import Deadline
from services.session_ingest.known import Known

_ROLES: Final = {"ingest": "heelrise_ingest", "engine": "heelrise_engine", "reader": "heelrise_reporting"}
_MOST_STEPS: Final = 100_000


class _Typed(msgspec.Struct):
    type: str


class Ids:
    """UUIDv7-like ids that rise, by the seed."""

    def __init__(self, clock: SimulatedClock, random: Random) -> None:
        self._clock, self._random, self._count = clock, random, 0

    def new_id(self) -> EntryId:
        """The next one."""
        self._count += 1
        at = int(self._clock.now().timestamp() * 1000) << 80
        rest = 0x7000 << 64 | 0x8000 << 48 | (self._count << 16 | self._random.getrandbits(16))
        return EntryId(str(UUID(int=at | rest)))


class World:
    """Everything that a schedule has."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = Random(f"schedule {seed}")
        self.stories = tuple(self._stories())
        start = min(each.tellings[0].told_at for each in self.stories) - timedelta(hours=1)
        self.clock = SimulatedClock(start)
        self.scheduler = Scheduler(self.random, self.clock)
        self.faults: Faults = faults(self.random)
        self.sweep_s = self.random.choice((8_000.0, 30_000.0, 90_000.0))
        """How often everybody looks without being told to."""
        self.ids = Ids(self.clock, self.random)
        self.store = Store()
        self.logs = {
            name: MemoryEventLog(self.store, clock=self.clock, ids=self.ids, role=role)
            for name, role in _ROLES.items()
        }
        self.bus = MemoryBus()
        self.known = Known(self.logs["ingest"])
        self.clinic = ClinicId("schedule")
        self.log = clinical_log(self.clinic)
        self.places = {name: MemoryPlaces(name, self.logs[name]) for name in ("engine", "reader")}
        self.deadlines: dict[PatientId, Deadline] = {}
        self.relayed = -1
        self.read: list[int] = []
        self.acknowledged: dict[str, Receipt | None] = {}
        """Request → where it stands, as the teller was told."""

    def _stories(self) -> Iterator[Story]:
        days = self.random.choice((3, 5, 8, 8, 15))
        for number in range(self.random.choice((1, 1, 2))):
            yield story(self.seed, number, days, self.random)

    def line(self, name: str) -> FaultyLog:
        """The logs as a process of that part sees them."""
        parts = Parts(self.clock, self.ids, _ROLES[name])
        return FaultyLog(self.logs[name], parts, self.faults, self.random)

    def happens(self, chance: float) -> bool:
        """Whether something goes wrong now."""
        return chance > 0 and self.random.random() < chance

    def type_of(self, entry: bytes) -> str:
        """The type of a recorded entry."""
        return msgspec.json.decode(entry, type=_Typed).type

    def wake(self, *names: str) -> None:
        """A hint or a message arrived: whoever sleeps between two looks wakes; who is stopped does not."""
        for each in self.scheduler.tasks:
            left = (each.wakes_at - self.clock.at).total_seconds()
            if each.name in names and not each.stopped and 1.0 < left <= self.sweep_s:
                self.scheduler.wake(each)

    async def open(self) -> None:
        """The clinic and its patients, before anything goes wrong."""
        settings = ClinicSettings(zone="Etc/UTC")
        created = ClinicCreated(
            clinic=self.clinic, name="Schedule", settings=settings, protocol=default_ref()
        )
        await self.logs["ingest"].create_clinic(
            ClinicDraft(
                event=created, id=str(UUID(int=1 << 80 | 7 << 76 | 2 << 62)), occurred_at=self.clock.now(),
                actor="operator:o",
            )
        )  # fmt: skip
        for each in self.stories:
            stream, now = patient_stream(each.patient), self.clock.now()
            draft = Draft(
                event=PatientRegistered(**told(now, "Etc/UTC")),
                stream=stream,
                occurred_at=now,
                actor="clinician:c",
                key=f"{stream}/1",
            )
            key = NewKey(keyid=f"{stream}/1", owner=stream)
            await self.logs["ingest"].append([Unit(log=self.log, drafts=(draft,), new_keys=(key,))])

    def run(self) -> None:
        """The whole schedule: first everything goes wrong, then everybody catches up."""
        at_once(self.open())
        begin = self.scheduler.begin
        for _ in range(2):
            begin("engine", actors.engine(self), again=lambda: actors.engine(self), lasting=True)
        for _ in range(2):
            begin("reader", actors.listener(self), again=lambda: actors.listener(self), lasting=True)
        begin("relay", actors.relay(self), again=lambda: actors.relay(self), lasting=True)
        for each in self.stories:
            begin("device", actors.device(self, each))
        try:
            while self.scheduler.waited_for:
                self._disturb()
                self._step()
            self._calm()
            until = self.clock.at + timedelta(minutes=5)
            while self.clock.at < until or self._is_behind():
                self._step()
        finally:
            self.scheduler.close()

    def _step(self) -> None:
        if self.scheduler.steps > _MOST_STEPS:
            raise RuntimeError("the schedule does not come to its end")
        self.scheduler.step()

    def _calm(self) -> None:
        """From now on nothing goes wrong; the engines of those who were stopped begin again."""
        for name in Faults.__dataclass_fields__:
            setattr(self.faults, name, getattr(CALM, name))
        self.bus.down = False
        self.sweep_s = 60.0
        for each in self.scheduler.tasks:
            self.scheduler.wake(each)

    def _is_behind(self) -> bool:
        size = len(self.store.entries[self.log])
        due = any(each.due is not None and each.due <= self.clock.at for each in self.deadlines.values())
        return due or any(each.cursors.get(self.log, -1) < size - 1 for each in self.places.values())

    def _disturb(self) -> None:
        if self.happens(self.faults.kills):
            victims = [each for each in self.scheduler.tasks if each.again is not None]
            victim = self.random.choice(victims)
            self.scheduler.stop(victim, for_s=self.random.uniform(0.0, self.faults.longest_stop_s))
        if self.happens(self.faults.jumps):
            hours = self.random.choice((0.01, 1.0, 30.0, 200.0))
            self.clock.jump(timedelta(hours=hours * self.random.random()))
        if self.happens(self.faults.wipes):
            self.bus.wipe()
        if self.happens(self.faults.wipes):
            self.bus.down = not self.bus.down
