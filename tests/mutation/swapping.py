"""Puts a mutant into force in a running process: the function's code is exchanged, wherever it is known."""

import functools
import gc
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType

from tests.mutation.mutants import Mutant, mutated
from tests.support.rules import ROOT

_KEPT = "libs.rehab.protocol"
"""Protocols are read once: no mutant changes them."""
_JUDGE = ("libs.rehab", "tests.")


class Functions:
    """Every function of the judge as it lives here, by file, first line and name."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, str], list[FunctionType]] = {}
        self._caches: list[Callable[[], None]] = []
        for each in gc.get_objects():
            if isinstance(each, FunctionType):
                code = each.__code__
                self._known.setdefault((code.co_filename, code.co_firstlineno, code.co_qualname), []).append(
                    each
                )
            elif isinstance(each, functools._lru_cache_wrapper):
                module = getattr(each, "__module__", None) or ""
                if module.startswith(_JUDGE) and not module.startswith(_KEPT):
                    self._caches.append(each.cache_clear)

    def swap(self, mutant: Mutant) -> None:
        """Put a mutant into force. Raises: LookupError where its function isn't alive."""
        path = str(ROOT / mutant.place.file)
        new = _outermost(compile(mutated(mutant), path, "exec"), mutant.line)
        alive = self._known.get((path, new.co_firstlineno, new.co_qualname), [])
        if not alive:
            raise LookupError(f"not alive: {mutant.name}")
        for each in alive:
            each.__code__ = new
        self.forget()

    def forget(self) -> None:
        """Empty the judge's and the tests' caches."""
        for each in self._caches:
            each()


def _outermost(module: CodeType, line: int) -> CodeType:
    """The code of the function that a line is in; not that of functions inside it."""
    found = [each for each in _functions(module) if line in _lines(each)]
    if not found:
        raise LookupError(f"no function at line {line}")
    return found[0]


def _functions(code: CodeType) -> Iterator[CodeType]:
    """Functions and methods: what stands in a module or in a class."""
    for each in code.co_consts:
        if isinstance(each, CodeType):
            if each.co_flags & 0x02:  # a function's locals are optimised; a class body's are not
                yield each
            else:
                yield from _functions(each)


def _lines(code: CodeType) -> set[int]:
    own = {line for _, _, line in code.co_lines() if line is not None}
    for each in code.co_consts:
        if isinstance(each, CodeType):
            own |= _lines(each)
    return set(range(min(own), max(own) + 1)) if own else own
