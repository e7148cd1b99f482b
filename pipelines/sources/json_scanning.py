"""Compiled walk over JSON objects: checks each strictly and notes where the wanted values are.

What is odd (escapes in names, numbers that need thought, anything that is not JSON) is left to
`json_exact`, which decides.
"""

from typing import Any

import numpy as np

from pipelines.kernels.compiling import inner
from pipelines.kernels.scanning import lowest
from pipelines.kernels.text_bytes import COUNT, byte_at, string_stops

MISSING, PLAIN, ESCAPED, LITERAL, NULL, OBJECT, ARRAY, ODD = range(8)
"""Kinds of values: strings without and with escapes, numbers and words, containers, others."""

FINE, BLANK, SLOW, REFUSED = range(4)
"""States of rows: found, nothing there, left to `json_exact`, not looked at."""

REPEATED, REPLACED = 1, 2
"""Bits of notes."""

PADDING = bytes(COUNT)
"""Bytes after the last row."""

_QUOTE, _BACKSLASH, _COMMA, _COLON, _MINUS, _POINT, _ZERO, _NINE = 34, 92, 44, 58, 45, 46, 48, 57
_OPEN, _CLOSE, _OPEN_LIST, _CLOSE_LIST = 123, 125, 91, 93
_DEEPEST = 60  # the stack is the bits of one integer
_EXACT_DIGITS = 16  # of a fraction that is not whole, and whose float is not either
_SAFE_WHOLE = 13  # digits of numbers whose floats are closer together than 0.1
_LONG_FRACTION = 300  # below which no float is zero
_WHOLE_DIGITS = 15  # of integers below 2^53


@inner
def scan_rows(
    data: Any, rows: Any, starts: Any, ends: Any, names: Any, edges: Any, found: Any, marks: Any
) -> None:
    """Find the values of names in objects.

    Args:
        data: Bytes that are UTF-8; `PADDING` follows the last row.
        rows: Rows to walk.
        starts: First byte of each row's object.
        ends: Byte after it; only blanks may surround the object.
        names: Bytes of the names, one after another.
        edges: Where each name begins, and the end of the last.
        found: int32 `[3, names, rows]`: first byte, byte after the last, and kind; kinds are
            `MISSING` before.
        marks: uint8 `[2, rows]`: states and notes.
    """
    for row in rows:
        marks[0, row] = _object(data, starts[row], ends[row], names, edges, found, marks, row)


@inner
def _object(
    data: Any, at: int, end: int, names: Any, edges: Any, found: Any, marks: Any, row: int
) -> int:
    at = _after_blanks(data, at, end)
    if at == end:
        return BLANK
    if byte_at(data, at) != _OPEN:
        return SLOW
    at = _after_blanks(data, at + 1, end)
    if at < end and byte_at(data, at) == _CLOSE:
        return FINE if _after_blanks(data, at + 1, end) == end else SLOW
    guess = 0
    while at < end and byte_at(data, at) == _QUOTE:
        last, is_escaped = _string(data, at + 1, end)
        value = _after_colon(data, last + 1, end)
        if last < 0 or is_escaped or value < 0:
            return SLOW
        name = _number_of_name(data, at + 1, last, names, edges, guess)
        after, kind, first, last = _value(data, value, end)
        if after < 0 or (name >= 0 and kind == ODD):
            return SLOW
        if name >= 0:
            guess = name + 1
            _keep(found, marks, name, row, kind, first, last)
        at = _after_blanks(data, after, end)
        if at < end and byte_at(data, at) == _CLOSE:
            return FINE if _after_blanks(data, at + 1, end) == end else SLOW
        if at >= end or byte_at(data, at) != _COMMA:
            return SLOW
        at = _after_blanks(data, at + 1, end)
    return SLOW


@inner
def _keep(found: Any, marks: Any, name: int, row: int, kind: int, first: int, last: int) -> None:
    if found[2, name, row] != MISSING:
        marks[1, row] |= REPEATED
    else:
        found[0, name, row], found[1, name, row], found[2, name, row] = first, last, kind


@inner
def _number_of_name(data: Any, first: int, last: int, names: Any, edges: Any, guess: int) -> int:
    count = len(edges) - 1
    for turn in range(count):  # objects mostly have their names in one order
        name = guess + turn
        name = name - count if name >= count else name
        if edges[name + 1] - edges[name] == last - first:
            at, place = first, edges[name]
            while at < last and byte_at(data, at) == names[place]:
                at, place = at + 1, place + 1
            if at == last:
                return name
    return -1


@inner
def _after_blanks(data: Any, at: int, end: int) -> int:
    while at < end and (
        byte_at(data, at) == 32 or byte_at(data, at) == 9 or byte_at(data, at) == 13
    ):  # noqa: PLR1714, PLR2004
        at += 1
    return at


@inner
def _after_colon(data: Any, at: int, end: int) -> int:
    at = _after_blanks(data, at, end)
    if at >= end or byte_at(data, at) != _COLON:
        return -1
    at = _after_blanks(data, at + 1, end)
    return at if at < end else -1


@inner
def _string(data: Any, at: int, end: int) -> tuple[int, bool]:
    """Return the place of the closing quote, or -1, and whether there are escapes."""
    is_escaped = False
    while at < end:
        stops = string_stops(data, at)
        if stops == 0:
            at += COUNT
            continue
        at += np.int64(lowest(stops))
        byte = byte_at(data, at)
        if at >= end or byte != _BACKSLASH:
            break
        is_escaped = True
        length = _escape_length(data, at, end)
        if length == 0:
            return -1, is_escaped
        at += length
    return at if at < end and byte_at(data, at) == _QUOTE else -1, is_escaped


@inner
def _escape_length(data: Any, at: int, end: int) -> int:
    if at + 1 >= end:
        return 0
    byte = byte_at(data, at + 1)
    if byte == 117:  # noqa: PLR2004
        return 6 if at + 6 <= end and code_unit(data, at + 2) >= 0 else 0
    return 0 if short_escape(byte) == 0 else 2


@inner
def short_escape(byte: int) -> int:
    """Return the byte that a letter after a backslash means, 0 where it means none."""
    if byte == _QUOTE or byte == _BACKSLASH or byte == 47:  # noqa: PLR1714, PLR2004
        return int(byte)
    if byte == 110:  # noqa: PLR2004
        return 10
    if byte == 116:  # noqa: PLR2004
        return 9
    if byte == 114:  # noqa: PLR2004
        return 13
    if byte == 98:  # noqa: PLR2004
        return 8
    return 12 if byte == 102 else 0  # noqa: PLR2004


@inner
def code_unit(data: Any, at: int) -> int:
    """Return the number that four hexadecimal digits are, or -1."""
    unit = 0
    for place in range(at, at + 4):
        byte = byte_at(data, place)
        if 48 <= byte <= 57:  # noqa: PLR2004
            digit = byte - 48
        elif 97 <= (byte | 32) <= 102:  # noqa: PLR2004
            digit = (byte | 32) - 87
        else:
            return -1
        unit = unit * 16 + digit
    return unit


@inner
def _value(data: Any, at: int, end: int) -> tuple[int, int, int, int]:
    """Return the place after a value or -1, its kind, and the first and last of its text."""
    byte = byte_at(data, at)
    if byte == _QUOTE:
        last, is_escaped = _string(data, at + 1, end)
        return last + 1 if last >= 0 else -1, ESCAPED if is_escaped else PLAIN, at + 1, last
    if byte == _OPEN or byte == _OPEN_LIST:  # noqa: PLR1714
        after = _container(data, at, end)
        return after, OBJECT if byte == _OPEN else ARRAY, at, after
    if byte == 110:  # noqa: PLR2004
        return _word(data, at, end, 1819047278), NULL, at, at
    if byte == 116:  # noqa: PLR2004
        after = _word(data, at, end, 1702195828)
        return after, LITERAL, at, after
    if byte == 102:  # noqa: PLR2004
        after = _word(data, at + 1, end, 1702063201)
        return after, LITERAL, at, after
    return _number(data, at, end)


@inner
def _word(data: Any, at: int, end: int, letters: int) -> int:
    """Return the place after four letters, which are bytes of an integer, or -1."""
    if at + 4 > end:
        return -1
    for place in range(4):
        if byte_at(data, at + place) != (letters >> (8 * place)) & 255:
            return -1
    return at + 4


@inner
def _after_digits(data: Any, at: int, end: int) -> int:
    while at < end and _ZERO <= byte_at(data, at) <= _NINE:
        at += 1
    return at


@inner
def _number(data: Any, at: int, end: int) -> tuple[int, int, int, int]:
    first = at
    if byte_at(data, at) == _MINUS:
        at += 1
    whole = _after_digits(data, at, end)
    if whole == at or (byte_at(data, at) == _ZERO and whole > at + 1):
        return -1, ODD, first, first
    is_minus_zero = at > first and byte_at(data, at) == _ZERO
    after, last, kind = whole, whole, ODD if is_minus_zero else LITERAL
    if whole < end and byte_at(data, whole) == _POINT:
        after = _after_digits(data, whole + 1, end)
        if after == whole + 1:
            return -1, ODD, first, first
        last = _text_end(data, at, whole, after)
        kind = ODD if last < 0 or (is_minus_zero and last == whole) else LITERAL
    if after < end and byte_at(data, after) | 32 == 101:  # noqa: PLR2004
        return _after_exponent(data, after + 1, end), ODD, first, after
    return after, kind, first, last


@inner
def _after_exponent(data: Any, at: int, end: int) -> int:
    if at < end and (byte_at(data, at) == _MINUS or byte_at(data, at) == 43):  # noqa: PLR2004
        at += 1
    after = _after_digits(data, at, end)
    return after if after > at else -1


@inner
def _text_end(data: Any, at: int, point: int, end: int) -> int:
    """Return where the text of a number with a fraction ends, or -1 where that needs thought.

    A whole number ends before its point. That the float of a number with another fraction is not
    whole is sure where the fraction is far from 0 and 1, or the digits are few.
    """
    last = end
    while last > point + 1 and byte_at(data, last - 1) == _ZERO:
        last -= 1
    digits = point - at
    if last == point + 1:
        return point if digits <= _WHOLE_DIGITS else -1
    if end - point > _LONG_FRACTION:
        return -1
    tenth = byte_at(data, point + 1)
    if digits <= _SAFE_WHOLE and tenth != _ZERO and tenth != _NINE:
        return end
    if byte_at(data, at) == _ZERO and tenth == _ZERO:
        return end
    return end if digits + last - point - 1 <= _EXACT_DIGITS else -1


@inner
def _container(data: Any, at: int, end: int) -> int:
    """Return the place after a list or an object, or -1."""
    stack, depth = np.uint64(0), 0
    while at < end:
        byte = byte_at(data, at)
        if byte == _OPEN or byte == _OPEN_LIST:  # noqa: PLR1714
            depth += 1
            stack = (stack << np.uint64(1)) | np.uint64(byte == _OPEN)
            at = _after_blanks(data, at + 1, end)
            if depth > _DEEPEST or at >= end:
                return -1
            if byte_at(data, at) != byte + 2:
                at = _after_name(data, at, end) if byte == _OPEN else at
                if at < 0:
                    return -1
                continue
        else:
            at = _scalar_end(data, at, end)
        at, stack, depth = _after_closing(data, at, end, stack, depth)
        if at < 0 or depth == 0:
            return at
        at = _after_name(data, at, end) if stack & np.uint64(1) else at
        if at < 0:
            return -1
    return -1


@inner
def _after_closing(data: Any, at: int, end: int, stack: Any, depth: int) -> tuple[int, Any, int]:
    """Close what ends after a value, and return the place of the next one, or -1."""
    while at >= 0:
        at = _after_blanks(data, at, end)
        if at >= end:
            return -1, stack, depth
        if byte_at(data, at) != (_CLOSE if stack & np.uint64(1) else _CLOSE_LIST):
            break
        depth -= 1
        stack >>= np.uint64(1)
        at += 1
        if depth == 0:
            return at, stack, depth
    if at < 0 or byte_at(data, at) != _COMMA:
        return -1, stack, depth
    return _after_blanks(data, at + 1, end), stack, depth


@inner
def _after_name(data: Any, at: int, end: int) -> int:
    if at >= end or byte_at(data, at) != _QUOTE:
        return -1
    last, _ = _string(data, at + 1, end)
    return _after_colon(data, last + 1, end) if last >= 0 else -1


@inner
def _scalar_end(data: Any, at: int, end: int) -> int:
    byte = byte_at(data, at)
    if byte == _QUOTE:
        last, _ = _string(data, at + 1, end)
        return last + 1 if last >= 0 else -1
    if byte == 110:  # noqa: PLR2004
        return _word(data, at, end, 1819047278)
    if byte == 116:  # noqa: PLR2004
        return _word(data, at, end, 1702195828)
    if byte == 102:  # noqa: PLR2004
        return _word(data, at + 1, end, 1702063201)
    after, _, _, _ = _number(data, at, end)
    return after
