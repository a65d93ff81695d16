"""What has to hold after every schedule, whatever went wrong in it."""

from collections import Counter
from collections.abc import Iterator

from libs.eventlog.port import Recorded
from libs.events.rulings import TimePassed
from libs.kernel.ids import PatientId, judgement_stream, patient_stream
from libs.kernel.times import parse_instant
from libs.rehab.deadlines import next_deadline
from services.cli.simulation.contents import Answered, contents, first_difference
from services.cli.simulation.judge import Judge
from services.cli.simulation.platform.scheduler import at_once
from services.cli.simulation.platform.world import World
from services.progression_engine.domain import (
    Patients,
    begin,
    concluded_of,
    follow,
    input_of,
    protocols_named,
)
from services.progression_engine.protocols import ProtocolShelf
from services.progression_engine.replay import replay


def verify(world: World) -> Iterator[str]:
    """What is wrong after a schedule."""
    yield from _everything_is_there(world)
    yield from _readers_saw_everything(world)
    if world.places["engine"].quarantined:
        yield f"in quarantine: {list(world.places['engine'].quarantined)}"
    for each in world.stories:
        entries = at_once(_entries(world, each.patient))
        yield from at_once(_repeated(world, each.patient))
        yield from at_once(_deadlines(world, each.patient, entries))


def _everything_is_there(world: World) -> Iterator[str]:
    """Every telling stands in the log once, where its acknowledgement says."""
    rows = world.store.entries[world.log]
    for key, receipt in world.acknowledged.items():
        if receipt is None:
            continue
        if receipt.position >= len(rows) or rows[receipt.position].leaf_hash != receipt.leaf_hash:
            yield f"{key} was acknowledged and is not there"
    for story in world.stories:
        told = len(story.tellings)
        acknowledged = sum(key.startswith(f"{story.patient}-") for key in world.acknowledged)
        if acknowledged != told:
            yield f"{told} tellings and {acknowledged} acknowledgements of {story.patient}"
        entries = at_once(_entries(world, story.patient))
        inputs = [e for e in entries if e.stream == patient_stream(story.patient)]
        facts = sum(not isinstance(each.event, TimePassed) for each in inputs) - 1
        if facts != told:
            yield f"{told} tellings and {facts} inputs of {story.patient}"


def _readers_saw_everything(world: World) -> Iterator[str]:
    """In order, each entry once."""
    if world.read != list(range(len(world.store.entries[world.log]))):
        twice = [position for position, count in Counter(world.read).items() if count > 1]
        yield f"the readers saw {len(world.read)} entries, twice: {twice[:5]}"


async def _entries(world: World, patient: PatientId) -> list[Recorded]:
    streams = [patient_stream(patient), judgement_stream(patient)]
    return await world.logs["engine"].read_streams(world.log, streams)


async def _repeated(world: World, patient: PatientId) -> list[str]:
    """Each input is answered once, in order, and deciding again gives what is recorded."""
    wrong = []
    found = replay(world.logs["engine"], world.log, [patient], now=world.clock.now())
    async for one in found:
        wrong += [f"{patient}, input {each.version}: {each.what}" for each in one.differences]
        if one.unanswered:
            wrong.append(f"{patient}: {one.unanswered} inputs are not answered")
    return wrong


async def _deadlines(world: World, patient: PatientId, entries: list[Recorded]) -> list[str]:
    """Each `time_passed` stands for the next deadline, none is left, and it is as a straight run has it."""
    wrong = []
    shelf = ProtocolShelf(world.logs["engine"])
    await shelf.fetch(world.log, protocols_named(entries))
    recorded, folded = Patients(world.log, entries), begin(world.log, patient)
    again: list[Answered] = []
    straight = Judge(patient, shelf, lambda _before, item, answers, _after: again.append((item, answers)))
    real: list[Answered] = []
    overtaken = False
    for entry in recorded.inputs(patient):
        item = input_of(entry)
        if isinstance(item.event, TimePassed):
            due = next_deadline(folded.state, shelf)
            if due != parse_instant(item.event.due):
                wrong.append(f"{patient}, input {entry.version}: time passed to {item.event.due}, not {due}")
        else:
            overtaken = overtaken or item.occurred_at < folded.state.time
            straight.tell(item.event, item.occurred_at, item.recorded_at, item.actor)
        answers = tuple(concluded_of(each) for each in recorded.answers(entry))
        real.append((item, answers))
        folded = follow(folded, entry, answers)
    straight.let_pass(world.clock.now())
    left = next_deadline(folded.state, shelf)
    if left is not None and left <= world.clock.now():
        wrong.append(f"{patient}: the deadline of {left} did not fire")
    # Where time passed before something was told that happened earlier, a straight run knows it sooner.
    differs = None if overtaken else first_difference(contents(real), contents(again))
    if differs is not None:
        wrong.append(f"{patient}: not as in a straight run: {differs}")
    return wrong
