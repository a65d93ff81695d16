"""What one cell says. Each reader takes the text and gives a value, or says what it expected."""

import re
from decimal import Decimal
from typing import Final

import msgspec

from services.session_ingest.diary.words import Vocabulary

POUND: Final = Decimal("0.45359237")
"""Kilograms, exactly."""
STONE: Final = POUND * 14
_NUMBER = r"(\d+(?:[.,]\d+)?|[.,]\d+)"
_MINUS: Final = "\N{MINUS SIGN}"
_PLAIN: Final = re.compile(rf"\s*([-+{_MINUS}]?)\s*{_NUMBER}\s*([^\d.,]*?)\.?\s*")
_OUT_OF_TEN: Final = re.compile(rf"{_NUMBER}\s*(?:/|out of|of)\s*10")
_STONE_POUNDS: Final = re.compile(rf"{_NUMBER}\s*(?:st|stones?)\s*(?:{_NUMBER}\s*(?:lbs?|pounds?)?)?", re.I)
_CLOCK: Final = re.compile(r"(\d+):([0-5]\d)(?::([0-5]\d))?")
_MASS: Final = {
    **dict.fromkeys(("kg", "kgs", "kilo", "kilos", "kilogram", "kilograms"), Decimal(1)),
    **dict.fromkeys(("lb", "lbs", "pound", "pounds"), POUND),
    **dict.fromkeys(("st", "stone", "stones"), STONE),
}
_SECONDS: Final = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", '"', "″"), Decimal(1)),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes", "'"), Decimal(60)),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), Decimal(3600)),
}
_KILOMETRES: Final = {
    **dict.fromkeys(("km", "kms", "k", "kilometres", "kilometers"), Decimal(1)),
    **dict.fromkeys(("m", "metres", "meters"), Decimal("0.001")),
    **dict.fromkeys(("mi", "mile", "miles"), Decimal("1.609344")),
}
_CENTIMETRES: Final = {
    **dict.fromkeys(("cm", "centimetres", "centimeters"), Decimal(1)),
    **dict.fromkeys(("mm", "millimetres", "millimeters"), Decimal("0.1")),
}


class CellError(Exception):
    """The cell does not say what is expected."""

    def __init__(self, expected: str) -> None:
        super().__init__(expected)
        self.expected = expected


class Quantity(msgspec.Struct, frozen=True):
    """A number in the unit used here, and as it was typed where that was another one."""

    value: Decimal
    typed: str | None = None
    unit: str | None = None


def plain_decimal(number: Decimal) -> Decimal:
    """The same number without exponent and without trailing zeros."""
    return Decimal(format(number.normalize(), "f"))


def _parse_number(text: str) -> tuple[Decimal, str] | None:
    match = _PLAIN.fullmatch(text)
    if match is None:
        return None
    sign, digits, unit = match.groups()
    if re.fullmatch(r"[1-9]\d{0,2},\d{3}", digits):
        return None  # 1,500 may be fifteen hundred or one and a half
    number = Decimal(digits.replace(",", "."))
    return (-number if sign in {"-", _MINUS} and number else number), unit.strip().lower()


def _within(number: Decimal, low: Decimal | int, high: Decimal | int, expected: str) -> Decimal:
    if not low <= number <= high:
        raise CellError(expected)
    return number


def read_score(text: str) -> Decimal:
    """0 to 10 in half points: `4`, `4.5`, `4,5`, `4/10`."""
    expected = "0 to 10 in half points, such as 4, 4.5 or 4/10"
    match = _OUT_OF_TEN.fullmatch(text.strip().lower())
    number = _parse_number(match[1] if match else text)
    if number is None or number[1]:
        raise CellError(expected)
    score = _within(number[0], 0, 10, expected)
    if score * 2 % 1:
        raise CellError(expected)
    return score


def read_count(text: str, high: int) -> int:
    """A whole number from 1."""
    expected = f"a whole number from 1 to {high}"
    number = _parse_number(text)
    if number is None or number[1] or number[0] % 1:
        raise CellError(expected)
    return int(_within(number[0], 1, high, expected))


def _read_measure(text: str, units: dict[str, Decimal], base: str, default: str, expected: str) -> Quantity:
    number = _parse_number(text)
    if number is None:
        raise CellError(expected)
    unit = number[1] or default
    if unit not in units:
        raise CellError(expected)
    factor = units[unit]
    if factor == units[base]:
        return Quantity(number[0])
    return Quantity(plain_decimal(number[0] * factor / units[base]), str(abs(number[0])), unit)


def read_mass(text: str, *, default: str, low: Decimal | int, high: int, what: str) -> Quantity:
    """Kilograms, from kg, lb or stone and pounds."""
    expected = f"{what} from {low} to {high} kg, such as 20, 20.5 kg, 45 lb or 3st 4lb"
    match = _STONE_POUNDS.fullmatch(text.strip())
    if match and match[2]:
        stones, pounds = (Decimal(each.replace(",", ".")) for each in match.groups())
        mass = Quantity(plain_decimal(stones * STONE + pounds * POUND), text.strip(), "st lb")
    else:
        mass = _read_measure(text, _MASS, "kg", default, expected)
    _within(mass.value, low, high, expected)
    return mass


def read_seconds(text: str, *, default: str, low: Decimal | int, high: int, what: str) -> Quantity:
    """Seconds, from s, min or `m:ss`."""
    expected = f"{what} from {low} to {high} seconds, such as 45, 45 sec or 0:45"
    if match := _CLOCK.fullmatch(text.strip()):
        if match[3]:
            raise CellError(expected)
        value = Quantity(Decimal(int(match[1]) * 60 + int(match[2])), text.strip(), "m:ss")
    else:
        value = _read_measure(text, _SECONDS, "s", default, expected)
    _within(value.value, low, high, expected)
    return value


def read_minutes(text: str, *, default: str, what: str) -> Quantity:
    """Minutes, from min, h or s."""
    expected = f"{what} from 0 to 1440 minutes, such as 20, 20 min or 1.5 h"
    value = _read_measure(text, _SECONDS, "min", default, expected)
    _within(value.value, 0, 1440, expected)
    return value


def read_extent(text: str) -> tuple[Quantity | None, Quantity | None]:
    """How far or how long an activity was: (kilometres, minutes), one of them."""
    expected = "a distance or a duration with its unit, such as 5 km or 30 min"
    number = _parse_number(text)
    if number is None or number[0] < 0 or number[0] > 100_000:
        raise CellError(expected)
    if number[1] in _KILOMETRES and number[1] != "m":
        return _read_measure(text, _KILOMETRES, "km", "", expected), None
    if number[1] in _SECONDS and number[1] != "m":
        return None, _read_measure(text, _SECONDS, "min", "", expected)
    raise CellError(expected)


def read_height(text: str) -> Quantity | None:
    """How far above the heel bone it hurts, in centimetres; None where the text is no such measure."""
    number = _parse_number(text.lower().removesuffix("above the heel").removesuffix("above").strip())
    if number is None or number[1] not in _CENTIMETRES:
        return None
    height = _read_measure(f"{number[0]} {number[1]}", _CENTIMETRES, "cm", "", "")
    _within(height.value, 0, 30, "0 to 30 cm above the heel bone, such as 3 cm")
    return height


def read_word(text: str, words: Vocabulary) -> str:
    """A word of a closed list."""
    found = words.find(text)
    if found is None:
        raise CellError(f"one of: {words.listed()}")
    return found
