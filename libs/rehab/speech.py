"""How a protocol speaks to a reader: its words in their language, numbers and dates as their locale has them.

The locale data is Babel's, from its wheel: like the time zones, it is data that is always the same.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from hashlib import sha256
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_decimal

from libs.kernel.times import parse_instant
from libs.rehab.days import zone_named
from libs.rehab.phrases import COMPARED, PHRASES, SYMBOLS, UNITS
from libs.rehab.protocol import Item, RehabProtocol
from libs.rehab.protocol.filling import fill, number_of

_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+|/[1-9][0-9]*)?")
_FRACTION: Final = re.compile(r"-?[0-9]+/[0-9]+")
_INSTANT: Final = re.compile(r"[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}\.[0-9]{6}Z")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_OPENED: Final = re.compile(r"([a-z_]+)-([0-9]{8}T[0-9]{6})[0-9]*Z(-[0-9]+)?")
_ASKED: Final = re.compile(r"([a-z_]+)-([0-9]+)")
_ACTOR: Final = re.compile(r"([a-z_]+):([A-Za-z0-9._-]+)")
_DECIMALS: Final = 3


class Speech:
    """A protocol's words for one reader."""

    def __init__(self, protocol: RehabProtocol, language: str = "en", zone: str = "UTC") -> None:
        """`language` is a BCP 47 tag: `de`, `de-AT`, `en-US`; `zone` is that of the dates (IANA)."""
        wanted = language.partition("-")[0].lower()
        self.protocol = protocol
        self.wording = protocol.wording(wanted)
        self.language = self.wording.language
        """Of the words: English where there are none in the reader's language."""
        self.locale = _locale(language if wanted == self.language else self.language)
        self.zone = zone
        self.without_words: set[str] = set()
        """Codes that were to be said and have no words in this language."""
        self._number = number_of(protocol)

    def statement(self, item: Item | None) -> str:
        """What an item says; in the protocol's own words where no translation of just these is at hand."""
        return "" if item is None else self._translated(item.id, item.statement, "statements")

    def name(self, item: Item) -> str:
        """What a stage or an exercise is called."""
        return self._translated(item.id, getattr(item, "name", item.statement), "names")

    def _translated(self, identifier: str, original: str, kind: str) -> str:
        table = self.wording.statements_by_id if kind == "statements" else self.wording.names_by_id
        found = table.get(identifier)
        text = original if found is None or found.of != fingerprint(original) else found.text
        return self.fill(text, {})

    def phrase(self, name: str, *values: str) -> str:
        """A phrase that all protocols share, with its places filled."""
        own = self.wording.terms_by_id.get(f"phrase.{name}")
        phrases = PHRASES.get(self.language, PHRASES["en"])
        text = own or phrases.get(name) or PHRASES["en"][name]
        return text.format(*values)

    def term(self, field: str, code: str) -> str:
        """What people read in place of a code: in English where only that is there, else its letters."""
        terms = self.wording.terms_by_id
        found = terms.get(f"{field}.{code}") or terms.get(code)
        if found is None:
            self.without_words.add(f"{field}.{code}")
            english = self.protocol.wording("en").terms_by_id
            found = english.get(f"{field}.{code}") or english.get(code) or code.replace("_", " ")
        return self.fill(found, {})

    def fill(self, words: str, fields: Mapping[str, object]) -> str:
        """Words with what stands in braces filled from fields and from the protocol's numbers."""
        return fill(words, fields, self._numbered)

    def _numbered(self, name: str) -> str | None:
        value = self._number(name)
        return None if value is None else self.number(value)

    def number(self, value: str | int | Decimal | Fraction) -> str:
        """A number as the reader's locale has it. What has no exact decimal is cut, never rounded up."""
        digits = shown(str(value))
        return format_decimal(
            Decimal(digits), format="#,##0.###", locale=self.locale, decimal_quantization=False
        )

    def quantity(self, value: str | int | Decimal | Fraction, unit: str) -> str:
        """`12,5 kg`, `3 sessions`: a number with its unit."""
        if unit in SYMBOLS:
            return f"{self.number(value)}{SYMBOLS[unit]}"
        return f"{self.number(value)} {self.unit(unit, value)}".strip()

    def unit(self, unit: str, value: str | int | Decimal | Fraction) -> str:
        """A unit as it stands after this number."""
        forms = UNITS.get(self.language, UNITS["en"]).get(unit)
        if forms is None:
            return unit
        return forms[0] if self.locale.plural_form(Decimal(shown(str(value)))) == "one" else forms[1]

    def day(self, day: date | str) -> str:
        """A calendar day."""
        whole = date.fromisoformat(day) if isinstance(day, str) else day
        return format_date(whole, format="medium", locale=self.locale)

    def moment(self, instant: datetime) -> str:
        """The day of an instant, in the reader's zone."""
        return self.day(instant.astimezone(zone_named(self.zone)).date())

    def opened(self, identifier: str) -> str:
        """What an id of a hold or flare means: `a flare since 6 Feb 2026`."""
        if found := _OPENED.fullmatch(identifier):
            since = datetime.strptime(found[2], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
            return self.phrase("since", self.term("open", found[1]), self.moment(since))
        if found := _ASKED.fullmatch(identifier):
            return self.phrase("about_input", self.term("open", found[1]), found[2])
        return self.term("open", identifier)

    def actor(self, text: str) -> str:
        """Who: `clinician:018f3a52-…` is clinician 018f3a52."""
        found = _ACTOR.fullmatch(text)
        if found is None or f"actor.{found[1]}" not in PHRASES["en"]:
            return text
        return self.phrase(f"actor.{found[1]}", found[2].partition("-")[0])

    def value(self, field: str, value: str) -> str:
        """A recorded word, number, day or actor as people read it."""
        if _NUMBER.fullmatch(value):
            return self.number(value)
        if _DAY.fullmatch(value):
            return self.day(value)
        if _INSTANT.fullmatch(value):
            return self.moment(parse_instant(value))
        if _ACTOR.fullmatch(value):
            return self.actor(value)
        return self.term(field, value)

    def measured(self, value: str) -> str:
        """What was measured or is asked for: a number, else a word."""
        if _NUMBER.fullmatch(value):
            return self.number(value)
        return self.phrase(f"word.{value}") if f"word.{value}" in PHRASES["en"] else self.term("word", value)

    def compared(self, comparator: str, value: str, threshold: str, unit: str) -> str:
        """`29 s of 30 s`, `2 of 3 sessions`, `4/10, at most 3/10`."""
        mark = SYMBOLS.get(unit)
        there, asked = (self.measured(each) + (mark or "") for each in (value, threshold))
        counted = self.unit(unit, threshold) if unit and mark is None and _NUMBER.fullmatch(threshold) else ""
        return self.phrase(f"compared.{COMPARED[comparator]}", there, asked, counted).strip()


def fingerprint(text: str) -> str:
    """By which a translation names the words that it was made of: the first 8 hex digits of their SHA-256."""
    return sha256(" ".join(text.split()).encode()).hexdigest()[:8]


def shown(value: str, decimals: int = _DECIMALS) -> str:
    """A recorded number as plain digits. What has no exact decimal is cut, never rounded up to a limit."""
    if not _FRACTION.fullmatch(value):
        return value
    exact = Fraction(value)
    scale = 10**decimals
    whole, rest = divmod(int(abs(exact) * scale), scale)
    digits = f"{whole}.{rest:0{decimals}d}".rstrip("0").rstrip(".")
    return f"-{digits}" if exact < 0 else digits


@lru_cache(maxsize=256)
def _locale(tag: str) -> Locale:
    """The locale of a tag; plain English is the world's, with the day before the month."""
    language, _, region = tag.partition("-")
    plain = "en_001" if language.lower() == "en" else language.lower()
    for name in (*((tag.replace("-", "_"),) if region else ()), plain):
        try:
            return Locale.parse(name)
        except (ValueError, UnknownLocaleError):
            continue
    return Locale.parse("en_001")
