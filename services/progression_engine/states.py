"""Patients' folds in memory: the newest used stay, and a fold that another engine overtook is dropped."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final

from libs.kernel.ids import LogId, PatientId
from services.progression_engine.domain import Folded

MOST: Final = 4_096


class States:
    """A cache of folds by log and patient. It is never the record: what is missing is folded again."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[LogId, PatientId], Folded] = OrderedDict()

    def get(self, log: LogId, patient: PatientId) -> Folded | None:
        """The fold that was kept last."""
        found = self._kept.get((log, patient))
        if found is not None:
            self._kept.move_to_end((log, patient))
        return found

    def keep(self, log: LogId, folds: Mapping[PatientId, Folded]) -> None:
        """Keep what was committed."""
        for patient, folded in folds.items():
            self._kept[log, patient] = folded
            self._kept.move_to_end((log, patient))
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def drop(self, log: LogId, patients: Iterable[PatientId]) -> None:
        """Forget what may no longer hold."""
        for patient in patients:
            self._kept.pop((log, patient), None)
