"""What the values of a column look like: their type, blanks, samples and length."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_ENOUGH = 0.95  # of the values must be of the type
_SAMPLES = 3
_MONTHS = 12
_SHOWN = 200
_DATE = r"\d{4}-\d{1,2}-\d{1,2}"
_CLOCK = r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?"
_ISO = rf"{_DATE}([T ]{_CLOCK} ?(Z|UTC|[+-]\d{{2}}(:?\d{{2}})?)?)?"
_YEAR_FIRST = rf"\d{{4}}([/.])\d{{1,2}}\1\d{{1,2}}( {_CLOCK})?"
_YEAR_LAST = rf"(\d{{1,2}})([/.-])(\d{{1,2}})\2\d{{4}}( {_CLOCK}( ?[AaPp][Mm])?)?"
_TYPES = (
    ("integer", re.compile(r"[+-]?\d+")),
    ("number", re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")),
    ("true/false", re.compile(r"(?i)true|false")),
    ("time", re.compile(f"{_ISO}|{_YEAR_FIRST.replace(chr(92) + '1', '[/.]')}")),
    ("time", re.compile(_YEAR_LAST)),
)


@dataclass(frozen=True)
class Column:
    """What one column of a file looks like.

    Args:
        name: Name of the column; dots lead into nested ones.
        type: `integer`, `number`, `time`, `true/false` or `text`; `list` where values are lists or
            objects, `blank` where there are none.
        fitting: Share of the values that are of the type.
        blank: Share of the rows that have no value.
        samples: Up to three different values, cut to 200 characters.
        time_format: Pattern of times that are not ISO 8601.
        length: Mean characters of a value.
        words: Mean words of a value.
        is_unique: Whether each row has a value of its own.
    """

    name: str
    type: str
    fitting: float = 1.0
    blank: float = 0.0
    samples: tuple[str, ...] = ()
    time_format: str | None = None
    length: float = 0.0
    words: float = 0.0
    is_unique: bool = False


def column_of(name: str, values: Sequence[str | None]) -> Column:
    """Return what the values of a column look like; white space alone is no value."""
    given = [value.strip() for value in values if value is not None and value.strip()]
    if not given:
        return Column(name, "blank", blank=1.0)
    kind, fitting = _type(given)
    different = list(dict.fromkeys(given))
    return Column(
        name,
        kind,
        fitting=fitting,
        blank=1 - len(given) / len(values),
        samples=tuple(value[:_SHOWN] for value in different[:_SAMPLES]),
        time_format=time_format(given) if kind == "time" else None,
        length=sum(map(len, given)) / len(given),
        words=sum(len(value.split()) for value in given) / len(given),
        is_unique=len(different) == len(values),
    )


def _type(values: Sequence[str]) -> tuple[str, float]:
    for name, pattern in _TYPES:
        share = sum(pattern.fullmatch(value) is not None for value in values) / len(values)
        if share >= _ENOUGH:
            return name, share
    return "text", 1.0


def time_format(values: Sequence[str]) -> str | None:
    """Return Spark's pattern of times that are not ISO 8601; None for those that are.

    Day and month are told by the numbers above 12; where there are none, dots and dashes mean that
    the day is first, slashes that the month is.
    """
    if any(re.fullmatch(_ISO, value) for value in values):
        return None
    first = next((value for value in values if re.fullmatch(_YEAR_FIRST, value)), None)
    if first:
        sign = first[4]
        return f"yyyy{sign}M{sign}d{_clock(first)}"
    found = [m for value in values if (m := re.fullmatch(_YEAR_LAST, value))]
    if not found:
        return None
    sign = found[0][2]
    first_is_day, second_is_day = (any(int(m[n]) > _MONTHS for m in found) for n in (1, 3))
    is_day_first = first_is_day or (sign != "/" and not second_is_day)
    days = ("d", "M") if is_day_first else ("M", "d")
    return f"{days[0]}{sign}{days[1]}{sign}yyyy{_clock(found[0][0])}"


def _clock(value: str) -> str:
    """Return the pattern of the time of day after a date."""
    _, _, clock = value.partition(" ")
    if not clock:
        return ""
    half = re.search(r"( ?)[AaPp][Mm]$", clock)
    hour = "h" if half else "H"
    second = ":ss" if clock.count(":") > 1 else ""
    fraction = re.search(r"[.,]\d+", clock)
    tail = "" if fraction is None else fraction[0][0] + "S" * (len(fraction[0]) - 1)
    return f" {hour}:mm{second}{tail}" + (f"{half[1]}a" if half else "")
