# mypy: ignore-errors
"""Kernels over sentences of token ids: counting candidates of phrases, and merging phrases.

A candidate is a token, common tokens behind it if any, and the next token that is not common: ids
that lie end to end. Its bytes are a key of a table of `tokenizing.hashing`; so are those of each
token alone that is not common.
"""

import numpy as np

from pipelines.corpus.tokenizing.hashing import ARENA, BEGIN, COUNT, ENTRIES, find, hash_of, put
from pipelines.kernels.compiling import inner

ID_BYTES = 4
SENTENCE, AT, FIRST, ENTRY_COUNT = range(4)
"""Places in `state`: the sentence and the id where the walk is; the id with which a candidate
begins, or `NONE`; entries of the table."""
STATE_SIZE = 4
NONE = -1


@inner
def count_candidates(ids, ends, is_common, table, state):
    """Count tokens and candidates from `state` on; return False where the table must grow.

    Args:
        ids: Token ids of all sentences, int32.
        ends: Where the ids of each sentence end, int64.
        is_common: By token id, whether it may only stand inside a phrase, bool.
        table: Counted keys as `slots, entries, arena`; the arena has room for three times the ids.
        state: Where the walk is, int64, `(STATE_SIZE,)`; changed in place.
    """
    while state[SENTENCE] < len(ends):
        end = ends[state[SENTENCE]]
        while state[AT] < end:
            at, first = state[AT], state[FIRST]
            if not is_common[ids[at]]:
                if state[ENTRY_COUNT] + 2 >= len(table[ENTRIES]):
                    return False
                _count(ids, at, at + 1, table, state)
                if first != NONE:
                    _count(ids, first, at + 1, table, state)
                state[FIRST] = at
            state[AT] = at + 1
        state[SENTENCE] += 1
        state[FIRST] = NONE
    return True


@inner
def merge_phrases(ids, ends, is_common, table, phrase_ids):
    """Put phrases in place of their tokens, from left to right; change ids and ends in place.

    Args:
        ids: Token ids of all sentences, int32.
        ends: Where the ids of each sentence end, int64.
        is_common: By token id, whether it may only stand inside a phrase, bool.
        table: The phrases' keys, whose arena has room for the longest sentence.
        phrase_ids: Token id of each entry, int32.
    """
    at = to = 0
    for sentence in range(len(ends)):
        first = NONE
        while at < ends[sentence]:
            if is_common[ids[at]]:
                if first == NONE:
                    ids[to] = ids[at]
                    to += 1
            elif first == NONE:
                first = at
            else:
                entry = _find(ids, first, at + 1, table)
                if entry >= 0:
                    ids[to] = phrase_ids[entry]
                    to, first = to + 1, NONE
                else:
                    to = _copy(ids, first, at, to)
                    first = at
            at += 1
        if first != NONE:
            to = _copy(ids, first, at, to)
        ends[sentence] = to


@inner
def _copy(ids, first, stop, to):
    """Copy ids to an earlier place; return the place behind them."""
    for place in range(first, stop):
        ids[to] = ids[place]
        to += 1
    return to


@inner
def _write(ids, first, stop, arena, to):
    """Write ids as bytes, the lowest first."""
    for place in range(first, stop):
        for byte in range(ID_BYTES):
            arena[to] = ids[place] >> 8 * byte & 0xFF
            to += 1


@inner
def _find(ids, first, stop, table):
    """Return the entry of a key, or a negative number."""
    begin, size = table[ENTRIES][len(table[ENTRIES]) - 1, BEGIN], (stop - first) * ID_BYTES
    _write(ids, first, stop, table[ARENA], begin)
    return find(table, begin, size, hash_of(table[ARENA], begin, size))


@inner
def _count(ids, first, stop, table, state):
    """Count a key, a new one where the table has it not."""
    entries, new, size = table[ENTRIES], state[ENTRY_COUNT], (stop - first) * ID_BYTES
    begin = entries[new, BEGIN]
    _write(ids, first, stop, table[ARENA], begin)
    hashed = hash_of(table[ARENA], begin, size)
    entry = find(table, begin, size, hashed)
    if entry < 0:
        put(table, np.uint64(-1 - entry), new, hashed)
        entries[new, COUNT] = 0
        entries[new + 1, BEGIN] = begin + size
        state[ENTRY_COUNT] = new + 1
        entry = new
    entries[entry, COUNT] += 1
