# mypy: ignore-errors
"""A hash table of tokens: open addressing, decided by comparing bytes, 40 bytes a token at most.

A table is three arrays: `slots`, `entries` and `arena`. The arena holds the tokens end to end, in
the order in which they came; token e begins at `entries[e, BEGIN]` and ends where the next begins.
A slot holds `e + 1` in its low bits and high bits of the token's hash above; an empty one holds 0.
The number of slots is a power of two, at least twice that of the entries. `WORD` bytes follow the
arena's last token.
"""

import numpy as np

from pipelines.kernels.compiling import inner
from pipelines.kernels.text_bytes import word_at

SLOTS, ENTRIES, ARENA = range(3)
BEGIN, COUNT, DOCUMENTS, LAST_DOCUMENT = range(4)
WORD = 8
"""Bytes that are hashed and compared at once."""

_ENTRY = np.uint64((1 << 30) - 1)
_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio
_HALF = np.uint64(32)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_NO_ENTRY = np.uint64(0)


@inner
def hash_of(arena, begin, size):
    """Return the hash of a token, uint64; up to 7 bytes behind it are read and not used."""
    found, at, left = np.uint64(size) * _FACTOR, begin, size
    while left > 0:
        word = word_at(arena, at)
        if left < WORD:
            word &= _ALL >> np.uint64(64 - 8 * left)
        found = (found ^ word) * _FACTOR
        found ^= found >> _HALF
        at += WORD
        left -= WORD
    found *= _FACTOR
    return found ^ (found >> np.uint64(29))


@inner
def find(table, begin, size, hashed):
    """Return the entry of a token, or -1 less the slot where it belongs.

    The token's bytes lie in the table's own arena from `begin` on.
    """
    slots, entries, arena = table
    mask = np.uint64(len(slots) - 1)
    slot = hashed & mask
    while True:
        held = slots[slot]
        if held == _NO_ENTRY:
            return -1 - np.int64(slot)
        if (held ^ hashed) & ~_ENTRY == _NO_ENTRY:
            entry = np.int64(held & _ENTRY) - 1
            first = entries[entry, BEGIN]
            if entries[entry + 1, BEGIN] - first == size and _is_same(arena, first, begin, size):
                return entry
        slot = (slot + np.uint64(1)) & mask


@inner
def _is_same(arena, one, other, size):
    """Tell whether two tokens of one length have the same bytes."""
    while size >= WORD:
        if word_at(arena, one) != word_at(arena, other):
            return False
        one, other, size = one + WORD, other + WORD, size - WORD
    if size == 0:
        return True
    unlike = word_at(arena, one) ^ word_at(arena, other)
    return unlike << np.uint64(64 - 8 * size) == _NO_ENTRY


@inner
def put(table, slot, entry, hashed):
    """Let a slot hold an entry."""
    table[SLOTS][slot] = hashed & ~_ENTRY | np.uint64(entry + 1)


@inner
def place(table, count):
    """Put the first `count` entries, tokens that differ, into slots that are all empty."""
    slots, entries, arena = table
    mask = np.uint64(len(slots) - 1)
    for entry in range(count):
        begin = entries[entry, BEGIN]
        hashed = hash_of(arena, begin, entries[entry + 1, BEGIN] - begin)
        slot = hashed & mask
        while slots[slot] != _NO_ENTRY:
            slot = (slot + np.uint64(1)) & mask
        put(table, slot, entry, hashed)
