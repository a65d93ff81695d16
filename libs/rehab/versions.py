"""Moving onto another protocol version, and the hold of a recalled one.

A migration never advances: the stage, holds, flares, weeks stay. What was done before goes on counting
towards a step only where both versions weigh everything alike, and a pass only where their checkpoints are.
"""

from typing import Any, Final

from msgspec.structs import replace

from libs.events.base import ProtocolRef
from libs.events.decisions import ClinicianAsked, HoldClosed, RulingRefused
from libs.events.versions import ProgrammeMigrated, ProgrammeRecalled, ProtocolChanged
from libs.rehab.checkpoint import void
from libs.rehab.checkpoint_place import standing
from libs.rehab.holds import open_hold
from libs.rehab.patient import Programme
from libs.rehab.protocol import RehabProtocol
from libs.rehab.sitting import Sitting
from libs.rehab.steps import weigh_step, withdraw_proposal

RECALL: Final = "recall"
"""Rule, and kind of hold."""
MIGRATION: Final = "migration"
_SAID: Final = frozenset(
    {"statement", "basis", "citation", "sources", "effect", "threshold_basis", "threshold_citation"}
)
"""What is said of an item and weighs nothing."""
_OF_THE_TEST: Final = ("checkpoint.", "P4.", "P6.")
_BESIDE: Final = ("zone_2.", "visa_a.")
"""No step depends on them."""


def judge_recall(sitting: Sitting, event: ProgrammeRecalled) -> tuple[str, ...]:
    """Hold each of the patient's programmes on the version."""
    held = [
        each
        for each in sitting.state.programmes
        if each.started and each.protocol.hash == event.protocol.hash
    ]
    for each in held:
        _hold(sitting, each)
    return () if held else ("not_on_version",)


def hold_where_recalled(sitting: Sitting, programme: Programme) -> None:
    """Whoever starts on a version whose recall reached the patient before is held at once."""
    programme = sitting.programme(programme)
    if programme.started and programme.protocol.hash in sitting.state.recalled:
        _hold(sitting, programme)


def judge_migration(sitting: Sitting, event: ProgrammeMigrated) -> tuple[str, ...]:
    """Move the programmes that it is about; what is on another version by now stays there."""
    concerned = [
        each
        for each in sitting.state.programmes
        if each.started and event.programme in {None, each.id} and _is_on(each, event.from_protocol)
    ]
    if not concerned:
        known = event.programme is None or sitting.state.programme(event.programme) is not None
        _refuse(sitting, None, "not_on_version" if known else "no_such_programme")
    for each in concerned:
        _migrate(sitting, each, event)
    return ()


def weighs_alike(one: RehabProtocol, other: RehabProtocol) -> bool:
    """Whether both versions weigh everything alike: they differ in words and sources at most."""
    return _weighed(one) == _weighed(other)


def checkpoints_alike(one: RehabProtocol, other: RehabProtocol) -> bool:
    """Whether both versions ask the same of the checkpoint and of its next day."""
    return _of_the_test(one) == _of_the_test(other)


def _hold(sitting: Sitting, programme: Programme) -> None:
    """A hold that a migration ends, or a clinician; they hear of it the same day."""
    if open_hold(sitting, programme, RECALL, RECALL, "clinician"):
        sitting.say(
            ClinicianAsked,
            RECALL,
            programme,
            evidence=(sitting.item.version,),
            about=RECALL,
            same_day=True,
            subject=sitting.programme(programme).holds[-1].id,
        )


def _migrate(sitting: Sitting, programme: Programme, event: ProgrammeMigrated) -> None:
    to, evidence = event.to_protocol, (sitting.item.version,)
    if programme.protocol.hash == to.hash:
        _refuse(sitting, programme, "already_on_version")
        return
    if to.hash in sitting.state.recalled:
        _refuse(sitting, programme, "version_recalled")
        return
    before, after = sitting.protocol(programme), sitting.protocols.get(to.hash)
    withdraw_proposal(sitting, programme, MIGRATION)
    stood = bool(standing(sitting.programme(programme)))
    kept = checkpoints_alike(before, after)
    if stood and not kept:
        void(sitting, programme, MIGRATION, evidence)
    programme = sitting.programme(programme)
    sitting.say(
        ProtocolChanged,
        MIGRATION,
        replace(programme, protocol=to),
        evidence=evidence,
        from_protocol=programme.protocol,
        to_protocol=to,
        stage=programme.stage,
        windows="kept" if weighs_alike(before, after) else "anew",
        checkpoint="none" if not stood else "kept" if kept else "void",
        by=event.ruled_by,
    )
    for each in programme.open_holds:
        if each.kind == RECALL:
            sitting.say(
                HoldClosed,
                RECALL,
                sitting.programme(programme),
                evidence=evidence,
                hold=each.id,
                by=event.ruled_by,
            )
    weigh_step(sitting, programme)


def _refuse(sitting: Sitting, programme: Programme | None, why: str) -> None:
    """The ruling stays recorded and moves nothing."""
    sitting.say(RulingRefused, MIGRATION, programme, evidence=(sitting.item.version,), why=why)


def _is_on(programme: Programme, protocol: ProtocolRef | None) -> bool:
    return protocol is None or programme.protocol.hash == protocol.hash


def _weighed(protocol: RehabProtocol) -> dict[str, Any]:
    """All figures of a version, without what is said of them."""
    stages = [_bare(each.model_dump(mode="json", exclude_none=True)) for each in protocol.stages]
    exercises = [_bare(each.model_dump(mode="json", exclude_none=True)) for each in protocol.exercises]
    gates = [_bare(each.model_dump(mode="json", exclude_none=True)) for each in protocol.gates]
    flags = sorted(each.id for each in protocol.red_flags)
    return {
        "stages": [{name: each for name, each in stage.items() if name != "name"} for stage in stages],
        "exercises": [{name: each for name, each in one.items() if name != "name"} for one in exercises],
        "gates": gates,
        "numbers": {name: value for name, value in protocol.numbers.items() if not name.startswith(_BESIDE)},
        "red_flags": flags,
    }


def _of_the_test(protocol: RehabProtocol) -> tuple[Any, ...]:
    numbers = {name: value for name, value in protocol.numbers.items() if name.startswith(_OF_THE_TEST)}
    last = _bare(protocol.gates[-1].model_dump(mode="json", exclude_none=True))
    hold = _bare(protocol.exercises_by_id["single_leg_heel_raise_hold"].model_dump(mode="json"))
    return numbers, last, {name: each for name, each in hold.items() if name != "name"}


def _bare(value: Any) -> Any:  # noqa: ANN401 -- parts of a protocol as plain values
    if isinstance(value, dict):
        return {name: _bare(each) for name, each in value.items() if name not in _SAID}
    return [_bare(each) for each in value] if isinstance(value, list) else value
