"""What an import answers."""

from collections.abc import Sequence

import msgspec

from libs.eventlog.port import Appended, Duplicate, Outcome
from services.session_ingest.diary.known import Decided
from services.session_ingest.diary.plans import Plan, Wanted
from services.session_ingest.diary.problems import Rejection, Remark


class EntryReceipt(msgspec.Struct, frozen=True):
    """Where a fact of the import stands."""

    event: str
    version: int
    position: int
    leaf_hash: str


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a diary."""

    clinic: str
    patient: str | None
    new_patient: bool
    dry_run: bool
    file: str
    log: str
    rows: int
    rows_new: int
    rows_known: int
    rows_amended: int
    rows_rejected: int
    shift_weeks: int
    header_line: int
    guesses: tuple[Remark, ...]
    questions: tuple[Remark, ...]
    rejected: tuple[Rejection, ...]
    first_version: int | None = None
    last_version: int | None = None
    entries: tuple[EntryReceipt, ...] = ()


def answer_of(wanted: Wanted, plan: Plan, outcomes: Sequence[Outcome]) -> Imported:
    """What became of a diary whose units had these outcomes; none where nothing was to be appended."""
    rejected = plan.rejected
    rows = {fate: _rows(plan.fates, fate) for fate in ("new", "known", "amended")}
    if outcomes and all(isinstance(each, Duplicate) for each in outcomes):
        rows = {"new": 0, "known": sum(rows.values()), "amended": 0}
    guesses = plan.diary.guesses
    if plan.diary.shift_weeks and rows["new"] + rows["amended"]:
        guesses += (Remark(text=f"all dates moved by {plan.diary.shift_weeks} weeks"),)
    receipts = [
        EntryReceipt(event, version, position, leaf.hex())
        for each in outcomes
        if isinstance(each, Appended)
        for event, version, position, leaf in zip(
            each.ids, each.versions, each.positions, each.leaf_hashes, strict=True
        )
    ]
    nobody = plan.new_patient and not receipts
    return Imported(
        clinic=wanted.clinic,
        patient=None if nobody else plan.target.patient,
        new_patient=plan.new_patient,
        dry_run=wanted.dry_run,
        file=plan.diary.file_hash,
        log=plan.target.log,
        rows=plan.diary.rows,
        rows_new=rows["new"],
        rows_known=rows["known"],
        rows_amended=rows["amended"],
        rows_rejected=len({each.line for each in rejected}),
        shift_weeks=plan.diary.shift_weeks,
        header_line=plan.diary.header_line,
        guesses=guesses,
        questions=plan.diary.questions,
        rejected=rejected,
        first_version=receipts[0].version if receipts else None,
        last_version=receipts[-1].version if receipts else None,
        entries=tuple(receipts),
    )


def _rows(fates: Sequence[Decided], fate: str) -> int:
    return sum(len(each.entry.readings) for each in fates if each.fate == fate)
