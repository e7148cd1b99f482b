# mypy: disable-error-code="no-any-return"
"""Compiled walk over the tokens of JSON: where each ends, strictly by the standard.

Places that are -1 mean that there is none, because the text is no JSON.
"""

from string import hexdigits
from typing import Any

import numpy as np

from pipelines.kernels.compiling import inner
from pipelines.kernels.scanning import lowest
from pipelines.kernels.text_bytes import COUNT, byte_at, string_stops
from pipelines.sources.json_objects.literals import number_end

MISSING, PLAIN, ESCAPED, LITERAL, NULL, NAN, OBJECT, ARRAY, ODD = range(9)
"""Kinds of values: strings without and with escapes, numbers and words, containers, others."""

QUOTE, COMMA, OPEN, CLOSE = b'",{}'
_BACKSLASH, _COLON, _MINUS, _SLASH, _ZERO, _NINE = b"\\:-/09"
_OPEN_LIST, _CLOSE_LIST, _BLANK, _TAB, _RETURN, _NEWLINE = b"[] \t\r\n"
_A, _B, _F, _N, _R, _T, _U, _CAPITAL_N = b"abfnrtuN"
_BACKSPACE, _FEED = b"\b\f"
_HEX = np.array([int(chr(n), 16) if chr(n) in hexdigits else -1 for n in range(256)])
_NULL, _TRUE, _ALSE = (int.from_bytes(word, "little") for word in (b"null", b"true", b"alse"))
_DEEPEST = 60  # the stack is the bits of one integer


@inner
def after_blanks(data: Any, at: int, end: int) -> int:
    """Return the next place that is no blank, or the end."""
    while at < end and byte_at(data, at) in (_BLANK, _TAB, _RETURN):
        at += 1
    return at


@inner
def after_colon(data: Any, at: int, end: int) -> int:
    """Return the place of the value after a colon."""
    at = after_blanks(data, at, end)
    if at >= end or byte_at(data, at) != _COLON:
        return -1
    at = after_blanks(data, at + 1, end)
    return at if at < end else -1


@inner
def string_end(data: Any, at: int, end: int) -> tuple[int, bool]:
    """Return the place of the closing quote, or -1, and whether there are escapes."""
    is_escaped = False
    while at < end:
        while at < end and byte_at(data, at) == _BACKSLASH:  # escapes are often many in a row
            is_escaped = True
            length = _escape_length(data, at, end)
            if length == 0:
                return -1, is_escaped
            at += length
        stops = string_stops(data, at)
        at += COUNT if stops == 0 else int(lowest(stops))
        if stops != 0 and byte_at(data, at) != _BACKSLASH:
            break
    return at if at < end and byte_at(data, at) == QUOTE else -1, is_escaped


@inner
def _escape_length(data: Any, at: int, end: int) -> int:
    if at + 1 >= end:
        return 0
    byte = byte_at(data, at + 1)
    if byte == _U:
        return 6 if at + 6 <= end and code_unit(data, at + 2) >= 0 else 0
    return 0 if short_escape(byte) == 0 else 2


@inner
def short_escape(byte: int) -> int:
    """Return the byte that a letter after a backslash means, 0 where it means none."""
    if byte in (QUOTE, _BACKSLASH, _SLASH):
        return int(byte)
    for letter, meant in ((_N, _NEWLINE), (_T, _TAB), (_R, _RETURN), (_B, _BACKSPACE)):
        if byte == letter:
            return meant
    return _FEED if byte == _F else 0


@inner
def code_unit(data: Any, at: int) -> int:
    """Return the number that four hexadecimal digits are, or one below 0."""
    high = (_HEX[byte_at(data, at)] << 12) | (_HEX[byte_at(data, at + 1)] << 8)
    return high | (_HEX[byte_at(data, at + 2)] << 4) | _HEX[byte_at(data, at + 3)]


@inner
def value_end(data: Any, at: int, end: int) -> tuple[int, int, int, int]:
    """Return the place after a value or -1, its kind, and the first and last of its text."""
    byte = byte_at(data, at)
    if byte == QUOTE:
        last, is_escaped = string_end(data, at + 1, end)
        return last + 1 if last >= 0 else -1, ESCAPED if is_escaped else PLAIN, at + 1, last
    if byte in (OPEN, _OPEN_LIST):
        after = _container(data, at, end)
        return after, OBJECT if byte == OPEN else ARRAY, at, after
    if byte == _MINUS or _ZERO <= byte <= _NINE:
        after, last = number_end(data, at, end)
        return after, LITERAL if last >= 0 else ODD, at, last
    after = _word_end(data, at, end)
    kind = NULL if byte == _N else NAN if byte == _CAPITAL_N else LITERAL
    return after, kind, at, after


@inner
def _word_end(data: Any, at: int, end: int) -> int:
    byte = byte_at(data, at)
    if byte == _F:
        return _word(data, at + 1, end, _ALSE)
    if byte == _CAPITAL_N:  # Python and others write NaN, though it is no JSON
        is_nan = at + 3 <= end and byte_at(data, at + 1) == _A and byte_at(data, at + 2) == byte
        return at + 3 if is_nan else -1
    return _word(data, at, end, _NULL if byte == _N else _TRUE)


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
def _container(data: Any, at: int, end: int) -> int:
    """Return the place after a list or an object, or -1."""
    stack, depth = np.uint64(0), 0
    while at < end:
        byte = byte_at(data, at)
        if byte in (OPEN, _OPEN_LIST):
            depth += 1
            stack = (stack << np.uint64(1)) | np.uint64(byte == OPEN)
            at = after_blanks(data, at + 1, end)
            if depth > _DEEPEST or at >= end:
                return -1
            if byte_at(data, at) != byte + 2:
                at = _after_name(data, at, end) if byte == OPEN else at
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
        at = after_blanks(data, at, end)
        if at >= end:
            return -1, stack, depth
        if byte_at(data, at) != (CLOSE if stack & np.uint64(1) else _CLOSE_LIST):
            break
        depth -= 1
        stack >>= np.uint64(1)
        at += 1
        if depth == 0:
            return at, stack, depth
    if at < 0 or byte_at(data, at) != COMMA:
        return -1, stack, depth
    return after_blanks(data, at + 1, end), stack, depth


@inner
def _after_name(data: Any, at: int, end: int) -> int:
    if at >= end or byte_at(data, at) != QUOTE:
        return -1
    last, _ = string_end(data, at + 1, end)
    return after_colon(data, last + 1, end) if last >= 0 else -1


@inner
def _scalar_end(data: Any, at: int, end: int) -> int:
    byte = byte_at(data, at)
    if byte == QUOTE:
        last, _ = string_end(data, at + 1, end)
        return last + 1 if last >= 0 else -1
    if byte == _MINUS or _ZERO <= byte <= _NINE:
        after, _ = number_end(data, at, end)
        return after
    return _word_end(data, at, end)
