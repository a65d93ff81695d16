"""What a note makes one ask holds the programme until somebody answers; it never lowers loading (P3, T3).

Free text decides nothing: whoever imports a note may ask by it, and what nobody answered holds.
"""

from typing import Any, get_args

import msgspec

from libs.events.base import Event
from libs.events.care import CARE
from libs.events.decisions import ClinicianAsked, HoldClosed, HoldOpened
from libs.events.facts import (
    FACTS,
    CheckpointTested,
    FactCorrected,
    RedFlag,
    SessionLogged,
    TrialRecorded,
)
from libs.kernel.times import parse_instant
from libs.rehab.answers import hold_about
from libs.rehab.corrections import readable, target_of
from libs.rehab.offers import weigh_step_and_offer
from libs.rehab.patient import Fact, Hold, Patient, Programme
from libs.rehab.sessions import concerns
from libs.rehab.sitting import Sitting
from libs.rehab.steps import withdraw_proposal

KIND = "question"
SHARP = "sharp"
RED_FLAGS: frozenset[str] = frozenset(get_args(RedFlag))
_MODELS = {each.TYPE: each for each in (*FACTS, *CARE)}


def rule_of(questions: tuple[str, ...]) -> str:
    """The rule by which questions hold: that of red flags where one is among them."""
    return "T3" if RED_FLAGS.intersection(questions) else "P3"


def ask(sitting: Sitting, fact: Fact[Any]) -> None:
    """Hold every programme that an unanswered question of a fact concerns, before anything moves by it."""
    questions: tuple[str, ...] = getattr(fact.event, "questions", ())
    if questions:
        _settle(sitting, fact, questions)


def reconsider(sitting: Sitting, event: FactCorrected) -> bool:
    """Ask by a fact's corrected words: a withdrawn fact asks nothing, and what was answered is closed.

    Returns: whether it was about a question.
    """
    before = _open_questions(sitting.state, event.target)
    if event.replacement_type is None:
        for programme in sitting.state.programmes:
            hold = _hold(programme, event.target)
            if hold is not None:
                _close(sitting, programme, hold, rule_of(hold.questions))
        _weigh_alone(sitting, event)
        return bool(before)
    fact = _as_it_counts(sitting.state, event)
    left = _left(fact.event, before, event) if fact is not None else ()
    if fact is None or not (before or left):
        return False
    _settle(sitting, fact, left)
    _weigh_alone(sitting, event)
    return True


def _weigh_alone(sitting: Sitting, event: FactCorrected) -> None:
    """Weigh steps after the correction of a fact that isn't kept; others are weighed themselves first."""
    if target_of(sitting.state.history, event.target) is None:
        for programme in sitting.state.programmes:
            if programme.started:
                weigh_step_and_offer(sitting, programme, only_changes=True)


def close_answered(sitting: Sitting) -> None:
    """End the holds whose questions were all answered (`answered` took the answers in); then weigh."""
    for programme in sitting.state.programmes:
        over = [each for each in programme.open_holds if each.kind == KIND and not each.questions]
        for each in over:
            _close(sitting, programme, each, "T3")
        if over:
            weigh_step_and_offer(sitting, sitting.programme(programme), only_changes=True)


def _settle(sitting: Sitting, fact: Fact[Any], questions: tuple[str, ...]) -> None:
    for programme in sitting.state.programmes:
        wanted = _concerning(sitting.state, programme, fact, questions)
        hold = _hold(programme, fact.version)
        if hold is None and wanted:
            _open(sitting, programme, fact, wanted)
        elif hold is not None and not wanted:
            _close(sitting, programme, hold, rule_of(hold.questions))
        elif hold is not None and set(wanted) != set(hold.questions):
            _open(sitting, programme, fact, wanted)


def _open(sitting: Sitting, programme: Programme, fact: Fact[Any], questions: tuple[str, ...]) -> None:
    rule, evidence = rule_of(questions), (fact.source,)
    sitting.say(
        HoldOpened,
        rule,
        programme,
        evidence=evidence,
        hold=hold_about(fact.version),
        kind=KIND,
        ends_with="answer",
        questions=questions,
    )
    withdraw_proposal(sitting, programme, "question_hold")
    about = "red_flag_question" if rule == "T3" else "question"
    sitting.say(ClinicianAsked, rule, programme, evidence=evidence, about=about, same_day=True)


def _close(sitting: Sitting, programme: Programme, hold: Hold, rule: str) -> None:
    sitting.say(HoldClosed, rule, programme, evidence=(sitting.item.version,), hold=hold.id)


def _hold(programme: Programme, version: int) -> Hold | None:
    return next((each for each in programme.open_holds if each.id == hold_about(version)), None)


def _open_questions(state: Patient, version: int) -> tuple[str, ...]:
    holds = [_hold(each, version) for each in state.programmes]
    return tuple(dict.fromkeys(question for hold in holds if hold for question in hold.questions))


def _concerning(
    state: Patient, programme: Programme, fact: Fact[Any], questions: tuple[str, ...]
) -> tuple[str, ...]:
    """What is asked of a programme: of a red flag every one, of pain only where the fact tells of its side.

    A red flag that suspends loading already was answered with yes.
    """
    if not programme.started or fact.place <= (programme.enrolled_at, programme.enrolled_version):
        return ()
    mine = _tells_of(fact, programme)
    return tuple(each for each in questions if each not in state.suspended and (mine or each in RED_FLAGS))


def _tells_of(fact: Fact[Any], programme: Programme) -> bool:
    if isinstance(fact.event, SessionLogged):
        return concerns(fact, programme.side)
    named = getattr(fact.event, "programme", None) in {None, programme.id}
    return named and getattr(fact.event, "side", None) in {None, "both", programme.side}


def _as_it_counts(state: Patient, event: FactCorrected) -> Fact[Any] | None:
    """The corrected fact in its new words; None where they can't be read.

    Of facts that are not kept, such as notes, they are read here.
    """
    kept = target_of(state.history, event.target)
    if kept is not None:
        return kept if readable(state, event) else None
    model = _MODELS.get(event.replacement_type or "")
    if model is None or event.replacement_occurred_at is None:
        return None
    try:
        words = msgspec.convert(event.replacement, model)
        at = parse_instant(event.replacement_occurred_at)
    except (msgspec.ValidationError, ValueError):
        return None
    return Fact(at, event.target, state.version, at, words)


def _left(event: Event, before: tuple[str, ...], correction: FactCorrected) -> tuple[str, ...]:
    """What the corrected fact still makes one ask.

    An importer read the note again, and says all that it asks. Whoever else corrects a fact may correct
    something beside the question: that stays until the fact itself answers it.
    """
    asked: tuple[str, ...] = getattr(event, "questions", ())
    if correction.channel != "import":
        asked = (*asked, *(each for each in before if not _answers(event, each)))
    return tuple(dict.fromkeys(asked))


def _answers(event: Any, question: str) -> bool:  # noqa: ANN401 -- of facts that have a field for it
    """Whether a fact says yes or no to a question itself; of red flags only their own answers do."""
    if question in RED_FLAGS:
        return False
    if isinstance(event, SessionLogged):
        return SHARP in event.asked or any(each.sharp is not None for each in event.exercises)
    if isinstance(event, CheckpointTested | TrialRecorded):
        return SHARP in event.asked or event.sharp is not None
    return True
