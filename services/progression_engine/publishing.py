"""Protocol versions: checked, then one entry of the registry each, with its claim in the same transaction."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from libs.bus.port import Bus
from libs.eventlog.clinics import ClinicDirectory
from libs.eventlog.port import (
    Appended,
    BlobDraft,
    Busy,
    Claim,
    Conflict,
    Draft,
    Duplicate,
    EventLog,
    Outcome,
    Recorded,
    Refused,
    Unit,
)
from libs.eventlog.protocols import (
    ProtocolRegistry,
    Version,
    clinic_protocol_stream,
    protocol_stream,
    recalled_error,
)
from libs.events.base import Event, LocalTime, ProtocolRef
from libs.events.registry import (
    MigrationRuled,
    ProtocolAdopted,
    ProtocolApproved,
    ProtocolPublished,
    ProtocolRecalled,
)
from libs.events.versions import ProgrammeMigrated
from libs.kernel.clock import Clock
from libs.kernel.errors import ConflictError, ForbiddenError, HeelriseError, InvalidError, NotFoundError
from libs.kernel.ids import (
    REGISTRY,
    UUID_PATTERN,
    ClinicId,
    LogId,
    PatientId,
    ProgrammeId,
    StreamId,
    clinical_log,
)
from libs.runtime.writes import KeyReusedError, LogUnavailableError, Receipt
from libs.web.permissions import Role
from libs.web.principals import Principal
from services.progression_engine.checking import checked_protocol
from services.progression_engine.protocols import bytes_of
from services.progression_engine.registry_steps import Asking, Step, Written, of_entry, protocol_of
from services.progression_engine.rulings import Asked, Rulings
from services.progression_engine.version_bodies import ClinicMigrationBody, MigrationBody

_log = logging.getLogger(__name__)
_TRIES: Final = 5


class VersionTakenError(ConflictError):
    """A published version never changes."""

    code = "version-taken"
    title = "This version is published with other bytes"


class PublishedByYouError(ForbiddenError):
    """Publishing takes two people."""

    code = "published-by-you"
    title = "Another person has to approve what you published"


@dataclass(frozen=True)
class Publishing:
    """What the routes need."""

    log: EventLog
    bus: Bus
    clock: Clock
    registry: ProtocolRegistry
    clinics: ClinicDirectory
    rulings: Rulings
    wake: Callable[[], None]

    async def publish(self, asking: Asking, raw: bytes) -> Written:
        """Record a version, its bytes beside it; the same bytes again are answered as the first time.

        Raises: InvalidError with what is wrong where, ForbiddenError, VersionTakenError, KeyReusedError.
        """
        protocol, content = checked_protocol(raw)
        ref = protocol.ref
        if UUID_PATTERN.fullmatch(ref.id):
            raise InvalidError("the id of a protocol is a name, not a UUID")
        event = ProtocolPublished(
            protocol=ref,
            published_by=asking.principal.actor,
            clinic=asking.principal.clinic,
        )
        stream, claim = protocol_stream(ref.id), Claim("protocol", (ref.id, ref.version))
        blob = await self.log.make_blob(REGISTRY, content, key=None)

        async def attempt() -> Step:
            await self.registry.refresh()
            self._check_owner(ref.id, asking.principal)
            return Step(event, stream, (claim,), {stream: self.registry.length(stream)}, (blob,))

        return await self._take(asking, attempt, known=lambda position: self._published(ref, position))

    async def _published(self, ref: ProtocolRef, position: int) -> Written:
        """What stands under the number already, where it is the same. Raises: VersionTakenError."""
        entry = await self._entry(position)
        if protocol_of(entry.event) == ref:
            return of_entry(entry)
        raise VersionTakenError(f"{ref.id} {ref.version} stands already, with other bytes: raise the version")

    async def approve(self, asking: Asking, protocol: str, version: str, content: str) -> Written:
        """A second person's approval of exactly these bytes.

        Raises: NotFoundError, ForbiddenError, ConflictError.
        """

        async def attempt() -> Step:
            found = await self._found(protocol, version)
            if found.protocol.hash != content:
                raise ConflictError(
                    f"{protocol} {version} has the hash {found.protocol.hash}: look at those bytes first"
                )
            if not await self._is_repeat(asking):
                _check_approval(found, asking.principal)
            event = ProtocolApproved(protocol=found.protocol, approved_by=asking.principal.actor)
            return self._step(event, protocol_stream(protocol), found, Claim("approval", (protocol, version)))

        return await self._take(asking, attempt)

    async def recall(self, asking: Asking, protocol: str, version: str, reason: str) -> Written:
        """Recall a version. An operator recalls any, a clinic what it published itself.

        Raises: NotFoundError, ForbiddenError, ConflictError.
        """

        async def attempt() -> Step:
            found = await self._found(protocol, version)
            if not await self._is_repeat(asking):
                _check_recall(found, asking.principal)
            actor = asking.principal.actor
            event = ProtocolRecalled(protocol=found.protocol, recalled_by=actor, reason=reason)
            return self._step(event, protocol_stream(protocol), found, Claim("recall", (protocol, version)))

        written = await self._take(asking, attempt)
        self.wake()
        return written

    async def adopt(self, asking: Asking, protocol: str, version: str) -> Written:
        """Let a clinic's new programmes take a version. Raises: NotFoundError, ConflictError."""
        clinic = await self.clinics.of(_clinic(asking))

        async def attempt() -> Step:
            found = await self._usable(asking, protocol, version)
            event = ProtocolAdopted(
                clinic=clinic.slug, protocol=found.protocol, adopted_by=asking.principal.actor
            )
            return self._step(event, clinic_protocol_stream(clinic.id), found)

        return await self._take(asking, attempt)

    async def migrate_all(self, asking: Asking, body: ClinicMigrationBody) -> Written:
        """Record a ruling for all of a clinic's programmes on a version; it reaches each patient from here.

        Raises: NotFoundError, ConflictError, InvalidError.
        """
        clinic = await self.clinics.of(_clinic(asking))

        async def attempt() -> Step:
            to = await self._usable(asking, body.to.id, body.to.version)
            left = await self._found(body.from_version.id, body.from_version.version)
            if left.protocol == to.protocol:
                raise InvalidError("the version to leave and the version to move to are the same")
            event = MigrationRuled(
                clinic=clinic.slug,
                from_protocol=left.protocol,
                to_protocol=to.protocol,
                ruled_by=asking.principal.actor,
                reason=body.reason,
            )
            return self._step(event, clinic_protocol_stream(clinic.id), to)

        written = await self._take(asking, attempt)
        self.wake()
        return written

    async def migrate(self, asking: Asking, patient: PatientId, body: MigrationBody) -> Receipt:
        """Move one programme: a ruling in its patient's stream, with the version's bytes beside it.

        Raises: NotFoundError, GoneError, ConflictError, KeyReusedError, LogUnavailableError.
        """
        clinic, now = _clinic(asking), self.clock.now()
        await self.clinics.of(clinic)
        log = clinical_log(clinic)
        to = await self._usable(asking, body.to.id, body.to.version, log)
        blobs: tuple[BlobDraft, ...] = ()
        if await self.log.read_blob(log, to.protocol.hash, key=None) is None:
            content = await bytes_of(self.log, to.protocol.hash)
            blobs = (await self.log.make_blob(log, content, key=None),)
        ruling = ProgrammeMigrated(
            programme=ProgrammeId(body.programme),
            to_protocol=to.protocol,
            ruled_by=asking.principal.actor,
            reason=body.reason,
            local=LocalTime(at=now.isoformat(timespec="seconds")),
        )
        asked = Asked(clinic, patient, ruling, now, asking.claim, asking.request_id)
        return await self.rulings.record(asked, named=(to.protocol.hash,), blobs=blobs)

    def _check_owner(self, protocol: str, principal: Principal) -> None:
        """Whose name it is: the release's, or of the clinic that published under it first."""
        if protocol in self.registry.shipped_ids:
            raise ForbiddenError(f"{protocol} belongs to the release: take an id of your own, `based_on` it")
        owner = self.registry.owner(protocol)
        if owner is not None and owner.clinic != principal.clinic:
            raise ForbiddenError(f"{protocol} is another publisher's: take an id of your own")

    async def _found(self, protocol: str, version: str) -> Version:
        await self.registry.refresh()
        found = self.registry.find(protocol, version)
        if found is None:
            raise NotFoundError(f"there is no {protocol} {version}; `heelrise protocol list` has all")
        return found

    async def _usable(self, asking: Asking, protocol: str, version: str, log: LogId = REGISTRY) -> Version:
        """A version that can be taken now; of a repeat, one that could be then."""
        found = await self._found(protocol, version)
        if await self._is_repeat(asking, log):
            return found
        return self.registry.usable(protocol, version)

    async def _is_repeat(self, asking: Asking, log: LogId = REGISTRY) -> bool:
        """Whether the same request was taken before: it isn't weighed by what has happened since."""
        return await self.log.lookup_claim(log, asking.claim.claim) is not None

    def _step(self, event: Event, stream: StreamId, found: Version, *claims: Claim) -> Step:
        """An entry that stands only if nothing happened to the version since it was looked at."""
        watched = protocol_stream(found.protocol.id)
        return Step(event, stream, claims, {watched: self.registry.length(watched)})

    async def _take(
        self,
        asking: Asking,
        attempt: Callable[[], Awaitable[Step]],
        *,
        known: Callable[[int], Awaitable[Written]] | None = None,
    ) -> Written:
        """Append what was weighed; weigh anew where something came between.

        `known` answers where the claim is held already, from the position of the entry that holds it.
        """
        for _ in range(_TRIES):
            step = await attempt()
            outcome = await self._append(asking, step)
            if known is not None and isinstance(outcome, Refused) and outcome.claims:
                return await known(outcome.claims[0].position)
            if not isinstance(outcome, Conflict | Busy):
                return await self._written(outcome, step)
        raise LogUnavailableError("the registry is busy")

    async def _append(self, asking: Asking, step: Step) -> Outcome:
        draft = Draft(
            event=step.event,
            stream=step.stream,
            occurred_at=self.clock.now(),
            actor=asking.principal.actor,
            correlation_id=asking.request_id,
            blobs=tuple(each.address for each in step.blobs),
            claims=step.claims,
        )
        unit = Unit(
            log=REGISTRY,
            drafts=(draft,),
            request=asking.claim,
            expected=step.expected,
            blobs=step.blobs,
        )
        (outcome,) = await self.log.append([unit])
        return outcome

    async def _written(self, outcome: Outcome, step: Step) -> Written:
        match outcome:
            case Appended():
                await self.bus.hint([REGISTRY])
                ref = protocol_of(step.event)
                return Written(
                    outcome.ids[0],
                    step.stream,
                    outcome.versions[0],
                    outcome.positions[0],
                    outcome.leaf_hashes[0],
                    ref,
                )
            case Duplicate(same_request=True, positions=positions):
                return of_entry(await self._entry(positions[0]))
            case Duplicate():
                raise KeyReusedError("this Idempotency-Key was used for another request; take a new one")
            case Refused(reason="clock"):
                raise LogUnavailableError("clock")
            case Refused(claims=claims) if claims:
                raise ConflictError("this was done already", extra={"position": claims[0].position})
            case Refused(reason=reason):
                _log.error("the log refused an entry about a protocol", extra={"reason": reason})
                raise HeelriseError
            case _:
                raise LogUnavailableError(type(outcome).__name__.lower())

    async def _entry(self, position: int) -> Recorded:
        (entry,) = await self.log.read(REGISTRY, after=position - 1, limit=1)
        return entry


def _check_approval(found: Version, principal: Principal) -> None:
    """Two people, of one clinic where a clinic published it. Raises: ForbiddenError, ConflictError."""
    named = f"{found.protocol.id} {found.protocol.version}"
    if found.recalled is not None:
        raise recalled_error(found.recalled)
    if found.clinic is not None and found.clinic != principal.clinic:
        raise ForbiddenError(f"{named} is approved by a clinician of the clinic that published it")
    if found.approved_by is not None:
        raise ConflictError(f"{named} is approved already")
    if _person(found.published_by) == _person(principal.actor):
        raise PublishedByYouError(f"you published {named}: ask another clinician to look at it")


def _check_recall(found: Version, principal: Principal) -> None:
    """Raises: ForbiddenError, ConflictError."""
    named = f"{found.protocol.id} {found.protocol.version}"
    if principal.role is not Role.OPERATOR and (found.clinic is None or found.clinic != principal.clinic):
        raise ForbiddenError(
            f"{named} is not your clinic's own: the operator of the deployment recalls it, ask them; "
            "meanwhile adopt another version and migrate your programmes"
        )
    if found.recalled is not None:
        raise ConflictError(f"{named} was recalled already: {found.recalled.reason}")


def _clinic(asking: Asking) -> ClinicId:
    if asking.clinic is None:
        raise NotFoundError
    return asking.clinic


def _person(actor: str) -> str:
    """The person of `role:id`: one may have several roles."""
    return actor.partition(":")[2]
