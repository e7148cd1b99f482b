# mypy: disable-error-code="no-any-return"
"""Compiled decoding of Parquet's pages of strings; damaged ones are told, never read beyond."""

from typing import Any

import numpy as np

from pipelines.kernels.compiling import inner
from pipelines.kernels.marks import copy_bytes
from pipelines.kernels.text_bytes import byte_at, word_at

_WIDEST = 32
_MORE = 0x80  # of a byte of a varint


@inner
def unpack(data: Any, at: int, end: int, width: int, found: Any) -> bool:
    """Decode runs of equal numbers and of numbers in bits (Parquet's RLE hybrid); tell success.

    Args:
        data: Bytes of a page, with `PADDING`.
        at: First byte of the runs.
        end: Byte after the last.
        width: Bits of a number.
        found: Integers that are filled.
    """
    done, count = 0, len(found)
    mask = (np.uint64(1) << np.uint64(width)) - np.uint64(1)
    while done < count and width <= _WIDEST:
        header, at = _varint(data, at, end)
        is_packed, runs = header & 1, header >> 1
        size = runs * width if is_packed else (width + 7) // 8
        if runs <= 0 or at + size > end:
            return False
        if not is_packed and word_at(data, at) & ~mask & _low_bytes(size):
            return False
        numbers = min(8 * runs if is_packed else runs, count - done)
        step_bits = width if is_packed else 0
        for step in range(numbers):
            bit = step * step_bits
            word = word_at(data, at + (bit >> 3)) >> np.uint64(bit & 7)
            found[np.uint64(done + step)] = word & mask
        at, done = at + size, done + numbers
    return done == count


@inner
def _low_bytes(count: int) -> Any:
    return (np.uint64(1) << np.uint64(8 * count)) - np.uint64(1)


@inner
def _varint(data: Any, at: int, end: int) -> tuple[int, int]:
    """Return a number that is written seven bits a byte, or -1, and the place after it."""
    number, shift = 0, 0
    while at < end and shift < _WIDEST:
        byte = byte_at(data, at)
        number |= (byte & ~_MORE) << shift
        at, shift = at + 1, shift + 7
        if byte < _MORE:
            return number, at
    return -1, at


@inner
def find_words(data: Any, at: int, end: int, starts: Any, sizes: Any) -> bool:
    """Find strings that stand one after another, each after its length of four bytes."""
    for number in range(len(starts)):
        if at + 4 > end:
            return False
        size = int(word_at(data, at) & np.uint64(0xFFFFFFFF))
        if size > end - at - 4:
            return False
        starts[number], sizes[number] = at + 4, size
        at += 4 + size
    return True


@inner
def total_size(sizes: Any, chosen: Any) -> int:
    """Return the bytes of the chosen words, or -1 where one is no word."""
    total, known = 0, np.uint64(len(sizes))
    for word in chosen:
        if np.uint64(word) >= known:
            return -1
        total += sizes[np.uint64(word)]
    return total


@inner
def copy_words(page: Any, is_there: Any, offsets: Any, text: Any, place: int) -> int:
    """Copy the words of a page's rows, and return the place after them.

    Args:
        page: Bytes of the words, where each begins, its size, and the words of the rows that have
            one.
        is_there: Which rows have one; empty if all do.
        offsets: Where each row's text begins; filled.
        text: Bytes of the texts, with `PADDING`; filled.
        place: Where the first text begins.
    """
    data, starts, sizes, chosen = page
    taken = 0
    for row in range(len(offsets)):
        offsets[np.uint64(row)] = place
        if len(is_there) == 0 or is_there[np.uint64(row)]:
            word = np.uint64(chosen[np.uint64(taken)])
            first, size = int(starts[word]), int(sizes[word])
            copy_bytes(text, place, data, first, size)
            place, taken = place + size, taken + 1
    return place
