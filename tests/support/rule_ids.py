"""Which clinical rules a test shows: those of its marks, and those that its name begins with.

`test_p4_p5_…` shows P4 and P5, `test_gate_1_2_…` the gate, `test_checkpoint_…` the checkpoint;
`@pytest.mark.rule("R1", "F3")` says it of any other test.
"""

import re

_SHORT = re.compile(r"(?:[tprfw]\d{1,2}_)+")
_LONG = {
    "gate_1_2_": "gate 1-2", "gate_2_3_": "gate 2-3", "gate_3_4_": "gate 3-4", "checkpoint_": "checkpoint",
    "override_": "override", "pause_": "pause", "prescription_": "prescription", "zone_2_": "zone_2",
    "visa_a_": "visa_a", "adverse_event_": "adverse_event", "recall_": "recall",
    "insertional_": "insertional",
}  # fmt: skip


def rules_in_name(test: str) -> frozenset[str]:
    """The rules that a test's name begins with."""
    name = test.rpartition("::")[2].partition("[")[0].removeprefix("test_")
    short = _SHORT.match(name)
    if short:
        return frozenset(each.upper() for each in short[0].rstrip("_").split("_"))
    return frozenset(rule for prefix, rule in _LONG.items() if name.startswith(prefix))
