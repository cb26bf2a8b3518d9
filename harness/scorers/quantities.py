"""Numbers in text, with their units: 1,200 = 1200.0 = twelve hundred, 1.5 hours = 90 minutes.

Knows English spelling of numbers and a few measures; knows nothing of answers. Values are exact
fractions: 0.1 + 0.2 is 0.3 here.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_WORDS = {word: n for n, word in enumerate(_SMALL)}
_WORDS |= {word: 10 * n for n, word in enumerate(_TENS, start=2)}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}

# Spelled in one of these ways, a unit is of one kind and so many of its smallest.
_MEASURES = {
    "time": {"s|sec|second": 1, "min|minute": 60, "h|hr|hour": 3600, "day": 86400, "week": 604800},
    "length": {
        "mm|millimet(?:re|er)": 1,
        "cm|centimet(?:re|er)": 10,
        "m|met(?:re|er)": 1000,
        "km|kilomet(?:re|er)": 1_000_000,
    },
    "length, imperial": {
        "inch|inche": 1,
        "ft|foot|feet": 12,
        "yd|yard": 36,
        "mi|mile": 63360,
    },
    "mass": {"g|gram|gramme": 1, "kg|kilo|kilogram|kilogramme": 1000},
    "volume": {"ml|millilit(?:re|er)": 1, "cl|centilit(?:re|er)": 10, "l|lit(?:re|er)": 1000},
    "money, euro": {"euro|eur|\u20ac": 100, "euro cent": 1},
    "money, dollar": {r"dollar|usd|\$": 100},
    "money, pound": {"pound|gbp|\u00a3": 100, "penny|pence": 1},
    "share": {"%|percent|per cent": 1},
}
_UNITS = [
    (re.compile(rf"(?:{spelled})s?\Z"), kind, factor)
    for kind, factors in _MEASURES.items()
    for spelled, factor in factors.items()
]

_DIGITS = (
    r"(?:\d{1,3}(?:,\d{3})+(?![\d,])|\d{1,3}(?: \d{3})+(?! ?\d)|\d+)(?:\.\d+)?(?:e[+-]?\d+\b)?"
)
_FRACTION = r"(?:\d+ )?\d+ ?/ ?\d+"
_SIGN = r"(?:(?<![\w)\]] )(?<![\w)\].])[-+])?"
_WORD = rf"(?:{'|'.join([*_WORDS, *_SCALES])})"
_IN_WORDS = rf"\b(?:a )?{_WORD}(?:(?:[ -]|,? and ){_WORD})*\b"
_NUMBER = re.compile(
    rf"(?P<before>[$\u20ac\u00a3]\s?)?(?:(?P<digits>{_SIGN}(?:{_FRACTION}|{_DIGITS}))"
    rf"|(?P<words>{_IN_WORDS}))(?P<after>\s?%|[ -]?(?:per cent|[a-z\u20ac\u00a3$]+))?"
)
_JOINED = re.compile(r"\s*(?:,|and|,? and)?\s*\Z")


@dataclass(frozen=True)
class Quantity:
    """A number where it stands in a text."""

    value: Fraction
    kind: str | None
    """What a known unit measures, "time"; None without one."""
    factor: int
    """The unit's size in the smallest of its kind; 1 without one."""
    start: int
    end: int

    def equals(self, other: "Quantity") -> bool:
        """Whether both are the same; one without a unit takes the other's."""
        if self.kind is None or other.kind is None:
            return self.value == other.value
        return self.kind == other.kind and self.value * self.factor == other.value * other.factor


def quantities(text: str) -> list[Quantity]:
    """Every number of a folded text in order; "1 hour and 30 minutes" is one.

    Digits with or without thousands commas, decimal points, signs, fractions (3/4, 2 1/2), and
    English words ("twelve hundred", "twenty-one"). A decimal comma is not read.
    """
    found: list[Quantity] = []
    for match in _NUMBER.finditer(text):
        quantity = _quantity(match)
        if quantity is None:
            continue
        last = found[-1] if found else None
        if last and _continues(last, quantity, text[last.end : quantity.start]):
            found[-1] = Quantity(
                last.value + quantity.value * quantity.factor / last.factor,
                last.kind,
                last.factor,
                last.start,
                quantity.end,
            )
        else:
            found.append(quantity)
    return found


def _continues(last: Quantity, following: Quantity, between: str) -> bool:
    same = last.kind is not None and last.kind == following.kind
    return same and last.factor > following.factor and bool(_JOINED.match(between))


def _quantity(match: re.Match[str]) -> Quantity | None:
    value = _from_digits(match["digits"]) if match["digits"] else _from_words(match["words"])
    if value is None:
        return None
    end = match.end("digits") if match["digits"] else match.end("words")
    if match["before"] and (unit := _unit(match["before"])):
        return Quantity(value, *unit, match.start(), end)
    if match["after"] and (unit := _unit(match["after"])):
        return Quantity(value, *unit, match.start(), match.end())
    return Quantity(value, None, 1, match.start(), end)


def _unit(spelled: str) -> tuple[str, int] | None:
    word = spelled.strip(" -")
    return next(((kind, size) for unit, kind, size in _UNITS if unit.match(word)), None)


def _from_digits(spelled: str) -> Fraction | None:
    sign = -1 if spelled.startswith("-") else 1
    plain = spelled.lstrip("+-")
    if "/" not in plain:
        return sign * Fraction(re.sub("[, ]", "", plain))
    parts = re.findall(r"\d+", plain)
    whole = int(parts[0]) if len(parts) == 3 else 0
    numerator, denominator = int(parts[-2]), int(parts[-1])
    return sign * (whole + Fraction(numerator, denominator)) if denominator else None


def _from_words(spelled: str) -> Fraction:
    total = current = 0
    for word in re.findall(r"[a-z]+", spelled):
        if word in _WORDS:
            current += _WORDS[word]
        elif word == "hundred":
            current = max(1, current) * 100
        elif word in _SCALES:
            total += max(1, current) * _SCALES[word]
            current = 0
    return Fraction(total + current)
