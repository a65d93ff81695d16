"""Every input is answered once, in order, whoever else tries."""

import asyncio
import base64

import asyncpg
import msgspec
import pytest

from libs.audit.hashing import EMPTY_HISTORY, extend_history
from libs.bus.memory import MemoryBus
from libs.consume.postgres import PostgresPlaces
from libs.eventlog.port import Draft, Recorded, Unit
from libs.events.base import ProtocolRef
from libs.events.decisions import InputSkipped, SessionWeighed
from libs.events.envelope import decision_id
from libs.events.lifecycle import PatientErased
from libs.kernel.ids import PatientId, patient_stream
from libs.rehab.protocol import canonical_bytes, load_default
from libs.rehab.protocol.load import load_shipped
from services.progression_engine.consumer import Running, make_running
from services.progression_engine.replay import Replayed, replay
from services.progression_engine.skipping import skip
from tests.integration.progression_engine.world import (
    IDS,
    LOG,
    MEMBER,
    MovingClock,
    World,
    by_patient,
    check_in,
    comparable,
    days_ago,
    enrolled,
    eventually,
    forge,
    session,
)


def engine(world: World, bus: MemoryBus | None = None, **options: int | float) -> Running:
    return make_running(
        pool=world.pool,
        log=world.engine,
        bus=bus or MemoryBus(),
        clock=MovingClock(),
        **options,  # type: ignore[arg-type]
    )


def a_course(days: int = 20) -> list[tuple]:
    """A programme with a session every other day and a report the morning after."""
    facts: list[tuple] = [(days_ago(days), enrolled(days_ago(days)))]
    for day in range(days - 1, 0, -2):
        facts.append((days_ago(day), session(days_ago(day), pain=str(day % 4))))
        facts.append((days_ago(day - 0.7), check_in(days_ago(day - 0.7))))
    return facts


async def replayed(world: World, *patients: PatientId) -> list[Replayed]:
    return [each async for each in replay(world.engine, LOG, patients, now=MovingClock().now())]


def answered(entries: list[Recorded], patient: PatientId) -> list[tuple[int, int, int]]:
    places = [each.envelope.answered for each in by_patient(entries, patient, "judgement")]
    return [(place.version, place.ordinal, place.count) for place in places if place]


def assert_whole(entries: list[Recorded], patient: PatientId, inputs: int) -> None:
    """Each input answered once, ordinals from 1 to count, inputs in order."""
    places = answered(entries, patient)
    expected: list[tuple[int, int, int]] = []
    for version in range(1, inputs + 1):
        count = next(count for v, _, count in places if v == version)
        expected += [(version, ordinal, count) for ordinal in range(1, count + 1)]
    assert places == expected


async def test_every_input_is_answered_once_in_order(world: World) -> None:
    course = a_course()
    patients = [await world.patient(*course) for _ in range(3)]
    assert await engine(world, batch=7).consumer.catch_up(LOG)
    entries = await world.whole()
    for patient in patients:
        assert_whole(entries, patient, 1 + len(course))
    assert [each.differences for each in await replayed(world, *patients)] == [(), (), ()]


@pytest.mark.rule("P1")
async def test_a_programme_is_judged_by_the_protocol_that_it_names(world: World) -> None:
    silbernagel, begin = load_shipped("silbernagel"), days_ago(3)
    begun = msgspec.structs.replace(enrolled(begin), protocol=silbernagel.ref)
    patient = await world.patient((begin, begun), (days_ago(2), session(days_ago(2), pain="5")))
    await engine(world).consumer.catch_up(LOG)
    decisions = [each.event for each in by_patient(await world.whole(), patient, "judgement")]
    weighed = next(each for each in decisions if isinstance(each, SessionWeighed))
    assert (weighed.within_limit, weighed.protocol) == ("met", silbernagel.ref)
    assert [each.differences for each in await replayed(world, patient)] == [()]


async def test_a_decision_says_which_input_it_answers_and_what_came_before(world: World) -> None:
    patient = await world.patient(*a_course(6))
    await engine(world).consumer.catch_up(LOG)
    entries = await world.whole()
    inputs = {each.version: each for each in by_patient(entries, patient, "patient")}
    history, histories = EMPTY_HISTORY, {}
    for version, each in sorted(inputs.items()):
        history = extend_history(history, each.leaf_hash)
        histories[version] = base64.b64encode(history).decode()
    for each in by_patient(entries, patient, "judgement"):
        place = each.envelope.answered
        assert place is not None
        asked = inputs[place.version]
        assert each.envelope.history == histories[place.version]
        assert each.envelope.causationid == asked.envelope.id
        assert each.envelope.id == decision_id(
            asked.envelope.recorded_at, LOG, asked.stream, place.version, place.ordinal
        )


async def test_how_far_the_engine_lags_changes_no_decision(world: World) -> None:
    """The same facts, answered one by one as they come, and all at once afterwards."""
    course, patient, hill = a_course(), PatientId(IDS.new_id()), await world.clinic("hill")
    await world.patient(course[0], log=hill, patient=patient)
    live = engine(world)
    for fact in course[1:]:
        await live.consumer.catch_up(hill)
        await world.tell(patient, fact, log=hill)
    await live.consumer.catch_up(hill)
    await world.patient(*course, patient=patient)
    await engine(world).consumer.catch_up(LOG)
    once = comparable(await world.whole(), patient)
    assert once == comparable(await world.whole(hill), patient)
    assert len(once) > 5


async def test_two_engines_answer_everything_once(world: World) -> None:
    bus, stop = MemoryBus(), asyncio.Event()
    logs = [LOG, await world.clinic("hill")]
    engines = [engine(world, bus, sweep_s=0.03, batch=5) for _ in range(2)]
    running = [asyncio.create_task(each.consumer.run(stop)) for each in engines]
    patients = {log: [await world.patient(*a_course(8), log=log) for _ in range(3)] for log in logs}
    for log in logs:
        for patient in patients[log]:
            await world.tell(patient, (days_ago(0), session(days_ago(0))), log=log)

    async def all_answered() -> bool:
        return not await PostgresPlaces("engine", world.pool).behind({"c"})

    await eventually(all_answered, within_s=30)
    stop.set()
    await asyncio.gather(*running)
    for log in logs:
        entries = await world.whole(log)
        for patient in patients[log]:
            assert_whole(entries, patient, 2 + len(a_course(8)))


async def test_an_engine_that_was_overtaken_reads_again(world: World) -> None:
    """Its folds are older than the record: another engine answered meanwhile."""
    patient = await world.patient(*a_course(4))
    first, second = engine(world), engine(world)
    await first.consumer.catch_up(LOG)
    await world.tell(patient, (days_ago(0.2), session(days_ago(0.2))))
    await second.consumer.catch_up(LOG)
    await world.tell(patient, (days_ago(0.1), check_in(days_ago(0.1))))
    await first.consumer.catch_up(LOG)
    assert_whole(await world.whole(), patient, 3 + len(a_course(4)))
    assert (await replayed(world, patient))[0].differences == ()


async def test_a_cursor_that_was_set_back_doubles_nothing(world: World) -> None:
    patient = await world.patient(*a_course(4))
    await engine(world).consumer.catch_up(LOG)
    before = await world.whole()
    async with PostgresPlaces("engine", world.pool).hold(LOG) as place:
        assert place is not None
        await place.move(-1)
    await engine(world, batch=2).consumer.catch_up(LOG)
    assert await world.whole() == before
    assert_whole(before, patient, 1 + len(a_course(4)))


async def test_a_conflict_at_the_fence_is_no_quarantine(world: World) -> None:
    """Somebody appends to the judgement stream between our reading and our appending."""
    patient = await world.patient(*a_course(4))
    overtaken, other = engine(world), engine(world)
    await overtaken.consumer.catch_up(LOG)
    await world.tell(patient, (days_ago(0.1), session(days_ago(0.1))))
    await other.consumer.catch_up(LOG)
    async with PostgresPlaces("engine", world.pool).hold(LOG) as place:
        assert place is not None
        await place.move(place.cursor - 2)
    stop, bus = asyncio.Event(), MemoryBus()
    running = asyncio.create_task(overtaken.consumer.run(stop))
    await eventually(lambda: _caught_up(world))
    stop.set()
    await running
    await bus.close()
    assert_whole(await world.whole(), patient, 2 + len(a_course(4)))
    assert await PostgresPlaces("engine", world.pool).all_waiting() == []


async def _caught_up(world: World) -> bool:
    return not await PostgresPlaces("engine", world.pool).behind({"c"})


async def test_nobody_answers_for_the_erased(world: World) -> None:
    gone, stays = await world.patient(*a_course(4)), await world.patient(*a_course(4))
    erased = Draft(
        event=PatientErased(patient=gone, asked_by=MEMBER),
        stream=patient_stream(gone),
        occurred_at=days_ago(0),
        actor=MEMBER,
    )
    await world.ingest.append([Unit(log=LOG, drafts=(erased,))])
    await engine(world).consumer.catch_up(LOG)
    entries = await world.whole()
    assert answered(entries, gone) == []
    assert_whole(entries, stays, 1 + len(a_course(4)))
    assert await PostgresPlaces("engine", world.pool).all_waiting() == []


async def test_a_protocol_is_found_in_the_log_by_its_hash(world: World) -> None:
    newer = load_default().model_copy(update={"version": "9.9.9"})
    blob = await world.ingest.make_blob(LOG, canonical_bytes(newer), key=None)
    ref = ProtocolRef(id=newer.id, version=newer.version, hash=blob.address)
    enrolment = msgspec.structs.replace(enrolled(days_ago(3)), protocol=ref)
    missing = await world.patient((days_ago(3), enrolment))
    runner = engine(world)
    await runner.consumer.catch_up(LOG)
    (waits,) = await PostgresPlaces("engine", world.pool).all_waiting()
    assert (waits.subject, waits.error_code) == (missing, "protocol-unknown")
    other = await world.patient()
    stream = patient_stream(other)
    draft = Draft(
        event=enrolment, stream=stream, occurred_at=days_ago(3), actor=MEMBER, key=f"{stream}/1",
        blobs=(blob.address,),
    )  # fmt: skip
    await world.ingest.append([Unit(log=LOG, drafts=(draft,), blobs=(blob,))])
    await PostgresPlaces("engine", world.pool).retry(LOG, waits.stream)
    await runner.consumer.catch_up(LOG)
    assert_whole(await world.whole(), other, 2)
    assert_whole(await world.whole(), missing, 2)
    assert await PostgresPlaces("engine", world.pool).all_waiting() == []


async def test_an_input_that_is_skipped_is_left_out_and_the_rest_goes_on(world: World) -> None:
    patient = await world.patient(*a_course(6))
    admin = await asyncpg.connect(world.database.admin_url)
    await forge(admin, patient, await broken_entry(world, patient))
    await admin.close()
    await world.tell(patient, (days_ago(0.1), session(days_ago(0.1))))
    runner, places = engine(world), PostgresPlaces("engine", world.pool)
    await runner.consumer.catch_up(LOG)
    known = 1 + len(a_course(6))
    (waits,) = await places.all_waiting()
    assert waits.from_version == known + 1
    assert waits.error_code == "seal-broken"
    version = await skip(
        places=places, event_log=world.engine, log=LOG, stream=waits.stream,
        operator="operator:1", reason="it cannot be read",
    )  # fmt: skip
    assert version == known + 1
    await runner.consumer.catch_up(LOG)
    entries = await world.whole()
    assert_whole(entries, patient, known + 2)
    assert sum(isinstance(each.event, InputSkipped) for each in entries if each.error is None) == 1
    assert await places.all_waiting() == []
    assert (await replayed(world, patient))[0].differences == ()
    await engine(world).consumer.catch_up(LOG)
    await world.tell(patient, (days_ago(0), check_in(days_ago(0))))
    await engine(world).consumer.catch_up(LOG)
    assert_whole(await world.whole(), patient, known + 3)


@pytest.mark.parametrize(
    "entry",
    [
        b'{"type":"heelrise.from_the_future.v9"}',
        b"no entry at all",
        b'{"id":"018f3a52-7c1e-7000-8000-0000000000aa","subject":5,"time":"2026-03-02T08:29:00.000000Z"}',
        b'{"id":"x","occurredat":"2026-03-02","time":"0000"}',
    ],
)
@pytest.mark.parametrize("first", [True, False], ids=["the first input", "a later input"])
async def test_what_is_no_entry_by_its_form_can_be_skipped(
    world: World, entry: bytes, *, first: bool
) -> None:
    patient, runner = await world.patient(*a_course(6)), engine(world)
    places, known = PostgresPlaces("engine", world.pool), 1 + len(a_course(6))
    await runner.consumer.catch_up(LOG)
    admin = await asyncpg.connect(world.database.admin_url)
    if first:
        patient, known = PatientId(IDS.new_id()), 0
        await admin.execute("INSERT INTO log.streams VALUES ($1, $2, 0)", LOG, f"patient-{patient}")
        await admin.execute(
            "INSERT INTO log.keys VALUES ('harbour', $1 || '/1', $1, sha256('x'))", f"patient-{patient}"
        )
    await forge(admin, patient, entry)
    await admin.close()
    await runner.consumer.catch_up(LOG)
    (waits,) = await places.all_waiting()
    version = await skip(
        places=places, event_log=world.engine, log=LOG, stream=waits.stream,
        operator="operator:1", reason="it is no entry",
    )  # fmt: skip
    assert version == known + 1
    await runner.consumer.catch_up(LOG)
    assert await places.all_waiting() == []
    assert_whole(await world.whole(), patient, known + 1)
    await world.tell(patient, (days_ago(0), check_in(days_ago(0))))
    await engine(world).consumer.catch_up(LOG)
    assert_whole(await world.whole(), patient, known + 2)
    (found,) = await replayed(world, patient)
    assert (found.differences, found.unanswered) == ((), 0)


async def test_time_passes_for_whoever_had_the_last_input_skipped(world: World) -> None:
    patient = await world.patient(*a_course(40)[:9])
    admin = await asyncpg.connect(world.database.admin_url)
    await forge(admin, patient, b'{"type":"heelrise.from_the_future.v9"}')
    await admin.close()
    runner, places = engine(world), PostgresPlaces("engine", world.pool)
    await runner.consumer.catch_up(LOG)
    await skip(
        places=places, event_log=world.engine, log=LOG, stream=patient_stream(patient),
        operator="operator:1", reason="it is no entry",
    )  # fmt: skip
    await runner.consumer.catch_up(LOG)
    assert await runner.timers.fire_due() == 1


async def broken_entry(world: World, patient: PatientId) -> bytes:
    """The last entry of a patient under another type and id: its seal does not hold."""
    last = by_patient(await world.whole(), patient, "patient")[-1]
    raw = last.raw.replace(last.envelope.type.encode(), b"heelrise.vanished.v1")
    return raw.replace(last.envelope.id.encode(), IDS.new_id().encode())


async def test_a_changed_decision_is_named_by_a_replay(world: World) -> None:
    patient = await world.patient(*a_course(4))
    await engine(world).consumer.catch_up(LOG)
    forged = await forged_answer(world, patient)
    admin = await asyncpg.connect(world.database.admin_url)
    await admin.execute("ALTER TABLE log.entries DISABLE TRIGGER ALL")
    for n in range(16):
        await admin.execute(f"ALTER TABLE log.entries_{n} DISABLE TRIGGER ALL")
    await admin.execute(
        "UPDATE log.entries SET entry = $1 WHERE log = $2 AND position = $3", forged[1], LOG, forged[0]
    )
    await admin.close()
    (found,) = await replayed(world, patient)
    assert {each.what for each in found.differences} == {"occurredat"}


async def forged_answer(world: World, patient: PatientId) -> tuple[int, bytes]:
    """The position of a decision, and other bytes for it, sealed well by somebody who has the key."""
    judgement = by_patient(await world.whole(), patient, "judgement")
    version = answered(judgement, patient)[-1][0]
    unit = [e for e in judgement if e.envelope.answered and e.envelope.answered.version == version]
    drafts = tuple(again(each, later=each is unit[-1]) for each in unit)
    encoded = await world.engine.encode(Unit(log=LOG, drafts=drafts))
    return unit[-1].position, encoded.entries[-1]


def again(entry: Recorded, *, later: bool) -> Draft:
    """A recorded decision as a draft, effective at another time where `later`."""
    event, envelope = entry.event, entry.envelope
    assert event is not None
    return Draft(
        event=event, stream=entry.stream, actor=envelope.actor, key=envelope.keyid, id=envelope.id,
        occurred_at=days_ago(0) if later else envelope.occurred_at,
        causation_id=envelope.causationid, correlation_id=envelope.correlationid,
        answers=envelope.answers, history=envelope.history,
    )  # fmt: skip
