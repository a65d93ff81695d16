"""Lint: what a protocol must not do, and where it is looser than the source article. Pure.

What the judge can't work with at all is refused when it is read (`structure`). Here: gates that lead nowhere
or prove nothing, figures outside their scale or unlike what they cite, a weaker checkpoint, missing words.
"""

from collections.abc import Iterator
from typing import Final

from libs.events.facts import RedFlag
from libs.rehab.protocol.lint_figures import lint_figures
from libs.rehab.protocol.lint_gates import lint_gates
from libs.rehab.protocol.lint_seed import lint_seed
from libs.rehab.protocol.lint_words import lint_words
from libs.rehab.protocol.load import ReadProtocol, load_default
from libs.rehab.protocol.model import RehabProtocol
from libs.rehab.protocol.problems import Finding, errors_of, refused

RED_FLAGS: Final[tuple[str, ...]] = RedFlag.__args__  # type: ignore[attr-defined]


def lint(protocol: RehabProtocol, seed: RehabProtocol | None = None) -> tuple[Finding, ...]:
    """What is wrong with a protocol (`error`: it must not be published) and what is looser (`warning`).

    `seed` is what it is compared with: the shipped default, which says what the source article says. Errors
    first, then warnings; where the files are at hand, `ReadProtocol.placed` adds their lines.
    """
    compared = seed or load_default()
    found = (
        *lint_gates(protocol),
        *lint_figures(protocol, compared),
        *_red_flags(protocol),
        *_effects(protocol),
        *lint_words(protocol),
        *lint_seed(protocol, compared),
    )
    return tuple(sorted(found, key=lambda each: each.level))


def lint_files(read: ReadProtocol, seed: RehabProtocol | None = None) -> tuple[Finding, ...]:
    """The same, with file and line."""
    return read.placed(lint(read.protocol, seed))


def check_lint(protocol: RehabProtocol, seed: RehabProtocol | None = None) -> tuple[Finding, ...]:
    """The warnings of a protocol that may be published. Raises: ProtocolRefusedError."""
    found = lint(protocol, seed)
    if wrong := errors_of(found):
        raise refused(wrong)
    return found


def _effects(protocol: RehabProtocol) -> Iterator[Finding]:
    """An effect is promised only where evidence holds."""
    for stage in protocol.stages:
        if stage.effect is not None and stage.effect.basis != "evidence":
            wrong = f"An effect of {stage.name} is told on the basis {stage.effect.basis}."
            right = "What is said of effects needs evidence, cited."
            yield Finding(code="effect", path=("stages", stage.id, "effect"), wrong=wrong, right=right)


def _red_flags(protocol: RehabProtocol) -> Iterator[Finding]:
    """The safety layer can grow, never shrink."""
    known = {each.id for each in protocol.red_flags}
    for name in RED_FLAGS:
        if name not in known:
            wrong = f"The red flag {name} is missing."
            right = "A protocol asks for every red flag."
            yield Finding(code="red-flag-missing", path=("red_flags",), wrong=wrong, right=right)
    for flag in known - set(RED_FLAGS):
        wrong = f"{flag} is a red flag that nobody can report."
        right = f"There are: {', '.join(RED_FLAGS)}."
        yield Finding(code="red-flag-unknown", path=("red_flags", flag), wrong=wrong, right=right)
