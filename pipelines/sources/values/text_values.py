# mypy: ignore-errors
"""Times and numbers of text, read where they are written in a usual way; Spark reads the others."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.errors import ConfigError
from pipelines.kernels.compiling import inner
from pipelines.sources.values.zones import from_local

DASH, COLON, PLUS, POINT, BLANK, ZERO, NINE, T, Z = b"-:+. 09TZ"
NOT_READ, INSTANT, LOCAL = range(3)
_DAY = 86_400_000_000  # microseconds
_2038 = 2_145_916_800_000_000  # from then on Arrow knows no summer times


def read_numbers(texts: pa.Array) -> pa.Array | None:
    """Return texts as finite float64, null for others; None if one of them is no plain number."""
    try:
        numbers = texts.cast(pa.float64())
    except pa.ArrowInvalid:
        return None
    return only_finite(numbers)


def only_finite(numbers: pa.Array) -> pa.Array:
    """Return floats with null for NaN and infinity."""
    is_finite = pc.is_finite(numbers)
    return (
        numbers
        if pc.all(is_finite).as_py() in (None, True)
        else pc.if_else(is_finite, numbers, None)
    )


def read_times(texts: pa.Array, zone: str) -> pa.Array:
    """Return microseconds since 1970, UTC; null where a text is of none of these forms.

    `2024-01-31`, followed by `T` or a blank and `12:30`, `12:30:59` or `12:30:59.123`, then nothing
    or `Z`, `+hh:mm` or `-hh:mm`; or up to 18 digits since 1970, whose magnitude tells the unit as
    `interactions.times.parse_time` says.

    Args:
        texts: Strings.
        zone: Zone of times that do not say theirs.
    """
    rows, (_, offsets, data) = len(texts), texts.buffers()
    ends = (
        np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + rows + 1] if rows else None
    )
    micros, forms = np.zeros(rows, np.int64), np.zeros(rows, np.uint8)
    if rows and data is not None and data.size:
        _read(np.frombuffer(data, np.uint8), ends, micros, forms)
    is_read = (forms != NOT_READ) & texts.is_valid().to_numpy(zero_copy_only=False)
    is_local = is_read & (forms == LOCAL)
    found = pa.array(micros, mask=~is_read)
    if zone == "UTC" or not is_local.any():
        return found
    is_known = pa.array(~is_local | (micros < _2038))
    try:
        return pc.if_else(is_known, pc.if_else(is_local, from_local(found, zone), found), None)
    except ConfigError:  # Spark may know the zone
        return pc.if_else(is_local, None, found)


@inner
def _read(data, offsets, micros, forms):
    for row in range(len(forms)):
        first, end = np.int64(offsets[row]), np.int64(offsets[row + 1])
        if end - first >= 10 and data[first + 4] == DASH:
            micros[row], forms[row] = _date_and_time(data, first, end)
        elif 0 < end - first <= 18:
            micros[row], forms[row] = _since_1970(data, first, end)


@inner
def _digits(data, first, end):
    """Return the number that digits make, or -1."""
    number = 0
    for at in range(first, end):
        digit = np.int64(data[at]) - ZERO
        if digit < 0 or digit > 9:
            return -1
        number = 10 * number + digit
    return number


@inner
def _since_1970(data, first, end):
    number = _digits(data, first, end)
    if number < 0:
        return 0, NOT_READ
    if number < 10**11:
        number *= 10**6
    elif number < 10**14:
        number *= 10**3
    elif number >= 10**17:
        number //= 1000
    return number, INSTANT


@inner
def _date_and_time(data, first, end):
    year, month = _digits(data, first, first + 4), _digits(data, first + 5, first + 7)
    day = _digits(data, first + 8, first + 10)
    if data[first + 7] != DASH or year < 1 or not 1 <= month <= 12:
        return 0, NOT_READ
    if not 1 <= day <= _days_of(year, month):
        return 0, NOT_READ
    date = _days_since_1970(year, month, day) * _DAY
    if end - first == 10:
        return date, LOCAL
    if data[first + 10] != T and data[first + 10] != BLANK:
        return 0, NOT_READ
    time, at = _time_of_day(data, first + 11, end)
    if time < 0:
        return 0, NOT_READ
    if at == end:
        return date + time, LOCAL
    if at + 1 == end and data[at] == Z:
        return date + time, INSTANT
    offset = _offset(data, at, end)
    return (date + time - offset, INSTANT) if offset != _DAY else (0, NOT_READ)


@inner
def _time_of_day(data, first, end):
    """Return microseconds, or -1, and the byte behind them."""
    if end - first < 5 or data[first + 2] != COLON:
        return -1, first
    hour, minute = _digits(data, first, first + 2), _digits(data, first + 3, first + 5)
    second, micros, at = 0, 0, first + 5
    if at + 3 <= end and data[at] == COLON:
        second = _digits(data, at + 1, at + 3)
        at += 3
        if at + 1 < end and data[at] == POINT:
            micros, at = _fraction(data, at + 1, end)
    if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60) or micros < 0:
        return -1, at
    return ((hour * 60 + minute) * 60 + second) * 10**6 + micros, at


@inner
def _fraction(data, first, end):
    """Return the microseconds of a fraction of one to nine digits, or -1, and what is behind."""
    at = first
    while at < end and ZERO <= data[at] <= NINE:
        at += 1
    if at == first or at - first > 9:
        return -1, at
    micros = _digits(data, first, min(at, first + 6))
    for _ in range(6 - (at - first)):
        micros *= 10
    return micros, at


@inner
def _offset(data, at, end):
    """Return the microseconds of an offset as +05:30, or a day where it is none."""
    if end - at != 6 or data[at + 3] != COLON or (data[at] != PLUS and data[at] != DASH):
        return _DAY
    hours, minutes = _digits(data, at + 1, at + 3), _digits(data, at + 4, at + 6)
    if not (0 <= hours < 18 and 0 <= minutes < 60):
        return _DAY
    micros = (hours * 60 + minutes) * 60 * 10**6
    return micros if data[at] == PLUS else -micros


@inner
def _days_of(year, month):
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


@inner
def _days_since_1970(year, month, day):
    """Return the days from 1970-01-01 to a Gregorian date (H. Hinnant, `days_from_civil`)."""
    year -= month <= 2
    era, year_of_era = year // 400, year % 400
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return (
        era * 146_097
        + year_of_era * 365
        + year_of_era // 4
        - year_of_era // 100
        + day_of_year
        - 719_468
    )
