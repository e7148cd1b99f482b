# mypy: disable-error-code="no-any-return"
"""Compiled walk over the numbers of JSON: where each ends, and which text it is as a key."""

from typing import Any

from pipelines.kernels.compiling import inner
from pipelines.kernels.text_bytes import byte_at

_PLUS, _MINUS, _POINT, _ZERO, _NINE, _E = b"+-.09e"
_TO_LOWER = 32  # the bit by which small letters differ
_EXACT_DIGITS = 16
_LONG_FRACTION = 300  # in which a digit that is not 0 leaves no float of 0
_WHOLE_DIGITS = 15  # of integers below 2^53


@inner
def _after_digits(data: Any, at: int, end: int) -> int:
    while at < end and _ZERO <= byte_at(data, at) <= _NINE:
        at += 1
    return at


@inner
def number_end(data: Any, at: int, end: int) -> tuple[int, int]:
    """Return the place after a number or -1, and where its text ends, -1 where that needs thought.

    The text of a whole number with a fraction, as 1.0, ends before the point.
    """
    first = at
    if byte_at(data, at) == _MINUS:
        at += 1
    whole = _after_digits(data, at, end)
    if whole == at or (byte_at(data, at) == _ZERO and whole > at + 1):
        return -1, -1
    after, last = whole, whole
    if whole < end and byte_at(data, whole) == _POINT:
        after = _after_digits(data, whole + 1, end)
        if after == whole + 1:
            return -1, -1
        last = _text_end(data, at, whole, after)
    if after < end and byte_at(data, after) | _TO_LOWER == _E:
        return _after_exponent(data, after + 1, end), -1
    is_minus_zero = last == at + 1 and at > first and byte_at(data, at) == _ZERO
    return after, -1 if is_minus_zero else last


@inner
def _after_exponent(data: Any, at: int, end: int) -> int:
    if at < end and (byte_at(data, at) in (_PLUS, _MINUS)):
        at += 1
    after = _after_digits(data, at, end)
    return after if after > at else -1


@inner
def _text_end(data: Any, at: int, point: int, end: int) -> int:
    """Return where the text of a number with a fraction ends, or -1 where that needs thought.

    A whole number ends before its point. The float of another number may be whole all the same, but
    not where a digit soon shows that the fraction is neither close to 0 nor close to 1: at the 16th
    digit of the number 10^-n is still more than half of the distance between two floats.
    """
    last, digits = end, point - at
    while last > point + 1 and byte_at(data, last - 1) == _ZERO:
        last -= 1
    if last == point + 1:
        return point if digits <= _WHOLE_DIGITS else -1
    tenth, place = byte_at(data, point + 1), point + 1
    if tenth in (_ZERO, _NINE):
        while place < last and byte_at(data, place) == tenth:
            place += 1
    is_small = byte_at(data, at) == _ZERO and tenth == _ZERO and end - point <= _LONG_FRACTION
    return end if is_small or digits + place - point <= _EXACT_DIGITS else -1
