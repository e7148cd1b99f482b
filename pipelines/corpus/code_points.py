"""A number per code point of Unicode, in the blocks that `kernels.text_bytes.record_at` reads."""

import sys
import unicodedata
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

PLANES = tuple(range(plane << 16, (plane + 1) << 16) for plane in (0, 1, 2, 3, 14))
"""Code points of the planes with characters that are neither private nor unassigned."""


def by_category(flags_of: Callable[[str], int]) -> NDArray[np.uint32]:
    """Return the flags of every code point, by its category of Unicode, as `Lu`."""
    flags, numbers = cache(flags_of), np.zeros(sys.maxunicode + 1, np.uint32)
    for codes in PLANES:
        found = map(flags, map(unicodedata.category, map(chr, codes)))
        numbers[codes.start : codes.stop] = np.fromiter(found, np.uint32, len(codes))
    return numbers


def in_blocks(numbers: NDArray[np.uint32]) -> tuple[NDArray[np.int32], NDArray[np.uint32]]:
    """Return where the block of `code >> 8` begins, and the numbers of all blocks.

    Equal blocks of 256 code points are stored once. ASCII's comes first: its places are the codes
    themselves.
    """
    places: dict[bytes, int] = {}
    blocks = [places.setdefault(block.tobytes(), len(places)) for block in numbers.reshape(-1, 256)]
    return np.array(blocks, np.int32) << 8, np.frombuffer(b"".join(places), np.uint32)
