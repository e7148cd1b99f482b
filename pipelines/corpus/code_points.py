"""A number per code point of Unicode, in the blocks that `kernels.text_bytes.record_at` reads."""

import sys
import unicodedata
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

PLANES = tuple(range(plane << 16, (plane + 1) << 16) for plane in (0, 1, 2, 3, 14))
"""Code points of the planes with characters that are neither private nor unassigned."""
WITHOUT_BLANKS = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x1950, 0x19DF),  # Tai Le, New Tai Lue
    (0x1A20, 0x1AAF),  # Tai Tham
    (0x1B00, 0x1B7F),  # Balinese
    (0x3005, 0x30FF),  # marks of Han; Hiragana, Katakana
    (0x3105, 0x312F),  # Bopomofo
    (0x31A0, 0x31BF),
    (0x31F0, 0x31FF),  # Katakana
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0xA980, 0xA9FF),  # Javanese, Myanmar
    (0xAA60, 0xAADF),  # Myanmar, Tai Viet
    (0xF900, 0xFAFF),  # Han
    (0xFF66, 0xFF9F),  # Katakana of half width
    (0x1AFF0, 0x1B16F),  # Kana
    (0x20000, 0x3FFFF),  # Han
)
"""First and last code points whose letters are of scripts that put no blanks between words."""


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
