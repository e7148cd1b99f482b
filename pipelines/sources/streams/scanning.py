# mypy: disable-error-code="no-any-return"
"""Compiled scans of blocks of text: where lines end, and whether all bytes are UTF-8."""

from typing import Any

import numpy as np

from pipelines.kernels.compiling import inner
from pipelines.kernels.marks import find_byte
from pipelines.kernels.scanning import lowest
from pipelines.kernels.text_bytes import COUNT, byte_at, not_ascii

VALID, INVALID, UNDECIDED = range(3)
"""What `check_utf8` finds."""

_NEWLINE = 10
_ASCII, _FOLLOWS = 0x80, 0xC0  # first bytes that are none of ASCII; the bits of a byte that follows
_TWO_BYTES, _THREE_BYTES, _FOUR_BYTES = 0xC2, 0xE0, 0xF0
_LEAST = np.array([0, 0, 0x80, 0x800, 0x10000])  # first characters that have so many bytes
_SURROGATES, _AFTER_SURROGATES, _LAST = 0xD800, 0xE000, 0x10FFFF


@inner
def find_newlines(data: Any, size: int, places: Any) -> int:
    """Write the places of a block's newlines, as there is room, and return how many there are."""
    found, at = 0, 0
    while True:
        at = find_byte(data, at, size, _NEWLINE)
        if at == size:
            return found
        if found < len(places):
            places[np.uint64(found)] = at
        found, at = found + 1, at + 1


@inner
def check_utf8(data: Any, size: int, most: int) -> int:
    """Tell whether a block is UTF-8, unless more than `most` places go from ASCII to other letters.

    Sequences are those of table 3-7 of the Unicode standard.
    """
    at = 0
    while at < size:
        bits = not_ascii(data, at)
        at += COUNT if bits == 0 else int(lowest(bits))
        if bits == 0 or at >= size:
            continue
        most -= 1
        if most < 0:
            return UNDECIDED
        while at < size and byte_at(data, at) >= _ASCII:
            length = _sequence(data, at, size)
            if length == 0:
                return INVALID
            at += length
    return VALID


@inner
def _sequence(data: Any, at: int, size: int) -> int:
    """Return the bytes of a character of more than one, or 0."""
    first = byte_at(data, at)
    length = 2 if first < _THREE_BYTES else 3 if first < _FOUR_BYTES else 4
    if first < _TWO_BYTES or at + length > size:
        return 0
    code = first & (0xFF >> (length + 1))
    for step in range(1, length):
        byte = byte_at(data, at + step)
        if byte & _FOLLOWS != _ASCII:
            return 0
        code = code << 6 | byte & 0x3F
    is_surrogate = _SURROGATES <= code < _AFTER_SURROGATES
    return length if _LEAST[length] <= code <= _LAST and not is_surrogate else 0
