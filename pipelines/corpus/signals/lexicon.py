"""The few words that signals look for, by their hashes, in a table for each language."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from pipelines.settings import read_yaml

FACTOR, SEED = 0x9E3779B97F4A7C15, 0x9E3779B1
"""Of the hash of a word: for each character, `hash = (hash ^ character) * FACTOR`, then `mixed`."""
MIX = 0xFF51AFD7ED558CCD
SHIFT = 33
SIZE = 256

_WORDS = (
    "of", "lorem", "ipsum", "javascript", "terms", "use", "uses", "privacy", "policy", "cookie",
    "cookies",
)  # fmt: skip
OF, LOREM, IPSUM, JAVASCRIPT, TERMS, USE, USES, PRIVACY, POLICY, COOKIE, COOKIES = range(1, 12)
"""Numbers of the words of phrases, in all languages; any other word has 0."""
STOP_BITS = 4
"""A stop word has its place in the list of its language, from 1 on, above these bits."""

_ALL = (1 << 64) - 1


def word_hash(word: str) -> int:
    """Return the hash of a word in lower case, as the kernel makes it; both sigmas are one."""
    found = SEED
    for sign in word.replace("\u03c2", "\u03c3"):
        found = (found ^ ord(sign)) * FACTOR & _ALL
    found = (found ^ found >> SHIFT) * MIX & _ALL
    return found ^ found >> SHIFT


@cache
def stop_words() -> dict[str, list[str]]:
    """Return the stop words of each language that has a list, by its code.

    English has Gopher's (arXiv 2112.11446, appendix A.1.1).
    """
    tree = read_yaml(files("pipelines.corpus") / "stop_words.yaml")
    return {code: list(dict.fromkeys(words.split())) for code, words in tree.items()}


@dataclass(frozen=True)
class Lexicon:
    """A table of 256 places per language; no two words of a table share a place.

    Args:
        hashes: The hash that belongs to each place, uint64, `(tables, 256)`.
        numbers: The number of its word, int64, `(tables, 256)`.
        shifts: Lowest of the eight bits of a hash that are its place, by table, int64.
        tables: Table of each language with a list; table 0 has no stop words.
    """

    hashes: NDArray[np.uint64]
    numbers: NDArray[np.int64]
    shifts: NDArray[np.int64]
    tables: dict[str, int]


@cache
def lexicon() -> Lexicon:
    """Return the tables of all languages."""
    lists = {"": list[str](), **stop_words()}
    hashes = np.zeros((len(lists), SIZE), np.uint64)
    numbers = np.zeros((len(lists), SIZE), np.int64)
    shifts = np.zeros(len(lists), np.int64)
    for table, words in enumerate(lists.values()):
        found = {word_hash(word): number for number, word in enumerate(_WORDS, 1)}
        for rank, word in enumerate(words, 1):
            found[word_hash(word)] = found.get(word_hash(word), 0) | rank << STOP_BITS
        shifts[table] = shift = _shift(found)
        for each, number in found.items():
            place = each >> shift & SIZE - 1
            hashes[table, place], numbers[table, place] = each, number
    return Lexicon(hashes, numbers, shifts, {code: n for n, code in enumerate(lists) if code})


def _shift(hashes: dict[int, int]) -> int:
    """Return the first shift by which every hash has a place of its own."""
    for shift in range(64 - SIZE.bit_length()):
        if len({each >> shift & SIZE - 1 for each in hashes}) == len(hashes):
            return shift
    raise AssertionError("two words of a list share a place by every shift: shorten the list")
