# mypy: disable-error-code="no-any-return"
"""Compiled copies of the values that `json_scanning` found, into the arrays of Arrow's strings."""

from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.kernels.compiling import inner
from pipelines.kernels.marks import PADDING, copy_bytes
from pipelines.kernels.scanning import lowest
from pipelines.kernels.text_bytes import COUNT, byte_at, string_stops
from pipelines.sources.json_objects.scanning import FINE, REPLACED
from pipelines.sources.json_objects.tokens import ESCAPED, LITERAL, PLAIN, code_unit, short_escape

_BACKSLASH, _U, _LAST_ASCII = b"\\u\x7f"
_THREE_BYTES, _FOUR_BYTES = 0x800, 0x10000  # first characters that have so many
_REPLACEMENT, _HIGH, _LOW, _BEYOND = 0xFFFD, 0xD800, 0xDC00, 0xE000


def text_array(data: Any, found: Any, marks: Any) -> pa.StringArray:
    """Return one name's values as strings; rows whose state is not `FINE` have none.

    Args:
        data: The bytes.
        found: int32 `[3, rows]`: first byte, byte after the last, and kind of each value.
        marks: uint8 `[2, rows]`: states and notes; a lone surrogate is noted.
    """
    rows = found.shape[1]
    is_there = (marks[0] == FINE) & (found[2] >= PLAIN) & (found[2] <= LITERAL)
    sizes = np.where(is_there, found[1] - found[0], 0)
    offsets = np.empty(rows + 1, dtype=np.int32)
    text = pa.allocate_buffer(int(sizes.sum()) + PADDING)
    _copy(data, found, is_there, offsets, np.frombuffer(text, np.uint8), marks)
    valid = pa.py_buffer(np.packbits(is_there, bitorder="little"))
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), text, valid)


@inner
def _copy(data: Any, found: Any, is_there: Any, offsets: Any, text: Any, marks: Any) -> None:
    place = 0
    for row in range(len(is_there)):
        offsets[row] = place
        if not is_there[row]:
            continue
        at, end = int(found[0, row]), int(found[1, row])
        if found[2, row] == ESCAPED:
            place, is_replaced = _unescape(data, at, end, text, place)
            if is_replaced:
                marks[1, row] |= REPLACED
        else:
            copy_bytes(text, place, data, at, end - at)
            place += end - at
    offsets[len(is_there)] = place


@inner
def _unescape(data: Any, at: int, end: int, text: Any, place: int) -> tuple[int, bool]:
    """Copy a string whose escapes are sound; return the place after it, and what was replaced."""
    is_replaced = False
    while at < end:
        if byte_at(data, at) != _BACKSLASH:
            run = _run_end(data, at, end)
            copy_bytes(text, place, data, at, run - at)
            at, place = run, place + run - at
            continue
        letter = byte_at(data, at + 1)
        if letter != _U:
            text[place] = short_escape(letter)
            at, place = at + 2, place + 1
            continue
        character, at = _character(data, at, end)
        if _HIGH <= character < _BEYOND:
            character, is_replaced = _REPLACEMENT, True
        place = _put(text, place, character)
    return place, is_replaced


@inner
def _run_end(data: Any, at: int, end: int) -> int:
    """Return the next backslash, or the end."""
    while at < end:
        stops = string_stops(data, at)
        if stops != 0:
            at += int(lowest(stops))
            break
        at += COUNT
    return min(at, end)


@inner
def _character(data: Any, at: int, end: int) -> tuple[int, int]:
    r"""Return the character of `\uXXXX`, or of two that are a pair, and the place after it."""
    unit, at = code_unit(data, at + 2), at + 6
    if not _HIGH <= unit < _LOW or at + 6 > end:
        return unit, at
    if byte_at(data, at) != _BACKSLASH or byte_at(data, at + 1) != _U:
        return unit, at
    second = code_unit(data, at + 2)
    if not _LOW <= second < _BEYOND:
        return unit, at
    return _FOUR_BYTES + ((unit - _HIGH) << 10) + (second - _LOW), at + 6


@inner
def _put(text: Any, place: int, character: int) -> int:
    """Write a character as UTF-8, and return the place after it."""
    if character <= _LAST_ASCII:
        text[place] = character
        return place + 1
    length = 2 if character < _THREE_BYTES else 3 if character < _FOUR_BYTES else 4
    for step in range(length - 1, 0, -1):
        text[place + step] = 0x80 | (character & 0x3F)
        character >>= 6
    text[place] = ((0xF00 >> length) & 0xFF) | character
    return place + length
