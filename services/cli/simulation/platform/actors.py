"""Who acts in a schedule: devices and clinics that tell, the relay, engines that answer, readers."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from libs.bus.port import BusUnavailableError, Outgoing
from libs.bus.subjects import message
from libs.consume.catchup import LogReader
from libs.consume.errors import is_transient
from libs.consume.work import Catchup, Work
from libs.eventlog.port import Claim, Duplicate, Erased, RequestClaim
from libs.events.base import Told
from libs.events.rulings import Ruling
from libs.kernel.ids import LogId, PatientId, StreamId, subject_of
from libs.runtime.writes import Receipt
from libs.web.permissions import Role
from libs.web.principals import Principal
from services.cli.simulation.platform.faults import FaultyLog, LineBrokeError
from services.cli.simulation.platform.scheduler import pause
from services.cli.simulation.platform.story import Story, Telling
from services.progression_engine.domain import deadline_of
from services.progression_engine.drafting import time_passed_unit
from services.progression_engine.handlers import Engine
from services.progression_engine.protocols import ProtocolShelf
from services.progression_engine.rulings import Asked as AskedToRule
from services.progression_engine.rulings import Rulings
from services.progression_engine.states import States
from services.session_ingest.asking import Asked
from services.session_ingest.handlers import DuplicateFactError, Ingest
from services.session_ingest.telling import Telling as Fact
from services.session_ingest.telling import natural_key

if TYPE_CHECKING:
    from services.cli.simulation.platform.world import World

_AGAIN_S: Final = 120.0
_CLINICIAN: Final = "01900000-0000-7000-8000-00000000c11c"


# Who tells


async def device(world: "World", story: Story) -> None:
    """Tell everything in order; each request again, by the same key, until it is acknowledged."""
    for number, telling in enumerate(story.tellings):
        await pause(max(0.0, (telling.told_at - world.clock.now()).total_seconds()))
        key = f"{story.patient}-{number}"
        while not await _request(world, story.patient, telling, key):
            await pause(world.random.uniform(1.0, _AGAIN_S))


async def again(world: "World", patient: PatientId, telling: Telling, key: str) -> None:
    """The same request once more, from a line that thought it was lost."""
    await pause(world.random.uniform(0.0, world.faults.longest_delay_s))
    await _request(world, patient, telling, key)


async def _request(world: "World", patient: PatientId, telling: Telling, key: str) -> bool:
    """One try. Returns: whether it was acknowledged."""
    if world.happens(world.faults.doubled):
        world.scheduler.begin("again", again(world, patient, telling, key))
    await pause(world.random.uniform(0.0, min(60.0, world.faults.longest_delay_s)))
    if world.happens(world.faults.lost):
        return False
    try:
        receipt = await _record(world, patient, telling, key)
    except LineBrokeError:
        return False
    except DuplicateFactError:
        world.acknowledged.setdefault(key, None)
        return True
    world.wake("relay")
    await pause(world.random.random() * 0.1)
    if world.happens(world.faults.lost):
        return False
    world.acknowledged[key] = receipt
    return True


async def _record(world: "World", patient: PatientId, telling: Telling, key: str) -> Receipt:
    claim = RequestClaim(Claim("request", (key,)), "POST", "/", key.encode())
    if isinstance(telling.event, Ruling):
        asked = AskedToRule(world.clinic, patient, telling.event, telling.occurred_at, claim, key)
        log = world.line("engine")
        return await Rulings(log, world.bus, world.clock).record(asked)
    assert isinstance(telling.event, Told)  # noqa: S101 - for the type checker: a story holds nothing else
    principal = Principal(Role.PATIENT, patient, world.clinic, patient)
    told = Asked(principal, world.clinic, claim, world.clock.now(), key)
    log = world.line("ingest")
    ingest = Ingest(log, log, world.bus, world.known, world.clock, world.ids)
    fact = Fact(
        telling.event, telling.occurred_at, None, natural_key(telling.event, patient, telling.occurred_at)
    )
    return await ingest.record(told, patient, fact)


# Who publishes


async def relay(world: "World") -> None:
    """Publish what is in the log, in order; what was not taken once more."""
    while True:
        rows = world.store.entries[world.log][world.relayed + 1 :][:64]
        for row in rows:
            out = message(
                log=world.log, position=row.position, stream=StreamId(row.stream), version=row.version,
                type_=world.type_of(row.entry), body=row.entry,
            )  # fmt: skip
            await _publish(world, out)
            world.relayed = row.position
        await pause(0.0 if rows else world.sweep_s)


async def _publish(world: "World", out: Outgoing) -> None:
    await pause(world.random.random() * 0.002)
    copies = 2 if world.happens(world.faults.doubled) else 1
    for _ in range(copies):
        if not world.happens(world.faults.lost):
            world.scheduler.begin("message", _deliver(world, out))


async def _deliver(world: "World", out: Outgoing) -> None:
    """Late, and so in any order."""
    await pause(world.random.uniform(0.0, world.faults.longest_delay_s))
    try:
        await world.bus.publish([out])
    except BusUnavailableError:
        return
    world.wake("engine", "reader")


# Who answers and reads


class Answering:
    """The engine's handler, and the deadlines that it keeps in a table beside its cursor."""

    def __init__(self, world: "World", log: FaultyLog) -> None:
        self.shelf = ProtocolShelf(log)
        self._states = States(3)
        self._world = world
        self._engine = Engine(log=log, states=self._states, protocols=self.shelf)

    async def handle(self, work: Work) -> None:
        """Answer a batch."""
        await self._engine.handle(work)
        patients = {PatientId(subject_of(each.stream)) for each in work.entries}
        work.after_commit(lambda: self._keep(work.log, patients))

    def _keep(self, log: LogId, patients: set[PatientId]) -> None:
        for patient in patients:
            folded = self._states.get(log, patient)
            if folded is not None:
                self._world.deadlines[patient] = deadline_of(folded, self.shelf)


class Reading:
    """A reader's handler: it notes each entry, with the move of its cursor."""

    def __init__(self, world: "World") -> None:
        self._world = world

    async def handle(self, work: Work) -> None:
        """Note a batch."""
        await pause(self._world.random.random() * 0.01)
        positions = [each.position for each in work.entries]
        work.after_commit(lambda: self._world.read.extend(positions))


async def engine(world: "World") -> None:
    """A replica of the engine: catches up when woken and every few seconds, and lets time pass."""
    log = world.line("engine")
    reader = _reader(world, "engine", log, Answering(world, log), frozenset({"patient"}))

    async def answer() -> None:
        await _catch_up(world, reader)
        await _let_time_pass(world, log)

    await _over_and_over(world, answer)


async def listener(world: "World") -> None:
    """A replica of a service that reads everything."""
    log = world.line("reader")
    reader = _reader(world, "reader", log, Reading(world), None)
    await _over_and_over(world, lambda: _catch_up(world, reader))


async def _over_and_over(world: "World", work: Callable[[], Awaitable[None]]) -> None:
    """Work every few seconds; again after a moment where something was out of reach."""
    while True:
        try:
            await work()
        except Exception as error:
            if not is_transient(error):
                raise
            await pause(world.random.uniform(0.02, 1.0))
            continue
        await pause(world.sweep_s)


def _reader(
    world: "World", name: str, log: FaultyLog, handler: Catchup, categories: frozenset[str] | None
) -> LogReader:
    return LogReader(
        places=world.places[name],
        log=log,
        handler=handler,
        clock=world.clock,
        categories=categories,
        batch=world.random.choice((1, 3, 16, 128)),
    )


async def _catch_up(world: "World", reader: LogReader) -> None:
    while True:
        step = await reader.step(world.log)
        if step is not None and step.appended:
            world.wake("relay")
        if step is None or not step.more:
            return
        await pause()


async def _let_time_pass(world: "World", log: FaultyLog) -> None:
    """As the engine's timers do: behind the head, holding the log, for who has a deadline that is past."""
    now = world.clock.now()
    async with world.places["engine"].hold(world.log) as place:
        if place is None or place.cursor != len(world.store.entries[world.log]) - 1:
            return
        waiting = {each.subject for each in place.waiting}
        due = [
            each
            for patient, each in sorted(world.deadlines.items())
            if each.due is not None
            and max(each.due, each.held_until or _NEVER) <= now
            and patient not in waiting
        ]
        units = [
            time_passed_unit(world.log, each.patient, each.due, answered=each.answered)
            for each in due
            if each.due is not None
        ]
        if not units:
            return
        outcomes = await log.append(units)
    for each, outcome in zip(due, outcomes, strict=True):
        if isinstance(outcome, Erased | Duplicate) and world.deadlines.get(each.patient) == each:
            del world.deadlines[each.patient]
    world.wake("engine", "relay")


_NEVER: Final = datetime.min.replace(tzinfo=UTC)
