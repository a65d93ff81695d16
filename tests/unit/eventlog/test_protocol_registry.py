"""The registry's fold misses nothing, whatever is appended while it reads."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from libs.eventlog.memory import MemoryEventLog
from libs.eventlog.port import Appended, Draft, Unit
from libs.eventlog.protocols import ProtocolRegistry, protocol_stream
from libs.events.base import Event
from libs.events.registry import ProtocolApproved, ProtocolPublished
from libs.kernel.ids import REGISTRY, LogId, StreamId
from libs.rehab.protocol import RehabProtocol
from libs.runtime.clock import SystemClock, UuidV7Source
from tests.support.versions import a_version

ONE, OTHER = a_version("1.0.0"), a_version("1.0.0", "other-loading")


class BusyRegistry(MemoryEventLog):
    """A log to which others append between a reader's two questions."""

    def __init__(self) -> None:
        super().__init__(clock=SystemClock(), ids=UuidV7Source(), role="heelrise_engine")
        self.meanwhile: list[Callable[[], Awaitable[None]]] = []

    async def streams(self, log: LogId, category: str) -> list[StreamId]:
        found = await super().streams(log, category)
        while self.meanwhile:
            await self.meanwhile.pop(0)()
        return found

    async def record(self, event: Event, protocol: RehabProtocol) -> None:
        draft = Draft(
            event=event,
            stream=protocol_stream(protocol.id),
            occurred_at=datetime(2026, 3, 2, tzinfo=UTC),
            actor="clinician:a",
        )
        (outcome,) = await self.append([Unit(log=REGISTRY, drafts=(draft,))])
        assert isinstance(outcome, Appended), outcome

    async def publish(self, protocol: RehabProtocol) -> None:
        await self.record(ProtocolPublished(protocol=protocol.ref, published_by="clinician:a"), protocol)

    async def approve(self, protocol: RehabProtocol) -> None:
        await self.record(ProtocolApproved(protocol=protocol.ref, approved_by="clinician:b"), protocol)


async def test_a_stream_that_begins_while_another_is_read_is_not_missed() -> None:
    log = BusyRegistry()
    await log.publish(ONE)
    registry = ProtocolRegistry(log, ())
    log.meanwhile = [lambda: log.publish(OTHER), lambda: log.approve(ONE)]

    await registry.refresh()
    await registry.refresh()

    assert [(each.protocol.id, each.usable) for each in registry.versions()] == [
        (ONE.id, True),
        (OTHER.id, False),
    ]
    assert [registry.length(protocol_stream(each.id)) for each in (ONE, OTHER)] == [2, 1]


async def test_the_id_is_of_whoever_published_first() -> None:
    log = BusyRegistry()
    registry = ProtocolRegistry(log, (OTHER.ref,))
    await log.publish(ONE)
    await registry.refresh()

    owner = registry.owner(ONE.id)
    assert owner is not None
    assert owner.published_by == "clinician:a"
    assert registry.owner("nobodys") is None
