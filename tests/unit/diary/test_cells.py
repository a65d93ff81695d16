from decimal import Decimal

import pytest

from services.session_ingest.diary import cells
from services.session_ingest.diary.cells import CellError, Quantity


def mass(text: str, default: str = "kg") -> Quantity:
    return cells.read_mass(text, default=default, low=0, high=500, what="a load")


def seconds(text: str) -> Quantity:
    return cells.read_seconds(text, default="s", low=Decimal("0.1"), high=600, what="a hold")


@pytest.mark.parametrize(
    ("text", "value"),
    [("4", "4"), ("4/10", "4"), ("4 / 10", "4"), ("4,5/10", "4.5"), ("0", "0"), ("10", "10"), ("7.5", "7.5")],
)
def test_score_takes_what_people_write(text: str, value: str) -> None:
    assert cells.read_score(text) == Decimal(value)


@pytest.mark.parametrize("text", ["11", "-1", "4.3", "4/5", "NaN", "Infinity", "1e1", "four", "4-5", "4 kg"])
def test_score_refuses_what_is_none(text: str) -> None:
    with pytest.raises(CellError, match="half points"):
        cells.read_score(text)


@pytest.mark.parametrize(
    ("text", "kilograms", "typed"),
    [
        ("20", "20", None),
        ("20 kg", "20", None),
        ("68,4", "68.4", None),
        ("0.0", "0.0", None),
        ("0 lb", "0", ("0", "lb")),
        ("27.6 lb", "12.519149412", ("27.6", "lb")),
        ("45lbs", "20.41165665", ("45", "lbs")),
        ("11st 4lb", "71.66759446", ("11st 4lb", "st lb")),
        ("11st", "69.85322498", ("11", "st")),
        ("103.35", "103.35", None),
    ],
)
def test_mass_is_converted_exactly_and_keeps_what_was_typed(
    text: str, kilograms: str, typed: tuple[str, str] | None
) -> None:
    read = mass(text)
    assert str(read.value) == kilograms
    assert (read.typed, read.unit) == (typed or (None, None))


def test_mass_takes_the_unit_of_its_column_where_the_cell_has_none() -> None:
    assert mass("10", default="lb") == Quantity(Decimal("4.5359237"), "10", "lb")
    assert mass("10 kg", default="lb") == Quantity(Decimal(10))


@pytest.mark.parametrize("text", ["-5", "900", "20 stone of sand", "1,500", "1e3", "NaN", "5 cm", "heavy"])
def test_mass_refuses_what_is_none(text: str) -> None:
    with pytest.raises(CellError, match="a load from 0 to 500 kg"):
        mass(text)


@pytest.mark.parametrize(
    ("text", "value"), [("35 sec", "35"), ("35", "35"), ("29.9", "29.9"), ("0:45", "45"), ("1 min", "60")]
)
def test_seconds_take_what_people_write(text: str, value: str) -> None:
    assert seconds(text).value == Decimal(value)


@pytest.mark.parametrize("text", ["0", "4 h", "-3", "30 kg", "1:2:03", "a while"])
def test_seconds_refuse_what_is_no_hold(text: str) -> None:
    with pytest.raises(CellError):
        seconds(text)


def test_minutes_take_hours_too() -> None:
    assert cells.read_minutes("1.5 h", default="min", what="x") == Quantity(Decimal(90), "1.5", "h")
    assert cells.read_minutes("25", default="min", what="x") == Quantity(Decimal(25))


def test_extent_is_a_distance_or_a_duration() -> None:
    assert cells.read_extent("5 km") == (Quantity(Decimal(5)), None)
    assert cells.read_extent("3 miles")[0] == Quantity(Decimal("4.828032"), "3", "miles")
    assert cells.read_extent("30 min") == (None, Quantity(Decimal(30)))
    with pytest.raises(CellError):
        cells.read_extent("5")
    with pytest.raises(CellError):
        cells.read_extent("5 m")


def test_height_above_the_heel_bone_is_read_where_it_is_one() -> None:
    assert cells.read_height("3 cm above the heel") == Quantity(Decimal(3))
    assert cells.read_height("25 mm") == Quantity(Decimal("2.5"), "25", "mm")
    assert cells.read_height("mid_portion") is None
    with pytest.raises(CellError):
        cells.read_height("300 cm")


def test_count_is_whole() -> None:
    assert cells.read_count("15", 60) == 15
    for text in ("0", "1.5", "61", "-1", "three"):
        with pytest.raises(CellError):
            cells.read_count(text, 60)
