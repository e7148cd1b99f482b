# mypy: ignore-errors
"""The kernel that walks texts once and finds sentences and tokens, to count or to encode them.

A sentence ends behind a stop that blanks follow, at a blank line, and behind a full stop of other
scripts where no other stop follows. Several of these in one run of blanks are one end. Sentences
are numbered as they end, also those without a token, and cut into pieces of `LONGEST` tokens.
"""

import numpy as np

from pipelines.corpus.tokenizing.characters import (
    BLANK,
    FULL_STOP,
    LETTER,
    START,
    STOP,
)
from pipelines.corpus.tokenizing.hashing import (
    ARENA,
    BEGIN,
    COUNT,
    DOCUMENTS,
    ENTRIES,
    LAST_DOCUMENT,
    find,
    hash_of,
    put,
)
from pipelines.corpus.tokenizing.reading import (
    IN_WORD,
    read_token,
    skip_underscores,
)
from pipelines.kernels.compiling import inner
from pipelines.kernels.text_bytes import record_at

IS_COUNTING, LONGEST, NUMBER_ENTRY = range(3)
"""Places in `rules`: whether tokens are counted, tokens of a piece, the entry of numbers."""
AS_WRITTEN, UNKNOWN, _NO_ROOM = -2, -1, -3
"""Values of `NUMBER_ENTRY`: a number is a token as others are; it has no entry."""

(
    DOCUMENT, AT, LAST, SENTENCE, PIECE, TOKENS,
    FOUND, IDS_WRITTEN, ROWS_WRITTEN, ENTRY_COUNT, BEFORE,
) = range(11)  # fmt: skip
"""Places in `state`: the text and byte where the walk is; what it passed last; number of the
sentence, of its piece, and of tokens in this; pieces found; ids and rows written; entries of the
table; documents counted before this call."""
STATE_SIZE = 11

ROW_DOCUMENT, ROW_SENTENCE, ROW_PIECE, ROW_END = range(4)
"""Columns of a row: text, sentence, piece, and where its ids end."""

OTHER, STOPPED, FULLY_STOPPED, _LINE_ENDED, ENDED = range(5)
"""Values of `LAST`: no stop; a stop; one that needs no blank; the end of a line; of a sentence."""
_NEW_LINE, _UNDERSCORE = 0x0A, 0x5F


@inner
def walk(text, offsets, rules, chars, table, state, ids, rows):
    """Walk texts from `state` on; return False where the table must grow before going on.

    Grain: one call per array of texts, and another after each growth.

    Args:
        text: UTF-8 of the texts, uint8.
        offsets: Where each text begins, and where the last ends, int64.
        rules: How tokens are cut, int64.
        chars: `Characters.arrays`.
        table: Counted tokens, or a vocabulary, as `slots, entries, arena`. Behind the last token
            the arena has room for the texts in lower case.
        state: Where the walk is, int64, `(STATE_SIZE,)`; changed in place.
        ids: Filled with the ids of known tokens, unless tokens are counted.
        rows: Filled with a row for each piece with a token, unless tokens are counted; `(n, 4)`.
    """
    while state[DOCUMENT] < len(offsets) - 1:
        if not _walk_text(text, offsets, rules, chars, table, state, ids, rows):
            return False
        _end_piece(rules, state, rows)
        state[DOCUMENT] += 1
        state[AT] = offsets[state[DOCUMENT]]
        state[SENTENCE] = state[PIECE] = 0
        state[LAST] = OTHER
    return True


@inner
def _walk_text(text, offsets, rules, chars, table, state, ids, rows):
    """Walk one text; return False where the table must grow."""
    at, end, last = state[AT], offsets[state[DOCUMENT] + 1], state[LAST]
    while at < end:
        code, width, record = record_at(text, at, chars)
        if record & BLANK:
            was, last = last, after_blank(code, last)
            if last == ENDED and was != ENDED:
                _end_sentence(rules, state, rows)
            at += width
            continue
        if last == FULLY_STOPPED and not record & STOP:
            _end_sentence(rules, state, rows)
        last = OTHER
        if not record & START:
            if record & STOP:
                last = FULLY_STOPPED if record & FULL_STOP else STOPPED
            at += width
            continue
        begin, is_word, free = at, record & LETTER != 0, table[ENTRIES][state[ENTRY_COUNT], BEGIN]
        if code == _UNDERSCORE and not is_word:
            at, is_word = skip_underscores(text, at, end, chars)
            if not is_word:
                continue
        is_alone = record & IN_WORD == LETTER
        at, stop = read_token(text, begin, end, is_word, is_alone, chars, table[ARENA], free)
        if not _take(free, stop, is_word, rules, table, state, ids, rows):
            state[AT], state[LAST] = begin, last
            return False
    return True


@inner
def after_blank(code, last):
    """Return what a blank leaves as passed last: `ENDED` anew where the sentence ends."""
    if last == STOPPED or last == FULLY_STOPPED or (last == _LINE_ENDED and code == _NEW_LINE):
        return ENDED
    if last == ENDED or last == _LINE_ENDED:
        return last
    return _LINE_ENDED if code == _NEW_LINE else OTHER


@inner
def _end_sentence(rules, state, rows):
    """End a sentence, which may have no token."""
    _end_piece(rules, state, rows)
    state[SENTENCE] += 1
    state[PIECE] = 0


@inner
def _end_piece(rules, state, rows):
    """End a piece of a sentence, if it has a token."""
    if state[TOKENS] == 0:
        return
    if not rules[IS_COUNTING]:
        row = state[ROWS_WRITTEN]
        rows[row, ROW_DOCUMENT], rows[row, ROW_SENTENCE] = state[DOCUMENT], state[SENTENCE]
        rows[row, ROW_PIECE], rows[row, ROW_END] = state[PIECE], state[IDS_WRITTEN]
        state[ROWS_WRITTEN] = row + 1
    state[FOUND] += 1
    state[PIECE] += 1
    state[TOKENS] = 0


@inner
def _take(begin, end, is_word, rules, table, state, ids, rows):
    """Count or encode the token in arena[begin:end]; return False where it has no room."""
    entry = rules[NUMBER_ENTRY]
    if is_word or entry == AS_WRITTEN:
        entry = _entry_of(begin, end, rules, table, state)
        if entry == _NO_ROOM:
            return False
    if state[TOKENS] == rules[LONGEST]:
        _end_piece(rules, state, rows)
    state[TOKENS] += 1
    if rules[IS_COUNTING]:
        entries, document = table[ENTRIES], state[BEFORE] + state[DOCUMENT]
        entries[entry, COUNT] += 1
        if entries[entry, LAST_DOCUMENT] != document:
            entries[entry, LAST_DOCUMENT] = document
            entries[entry, DOCUMENTS] += 1
    elif entry != UNKNOWN:
        ids[state[IDS_WRITTEN]] = entry
        state[IDS_WRITTEN] += 1
    return True


@inner
def _entry_of(begin, end, rules, table, state):
    """Return a token's entry, a new one where tokens are counted; or `UNKNOWN`, or `_NO_ROOM`."""
    hashed = hash_of(table[ARENA], begin, end - begin)
    entry = find(table, begin, end - begin, hashed)
    if entry >= 0:
        return entry
    if not rules[IS_COUNTING]:
        return UNKNOWN
    entries, new = table[ENTRIES], state[ENTRY_COUNT]
    if new + 1 == len(entries):
        return _NO_ROOM
    put(table, np.uint64(-1 - entry), new, hashed)
    entries[new, COUNT] = entries[new, DOCUMENTS] = 0
    entries[new, LAST_DOCUMENT] = -1
    entries[new + 1, BEGIN] = end
    state[ENTRY_COUNT] = new + 1
    return new
