"""The few words that signals look for, by their hashes."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

FACTOR, SEED = 0x9E3779B97F4A7C15, 0x9E3779B1
"""Of the hash of a word: for each character, `hash = (hash ^ character) * FACTOR`, then `mixed`."""
MIX = 0xFF51AFD7ED558CCD
SHIFT = 33
SIZE = 256

STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
"""Gopher's (arXiv 2112.11446, appendix A.1.1)."""
_OTHERS = (
    "lorem", "ipsum", "javascript", "terms", "use", "uses", "privacy", "policy", "cookie",
    "cookies",
)  # fmt: skip
(
    LOREM, IPSUM, JAVASCRIPT, TERMS, USE, USES, PRIVACY, POLICY, COOKIE, COOKIES,
) = range(len(STOP_WORDS) + 1, len(STOP_WORDS) + 11)  # fmt: skip
"""Numbers of words; stop words have those from 1 on, in their order, any other word has 0."""
OF = STOP_WORDS.index("of") + 1

_ALL = (1 << 64) - 1


def word_hash(word: str) -> int:
    """Return the hash of a word in lower case, as the kernel makes it."""
    found = SEED
    for sign in word:
        found = (found ^ ord(sign)) * FACTOR & _ALL
    found = (found ^ found >> SHIFT) * MIX & _ALL
    return found ^ found >> SHIFT


@cache
def lexicon() -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the hash that belongs to each of 256 places, and the number of its word.

    A word's place is its hash modulo 256; no two words of the list share one.
    """
    hashes, numbers = np.zeros(SIZE, np.uint64), np.zeros(SIZE, np.int64)
    for number, word in enumerate((*STOP_WORDS, *_OTHERS), 1):
        found = word_hash(word)
        if numbers[found % SIZE]:
            raise AssertionError(f"{word!r} shares its place; choose another SEED")
        hashes[found % SIZE], numbers[found % SIZE] = found, number
    return hashes, numbers
