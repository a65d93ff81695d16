"""One log caught up with: batches in transactions, and the way down to the one entry that fails."""

import logging
from collections.abc import Iterable, Sequence
from typing import Final, NoReturn

import msgspec

from libs.consume.errors import FenceLostError, describe, is_transient
from libs.consume.places import TO_BE_RETRIED, Place, Places, Waiting
from libs.consume.work import Catchup, Work
from libs.eventlog.port import FROM_START, EventLog, Recorded
from libs.events.lifecycle import PatientErased
from libs.kernel.clock import Clock
from libs.kernel.ids import LogId, StreamId, category_of, subject_of

_log = logging.getLogger(__name__)
TRIES: Final = 3
"""How often the entry that fails is tried before its subject has to wait."""
_SMALLEST: Final = 4


class Failure(msgspec.Struct, frozen=True):
    """The first entry of a subject that cannot be handled."""

    entry: Recorded
    error: Exception


class _RehearsedError(Exception):
    """Ends a rehearsal: nothing of it stays."""


class LogReader:
    """Catches up with single logs for one consumer."""

    def __init__(
        self,
        *,
        places: Places,
        log: EventLog,
        handler: Catchup,
        clock: Clock,
        categories: frozenset[str] | None,
        batch: int,
    ) -> None:
        self._places = places
        self._log = log
        self._handler = handler
        self._clock = clock
        self._categories = categories
        self._batch = batch
        self._limits: dict[LogId, int] = {}
        """Logs whose last batch was broken off: a smaller one may come through."""

    async def step(self, log: LogId) -> "Step | None":
        """Handle the next batch. None: somebody else holds the log.

        Raises: what says something about the moment; the batch is as it was.
        """
        limit = self._limits.get(log, self._batch)
        try:
            step = await self._step(log, limit)
        except FenceLostError:
            raise
        except Exception:
            self._limits[log] = max(_SMALLEST, limit // 2)
            raise
        if 2 * limit < self._batch:
            self._limits[log] = 2 * limit
        else:
            self._limits.pop(log, None)
        return step

    async def _step(self, log: LogId, limit: int) -> "Step | None":
        try:
            return await self._handle(log, (), limit)
        except Exception as error:
            if is_transient(error):
                raise
            _log.warning("a batch failed", extra={"log": log, "reason": describe(error)[0]})
        failures = await self._narrow_down(log, limit)
        try:
            return await self._handle(log, failures, limit)
        except Exception as error:
            if is_transient(error):
                raise
            # Together they fail, each subject by itself does not: one entry at a time, then.
            _log.warning("a batch failed again", extra={"log": log, "reason": describe(error)[0]})
        return await self._handle(log, failures, 1)

    async def retry(self, log: LogId) -> bool:
        """Try those again who were asked for. Returns: whether something was appended."""
        appended = False
        for waiting in await self._asked(log):
            appended |= await self._retry(log, waiting)
        return appended

    async def _handle(self, log: LogId, failures: Sequence[Failure], limit: int) -> "Step | None":
        async with self._places.hold(log) as place:
            if place is None:
                return None
            entries = await self._read(log, place, limit)
            failures = _within(failures, place.cursor, entries)
            stops = _Stops(entries, place.waiting, failures)
            for waiting in place.waiting:
                if stops.is_over(waiting.subject, FROM_START):
                    await place.release(waiting.stream)
            failures = [
                f for f in failures if not stops.is_over(subject_of(f.entry.stream), f.entry.position)
            ]
            for failure in failures:
                await place.quarantine(self._waiting(failure, TRIES))
            work = self._work(log, place, self._relevant(entries, stops))
            if work.entries:
                await self._handler.handle(work)
            if entries:
                await place.move(self._reached(entries[-1].position, work))
            retry = any(each.tries == TO_BE_RETRIED for each in place.waiting)
        work.committed()
        for failure in failures:
            self._alarm(failure)
        return Step(more=place.behind, appended=work.appended, retry=retry)

    def _reached(self, last: int, work: Work) -> int:
        """The cursor after a batch: beyond what the handler appended right behind it, where it is not ours.

        So the next look finds nothing to do, where nobody else appended.
        """
        if work.own is None or work.own[0] != last + 1 or any(map(self._is_ours, work.appended_to)):
            return last
        return work.own[1]

    async def _read(self, log: LogId, place: Place, limit: int) -> list[Recorded]:
        return await self._log.read(log, after=place.cursor, limit=limit, connection=place.connection)

    def _relevant(self, entries: Sequence[Recorded], stops: "_Stops") -> list[Recorded]:
        """Of our categories, readable, of nobody who waits.

        Raises: the error of an entry that cannot be decoded.
        """
        ours = (each for each in entries if self._is_ours(each.stream))
        return [each for each in ours if not stops.hold(each) and each.event is not None]

    def _is_ours(self, stream: StreamId) -> bool:
        return self._categories is None or category_of(stream) in self._categories

    def _work(
        self, log: LogId, place: Place, entries: Sequence[Recorded], *, rehearsal: bool = False
    ) -> Work:
        return Work(
            log=log,
            entries=entries,
            connection=place.connection,
            now=self._clock.now(),
            event_log=self._log,
            rehearsal=rehearsal,
        )

    async def _narrow_down(self, log: LogId, limit: int) -> list[Failure]:
        """Rehearse each subject's entries of the batch by themselves and find the first that fails."""
        async with self._places.hold(log) as place:
            if place is None:
                return []
            entries = await self._read(log, place, limit)
            stops = _Stops(entries, place.waiting, ())
        ours = [each for each in entries if self._is_ours(each.stream) and not stops.hold(each)]
        subjects = dict.fromkeys(subject_of(each.stream) for each in ours)
        found = []
        for subject in subjects:
            failure = await self._first_failure(log, [e for e in ours if subject_of(e.stream) == subject])
            if failure is not None:
                found.append(failure)
        return found

    async def _first_failure(self, log: LogId, entries: Sequence[Recorded]) -> Failure | None:
        """Halve: what fails with fewer entries fails with more."""
        error = await self._rehearse(log, entries)
        if error is None:
            return None
        good, bad = 0, len(entries)
        while bad - good > 1:
            middle = (good + bad) // 2
            failed = await self._rehearse(log, entries[:middle])
            good, bad, error = (middle, bad, error) if failed is None else (good, middle, failed)
        for _ in range(TRIES - 1):
            failed = await self._rehearse(log, entries[:bad])
            if failed is None:
                return None
            error = failed
        return Failure(entries[bad - 1], error)

    async def _rehearse(self, log: LogId, entries: Sequence[Recorded]) -> Exception | None:
        """Handle and roll back. Returns: what it failed with.

        Raises: what says something about the moment.
        """
        for each in entries:
            if each.error is not None:
                return each.error
        try:
            await self._rehearse_in_transaction(log, [each for each in entries if each.event is not None])
        except _RehearsedError:
            return None
        except Exception as error:
            if is_transient(error):
                raise
            return error

    async def _rehearse_in_transaction(self, log: LogId, entries: Sequence[Recorded]) -> NoReturn:
        async with self._places.hold(log) as place:
            if place is None:
                raise FenceLostError(detail=f"{log}: somebody else took it")
            if entries:
                await self._handler.handle(self._work(log, place, entries, rehearsal=True))
            raise _RehearsedError

    async def _asked(self, log: LogId) -> list[Waiting]:
        waiting = await self._places.all_waiting()
        return [each for each in waiting if each.log == log and each.tries == TO_BE_RETRIED]

    async def _retry(self, log: LogId, waiting: Waiting) -> bool:
        entries: list[Recorded] = []
        try:
            async with self._places.hold(log) as place:
                if place is None:
                    return False
                entries = await self._held_back(log, place, waiting)
                await place.release(waiting.stream)
                work = self._work(log, place, [each for each in entries if each.event is not None])
                if work.entries:
                    await self._handler.handle(work)
        except Exception as error:
            if is_transient(error) or not entries:
                raise
            failed = await self._first_failure(log, entries) or Failure(entries[0], error)
            return await self._retry_before(log, waiting, failed)
        work.committed()
        _log.info("out of quarantine", extra={"log": log, "stream": waiting.stream})
        return work.appended

    async def _retry_before(self, log: LogId, waiting: Waiting, failed: Failure) -> bool:
        """Handle what comes before the entry that fails, and let the rest wait from there."""
        async with self._places.hold(log) as place:
            if place is None:
                return False
            entries = await self._held_back(log, place, waiting)
            await place.release(waiting.stream)
            await place.quarantine(msgspec.structs.replace(self._waiting(failed, TRIES), since=waiting.since))
            good = [each for each in entries if each.position < failed.entry.position]
            work = self._work(log, place, [each for each in good if each.event is not None])
            if work.entries:
                await self._handler.handle(work)
        work.committed()
        self._alarm(failed)
        return work.appended

    async def _held_back(self, log: LogId, place: Place, waiting: Waiting) -> list[Recorded]:
        """What waited: the subject's entries from the failed one up to the cursor."""
        streams = self._streams_of(waiting)
        entries = await self._log.read_streams(log, streams, after=FROM_START, connection=place.connection)
        starts = [
            e.position for e in entries if e.stream == waiting.stream and e.version >= waiting.from_version
        ]
        if not starts:
            return []
        return [each for each in entries if starts[0] <= each.position <= place.cursor]

    def _streams_of(self, waiting: Waiting) -> list[StreamId]:
        categories = self._categories or {"patient", "judgement", "delivery", "clinic", "staff", "protocol"}
        return [StreamId(f"{each}-{waiting.subject}") for each in sorted(categories)]

    def _waiting(self, failure: Failure, tries: int) -> Waiting:
        code, detail = describe(failure.error)
        return Waiting(
            log=failure.entry.log,
            stream=failure.entry.stream,
            from_version=failure.entry.version,
            error_code=code,
            detail=detail,
            since=self._clock.now(),
            tries=tries,
        )

    def _alarm(self, failure: Failure) -> None:
        _log.error(
            "in quarantine",
            extra={
                "consumer": self._places.consumer,
                "log": failure.entry.log,
                "stream": failure.entry.stream,
                "version": failure.entry.version,
            },
            exc_info=failure.error,
        )


class Step(msgspec.Struct, frozen=True):
    """What a step found."""

    more: bool
    """The log goes on beyond the cursor, as seen after the lock was given up."""
    appended: bool
    retry: bool
    """Somebody in quarantine is to be tried again."""


def _within(failures: Sequence[Failure], cursor: int, entries: Sequence[Recorded]) -> Sequence[Failure]:
    """Those whose entry is among these: what another process has handled meanwhile did not fail."""
    last = entries[-1].position if entries else cursor
    return [each for each in failures if cursor < each.entry.position <= last]


class _Stops:
    """Whose entries of a batch wait, and from where on.

    A person's erasure ends it: what is known of them in tables goes, whatever could not be handled before.
    """

    def __init__(
        self, entries: Iterable[Recorded], waiting: Iterable[Waiting], failures: Iterable[Failure]
    ) -> None:
        self._starts: dict[str, list[int]] = {}
        for each in waiting:
            self._starts.setdefault(each.subject, []).append(FROM_START)
        for failure in failures:
            self._starts.setdefault(subject_of(failure.entry.stream), []).append(failure.entry.position)
        self._erased = {
            subject_of(each.stream): each.position
            for each in entries
            if each.error is None and isinstance(each.event, PatientErased)
        }

    def is_over(self, subject: str, start: int) -> bool:
        """Whether an erasure in the batch ends the waiting that began at `start`."""
        return start < self._erased.get(subject, FROM_START)

    def hold(self, entry: Recorded) -> bool:
        """Whether this entry waits."""
        subject = subject_of(entry.stream)
        return any(
            start <= entry.position
            and not (self.is_over(subject, start) and self._erased[subject] <= entry.position)
            for start in self._starts.get(subject, ())
        )
