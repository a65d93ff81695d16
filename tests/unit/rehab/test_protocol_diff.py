"""What a diff says, and a protocol shown for reading."""

import jsonschema_rs
import pytest

from libs.rehab.protocol import ExerciseItem
from libs.rehab.protocol.diff import GROUPS, Change, diff
from libs.rehab.protocol.load import load_default, load_shipped, read_protocol, shipped_files, shipped_names
from libs.rehab.protocol.reading import SourceFile, read_file
from libs.rehab.protocol.schema import file_schema
from libs.rehab.protocol.show import show
from libs.rehab.protocol.tree import plain

HEAD = """
id: ours
version: 1.0.0
based_on: achilles-staged-loading
title: Ours
summary: As we do it.
"""


def compared(more: str, words: str | None = None) -> dict[str, Change]:
    """What changes from the default to a variant."""
    files = [SourceFile("ours.yaml", (HEAD + more).encode())]
    if words:
        files.append(SourceFile("ours.en.yaml", words.encode()))
    return {each.about: each for each in diff(load_default(), read_protocol(files).protocol)}


def test_nothing_changes_from_a_protocol_to_itself() -> None:
    for name in shipped_names():
        assert diff(load_shipped(name), load_shipped(name)) == ()


@pytest.mark.rule("P1", "P4")
def test_default_against_silbernagel_is_said_in_words() -> None:
    limit, flare, *steps = diff(load_default(), load_shipped("silbernagel"))
    assert (limit.group, limit.direction) == (flare.group, flare.direction) == ("limits", "looser")
    assert limit.text == (
        "Pain during loading is at most 5/10, not 4/10 "
        "(P1, by evidence, silbernagel-2007; before by the source article, dea)."
    )
    assert flare.text == (
        "A check-in is a flare with pain above 5/10, not 4/10 "
        "(P4, by evidence, silbernagel-2007; before by default, silbernagel-2007)."
    )
    asked = "The median pain of the last 7 days was no higher than that of the 7 days before."
    assert [each.text for each in steps] == [
        f"The step from Stage {stage} to {stage + 1} asks besides: {asked}" for stage in (1, 2, 3)
    ]
    assert {(each.group, each.direction) for each in steps} == {("gates", "stricter")}


def test_the_way_back_says_the_opposite() -> None:
    forth = {each.about: each for each in diff(load_default(), load_shipped("silbernagel"))}
    back = {each.about: each for each in diff(load_shipped("silbernagel"), load_default())}
    assert forth.keys() == back.keys()
    opposite = {"looser": "stricter", "stricter": "looser"}
    for name, each in forth.items():
        assert back[name].direction == opposite[each.direction or ""]
        assert (back[name].before, back[name].after) == (each.after, each.before)


def test_alfredson_changes_how_often_what_and_how_load_rises() -> None:
    changes = {each.about: each for each in diff(load_default(), load_shipped("alfredson"))}
    assert (
        changes["stage-2.per_week"].text == "Stage 2 is done twice a day, every day. Before: 3 times a week."
    )
    assert "no longer prescribes: Slow bilateral calf raise" in changes["stage-2.prescribes"].text
    rises = changes["heel_drop_straight_knee.rises"]
    assert rises.group == "loads"
    assert rises.after == (
        "the load rises by 10 % of bodyweight, at most every 7 days, after 2 well tolerated sessions "
        "with pain at most 0/10, or 14 days at one load, all well tolerated with pain at most 2/10"
    )


def test_beyer_changes_doses_by_the_week() -> None:
    changes = {each.about: each for each in diff(load_default(), load_shipped("beyer"))}
    assert "from week 9 4 x 6" in (changes["slow_bilateral_calf_raise.dose"].after or "")


def test_a_criterion_that_is_gone_or_asks_for_more_is_said_with_its_direction() -> None:
    more = """
remove: [1-2.days]
gates:
  - id: gate-1-2
    criteria:
      - {id: 1-2.time, threshold: 10, statement: At least 10 days since the first valid session of the stage.}
"""
    changes = compared(more)
    assert changes["1-2.days"].direction == "looser"
    assert "no longer asks" in changes["1-2.days"].text
    assert changes["1-2.time"].direction == "stricter"


@pytest.mark.parametrize(
    ("more", "group", "about"),
    [
        ("rules: [{id: W1, numbers: [{name: grace_days, value: 5}]}]", "weeks", "W1.grace_days"),
        ("rules: [{id: T4, statement: Rest is no plan.}]", "red_flags", "T4"),
        ("red_flags: [{id: fever, statement: Fever or chills.}]", "red_flags", "fever"),
        (
            "exercises: [{id: wall_sit_calf_raise_hold, ceiling: '0.5'}]",
            "loads",
            "wall_sit_calf_raise_hold.ceiling",
        ),
        ("gates: [{id: gate-1-2, ask_after_days: 14}]", "gates", "gate-1-2"),
        ("stages: [{id: stage-1, name: Holds}]", "doses", "stage-1.name"),
    ],
)
def test_every_kind_of_change_stands_in_its_group(more: str, group: str, about: str) -> None:
    change = compared(more + "\n")[about]
    assert change.group == group
    assert change.text[0].isupper() or change.text[0] in "TWPR"
    assert group in GROUPS


def test_other_words_are_shown_as_they_were_and_are() -> None:
    words = """
language: en
messages:
  - {id: input_weighed, patient: "Thanks, noted."}
"""
    (change,) = compared("", words).values()
    assert change.group == "words"
    assert change.after == "Thanks, noted."
    assert change.before == load_default().wording("en").messages_by_id["input_weighed"].patient


@pytest.mark.parametrize("name", shipped_names())
def test_a_protocol_is_shown_whole(name: str) -> None:
    protocol = load_shipped(name)
    shown = show(protocol)
    assert shown.startswith(f"# {protocol.title}\n")
    assert protocol.hash in shown
    for each in protocol.items():
        assert (each.name if isinstance(each, ExerciseItem) else each.statement) in shown
    for citation in protocol.citations:
        assert citation.text in shown
    assert "None" not in shown


@pytest.mark.parametrize("name", shipped_names())
def test_the_schema_for_editors_takes_what_is_shipped_and_marks_what_is_wrong(name: str) -> None:
    schema = jsonschema_rs.validator_for(file_schema())
    body = plain(read_file((shipped_files(name) or ())[0]))
    assert [each.message for each in schema.iter_errors(body)] == []
    assert not schema.is_valid(body | {"colour": "red"})
    assert not schema.is_valid({key: each for key, each in body.items() if key != "version"})


def test_the_schema_describes_its_fields() -> None:
    definitions = file_schema()["$defs"]
    assert definitions["Dose"]["properties"]["least_sets"]["description"]
    assert "MeasureSpec" not in definitions
