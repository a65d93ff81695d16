"""Lint: each refusal with its line and what would be right; what is looser is said with both figures."""

import pytest

from libs.rehab.protocol.lint import check_lint, lint, lint_files
from libs.rehab.protocol.lint_gates import reachable
from libs.rehab.protocol.load import ReadProtocol, read_protocol, shipped_files, shipped_names
from libs.rehab.protocol.problems import Finding, ProtocolRefusedError
from libs.rehab.protocol.reading import SourceFile

MAIN, *WORDS = shipped_files("achilles-staged-loading") or ()
TEXT = MAIN.raw.decode()


Edit = tuple[str, str, str]
"""An item's id, a field of it (the first of that name after the id), and its new value; none: left out."""


def edited(*edits: Edit) -> str:
    """The default's file with some fields changed."""
    text = TEXT
    for item, field, value in edits:
        start = text.index(f"id: {item}\n")
        at = text.index(f" {field}: ", start) + 1
        end = text.index("\n", at)
        text = text[:at] + (f"{field}: {value}" if value else "# ") + text[end:]
    return text


def numbered(rule: str, name: str, **fields: str) -> str:
    """The default's file with a number of a rule changed."""
    start = TEXT.index(f"{{name: {name}, ", TEXT.index(f"  - id: {rule}\n"))
    end = TEXT.index("}", start)
    number = dict(each.split(": ", 1) for each in TEXT[start + 1 : end].split(", ")) | fields
    return TEXT[:start] + "{" + ", ".join(f"{each}: {value}" for each, value in number.items()) + TEXT[end:]


def read(text: str) -> ReadProtocol:
    """A protocol from this text, with the default's words."""
    return read_protocol((SourceFile("ours.yaml", text.encode()), *WORDS))


def found(text: str, code: str) -> Finding:
    """What lint says of it, with file and line."""
    said = lint_files(read(text))
    matching = [each for each in said if each.code == code]
    assert matching, [str(each) for each in said]
    assert all(each.right for each in matching)
    assert matching[0].file == "ours.yaml"
    return matching[0]


def codes(text: str) -> set[str]:
    """Everything that lint says of it."""
    return {each.code for each in lint(read(text).protocol)}


def line_of(part: str) -> int:
    """The line on which a part of the default begins."""
    return TEXT[: TEXT.index(part)].count("\n") + 1


@pytest.mark.parametrize("name", shipped_names())
def test_what_is_shipped_may_be_published(name: str) -> None:
    files = shipped_files(name)
    assert files is not None
    assert [str(each) for each in lint_files(read_protocol(files)) if each.level == "error"] == []


@pytest.mark.parametrize("name", ["achilles-staged-loading", "alfredson", "beyer"])
def test_three_of_the_four_are_nowhere_looser(name: str) -> None:
    said = lint(read_protocol(shipped_files(name) or ()).protocol)
    assert [str(each) for each in said if each.level == "warning"] == []


@pytest.mark.rule("P1", "P4")
def test_silbernagel_is_shown_as_looser_with_both_figures() -> None:
    said = lint_files(read_protocol(shipped_files("silbernagel") or ()))
    warnings = {each.field: each for each in said if each.level == "warning"}
    assert set(warnings) == {"rules/P1/numbers/most_pain/value", "rules/P4/numbers/above/value"}
    limit = warnings["rules/P1/numbers/most_pain/value"]
    assert limit.file == "silbernagel.yaml"
    assert "P1.most_pain is 5 /10; the source says 4" in limit.wrong


# The stage graph


def test_without_its_gate_no_stage_is_reached() -> None:
    steps = [(1, 2), (2, 3), (3, 4)]
    assert reachable(steps) == {1, 2, 3, 4}
    for at, (_, stage) in enumerate(steps):
        assert all(each < stage for each in reachable(steps[:at] + steps[at + 1 :]))
    assert reachable([(1, 2), (1, 3), (3, 4)]) == {1, 2, 3, 4}


@pytest.mark.rule("gate 1-2")
def test_a_criterion_that_is_always_met_asks_for_nothing() -> None:
    said = found(edited(("1-2.time", "threshold", '"0"')), "asks-nothing")
    assert said.field == "gates/gate-1-2/criteria/1-2.time/threshold"
    assert said.line == line_of('threshold: "7"\n        unit: days\n')


@pytest.mark.rule("P1")
@pytest.mark.parametrize(
    "edit",
    [("1-2.limit", "days", "13"), ("1-2.limit", "threshold", '"1"'), ("1-2.limit", "comparator", '"<"')],
)
def test_a_gate_that_lets_a_session_over_the_limit_pass_is_refused(edit: Edit) -> None:
    said = found(edited(edit), "limit-missing")
    assert (said.field, said.line) == ("gates/gate-1-2", line_of("  - id: gate-1-2"))


@pytest.mark.rule("gate 2-3")
@pytest.mark.parametrize(
    "edits",
    [
        [("2-3.bilateral", "exercises", "[single_leg_calf_raise]")],
        [("2-3.bilateral", "exercises", "[heel_drop_straight_knee, skipping]")],
        [("stage-2", "prescribes", "[heel_drop_straight_knee, heel_drop_bent_knee]")],
        [("2-3.time", "measure", "weeks.consistent/1"), ("2-3.time", "unit", "weeks")],
        [("2-3.control", "measure", "checkpoint.result/1"), ("2-3.control", "threshold", "passed"),
         ("2-3.control", "days", "")],
    ],
)  # fmt: skip
def test_a_gate_asks_for_nothing_that_the_stage_before_does_not_prescribe(edits: list[Edit]) -> None:
    assert found(edited(*edits), "not-prescribed").level == "error"


@pytest.mark.rule("gate 2-3")
def test_a_rise_is_asked_for_only_where_something_can_rise() -> None:
    still = TEXT.replace("    rises: *weekly\n", "").replace("    rises: *by_bodyweight\n", "")
    for anchor in ("&weekly", "&by_bodyweight"):
        start = still.index(f"    rises: {anchor}")
        still = still[:start] + still[still.index("    ceiling:", start) :]
    assert found(still, "not-prescribed").field == "gates/gate-2-3/criteria/2-3.rise"


@pytest.mark.rule("gate 1-2", "gate 2-3")
@pytest.mark.parametrize(
    ("edit", "refused"),
    [
        (("1-2.count", "threshold", '"14"'), False),
        (("1-2.count", "threshold", '"15"'), True),
        (("1-2.tolerated", "threshold", '"4"'), True),
        (("2-3.count", "days", "14"), False),
        (("2-3.count", "days", "13"), True),
        (("2-3.count", "days", "121"), False),
    ],
)
def test_what_nobody_can_do_within_the_window_is_refused(edit: Edit, refused: bool) -> None:
    assert ("never-met" in codes(edited(edit))) is refused


def test_a_window_that_reaches_back_too_far_is_refused() -> None:
    assert "window-long" in codes(edited(("2-3.count", "days", "121")))
    assert "window-long" not in codes(edited(("2-3.count", "days", "120")))


@pytest.mark.rule("P1")
@pytest.mark.parametrize(("pain", "refused"), [('"4"', False), ('"4.5"', True)])
def test_a_gate_allows_no_more_pain_than_the_limit(pain: str, refused: bool) -> None:
    text = edited(("2-3.pain_during", "threshold", pain))
    assert ("above-limit" in codes(text)) is refused
    if refused:
        assert "P1 only up to 4" in found(text, "above-limit").wrong


def test_a_statement_says_what_is_weighed() -> None:
    assert "says 5" in found(edited(("1-2.count", "threshold", '"4"')), "statement").wrong


@pytest.mark.rule("P1")
def test_a_rule_stops_saying_the_number_that_was_changed() -> None:
    said = found(numbered("P1", "most_pain", value="3", basis="default"), "statement")
    assert said.wrong == "The statement still says 4, and most_pain is 3."


# What the source fixes


@pytest.mark.rule("checkpoint", "W1", "P7")
@pytest.mark.parametrize(
    ("rule", "name", "value"),
    [
        ("checkpoint", "ratio", '"1.4999"'),
        ("checkpoint", "pain", "1"),
        ("checkpoint", "hold_s", "29"),
        ("P7", "tempo_s", "2"),
        ("P7", "hold_s", "29"),
    ],
)
@pytest.mark.parametrize("basis", ["seed", "default"])
def test_no_version_is_weaker_than_the_source(rule: str, name: str, value: str, basis: str) -> None:
    said = found(numbered(rule, name, value=value, basis=basis), "weaker")
    assert said.level == "error"
    assert said.field == f"rules/{rule}/numbers/{name}/value"
    assert "the source says" in said.wrong


@pytest.mark.rule("T5", "insertional", "F11")
@pytest.mark.parametrize(
    ("rule", "name", "value"),
    [
        ("T5", "insertional_below_cm", "1"),
        ("insertional", "pain", "4"),
        ("insertional", "morning_pain", "3"),
        ("insertional", "days", "7"),
        ("insertional", "check_ins", "3"),
    ],
)
def test_no_version_puts_a_reactive_insertional_tendon_on_a_step(rule: str, name: str, value: str) -> None:
    assert found(numbered(rule, name, value=value, basis="default"), "weaker").level == "error"


@pytest.mark.rule("F5", "F6", "zone_2")
@pytest.mark.parametrize(
    ("rule", "name", "value"),
    [("F5", "running_stage", "3"), ("F6", "last_stage", "2"), ("zone_2", "impact_from_stage", "3")],
)
def test_no_version_allows_elastic_work_before_stage_4(rule: str, name: str, value: str) -> None:
    assert found(numbered(rule, name, value=value, basis="default"), "weaker").level == "error"


@pytest.mark.rule("gate 1-2", "gate 2-3")
@pytest.mark.parametrize(
    ("criterion", "code", "level"),
    [
        ("1-2.tolerated", "weaker", "error"),
        ("2-3.control", "weaker", "error"),
        ("1-2.days", "looser", "warning"),
    ],
)
def test_what_the_source_asks_for_at_a_step_stays(criterion: str, code: str, level: str) -> None:
    start = TEXT.index(f"      - id: {criterion}\n")
    rest = TEXT[TEXT.index("\n      - id: ", start) + 1 :]
    text = (TEXT[:start] + rest).replace(f"{criterion}, ", "")
    assert found(text, code).level == level


@pytest.mark.rule("gate 2-3")
def test_what_the_source_asks_for_is_weighed_as_it_says() -> None:
    text = edited(("2-3.tolerated", "measure", "sessions.days/1"), ("2-3.tolerated", "unit", "days"))
    assert found(text, "weaker").field == "gates/gate-2-3/criteria/2-3.tolerated"


def test_an_effect_needs_evidence() -> None:
    assert found(edited(("stage-1.effect", "basis", "seed"), ("stage-1.effect", "citation", "dea")), "effect")


@pytest.mark.rule("checkpoint")
def test_a_version_may_ask_for_more_than_the_source() -> None:
    assert "weaker" not in codes(numbered("checkpoint", "ratio", value='"1.6"', basis="default"))


@pytest.mark.rule("W1")
def test_fewer_than_twelve_weeks_are_refused_whatever_the_gate_asks() -> None:
    text = numbered("W1", "weeks", value="8").replace('threshold: "12"', 'threshold: "8"')
    assert found(text, "weaker").field == "rules/W1/numbers/weeks/value"


def test_another_figure_on_the_basis_of_the_source_is_refused() -> None:
    said = found(numbered("P1", "most_pain", value="5"), "basis-untrue")
    assert said.wrong == "It is 5 on the basis of the source article, who says 4."


@pytest.mark.rule("T3")
def test_a_red_flag_that_is_no_longer_asked_is_refused() -> None:
    flag = next(line for line in TEXT.splitlines() if "id: numbness" in line)
    said = found(TEXT.replace(flag + "\n", ""), "red-flag-missing")
    assert said.wrong == "The red flag numbness is missing."


# Figures


@pytest.mark.parametrize(
    ("rule", "name", "fields", "code"),
    [
        ("P1", "most_pain", {"value": "11"}, "scale"),
        ("P1", "most_pain", {"value": "4.2"}, "scale"),
        ("P6", "coverage", {"value": "3/2"}, "scale"),
        ("P5", "lighter_percent", {"value": "101"}, "scale"),
        ("P2", "settled_min", {"unit": "hours"}, "unit"),
        ("P6", "next_day_from_h", {"value": "40"}, "order"),
    ],
)  # fmt: skip
def test_figures_lie_on_their_scale_and_in_the_judges_unit(
    rule: str, name: str, fields: dict[str, str], code: str
) -> None:
    said = found(numbered(rule, name, **fields), code)
    assert said.level == "error"
    assert said.line is not None


def test_a_number_that_the_judge_does_not_read_is_refused() -> None:
    text = TEXT.replace("      - {name: settled_min", "      - {name: settles, value: 5, unit: minutes, "
                        "basis: default}\n      - {name: settled_min")  # fmt: skip
    assert found(text, "number-unknown").field == "rules/P2/numbers/settles"


@pytest.mark.rule("P4")
def test_what_is_stricter_is_no_warning_and_what_is_looser_is_one() -> None:
    assert found(numbered("P4", "over_baseline", value="3"), "looser").level == "warning"
    assert "looser" not in codes(numbered("P4", "over_baseline", value="1"))


@pytest.mark.rule("gate 1-2")
def test_a_gate_that_asks_for_less_is_a_warning() -> None:
    assert found(edited(("1-2.time", "threshold", '"5"')), "looser").level == "warning"
    assert "looser" not in codes(edited(("1-2.time", "threshold", '"9"')))
    way = '14\n        or_else: [{measure: stage.days/1, comparator: ">=", threshold: "60", unit: days}]'
    assert found(edited(("1-2.count", "days", way)), "looser").level == "warning"
    assert found(edited(("1-2.count", "days", "28")), "looser").level == "warning"


# Words


def words(old: str, new: str) -> set[str]:
    """What lint says of the default with one change in its English words."""
    english = next(each for each in WORDS if each.name.endswith(".en.yaml"))
    text = english.raw.decode()
    assert old in text
    others = [each for each in WORDS if each is not english]
    file = SourceFile("ours.en.yaml", text.replace(old, new, 1).encode())
    return {each.code for each in lint_files(read_protocol((MAIN, file, *others))) if each.file == file.name}


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("  - id: input_weighed\n", "  - id: input_pondered\n", "message-missing"),
        ("  - id: input_weighed\n", "  - id: input_pondered\n", "message-unknown"),
        ("{P1.most_pain}", "{P1.most_paint}", "placeholder"),
        ("You begin at Stage {stage}", "You begin at Stage {stag}", "placeholder"),
        ("You begin at Stage {stage}", "You begin at Stage {stage.__class__}", "placeholder"),
        ("You begin at Stage {stage}", "You begin at Stage {stage!r}", "placeholder"),
    ],
)
def test_words_are_whole_and_can_be_filled(old: str, new: str, code: str) -> None:
    assert code in words(old, new)


def test_a_protocol_without_english_is_refused() -> None:
    assert "words-missing" in {each.code for each in lint(read_protocol((MAIN,)).protocol)}


def test_publishing_asks_for_no_errors_and_hands_back_the_warnings() -> None:
    looser = read(numbered("P4", "over_baseline", value="3")).protocol
    assert [each.code for each in check_lint(looser)] == ["looser"]
    with pytest.raises(ProtocolRefusedError) as refused:
        check_lint(read(numbered("checkpoint", "ratio", value='"1.2"')).protocol)
    assert {each.level for each in refused.value.findings} == {"error"}
