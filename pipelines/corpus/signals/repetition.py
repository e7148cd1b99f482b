# mypy: ignore-errors
"""The kernel that finds what repeats in documents: lines, paragraphs and n-grams of words."""

import numpy as np

from pipelines.corpus.signals import counts as at_
from pipelines.corpus.signals.lines import LINE_ENDS, PARAGRAPH_ENDS, WORD_ENDS
from pipelines.corpus.signals.words import P, mixed
from pipelines.kernels.compiling import inner

_TWICE = 2
_NONE, _ONE = np.uint64(0), np.uint64(1)


@inner
def repetition(found, ends, table, grams, places, counts):
    """Count what repeats in each document.

    Grain: one call per array of texts, behind `walk`.

    Args:
        found: What `walk` found.
        ends: Places behind each text's words, lines and paragraphs, int64, `(texts + 1, 3)`.
        table: Hash table with room for twice the words or lines of any text: hashes, uint64, and
            how often each came, int32; a power of two of slots.
        grams: Room for a text's words: their n-grams, uint64.
        places: Room for a text's words: first word and slot of n-grams, int32, `(2, words)`.
        counts: Filled, int64, `(texts, counts)`.
    """
    for number in range(len(ends) - 1):
        before, here, row = ends[number], ends[number + 1], counts[number]
        dups, characters = _repeated(
            found[2][0], found[3][0], before[LINE_ENDS], here[LINE_ENDS], table
        )
        row[at_.DUPLICATE_LINES], row[at_.DUPLICATE_LINE_CHARACTERS] = dups, characters
        dups, characters = _repeated(
            found[2][1], found[3][1], before[PARAGRAPH_ENDS], here[PARAGRAPH_ENDS], table
        )
        row[at_.DUPLICATE_PARAGRAPHS], row[at_.DUPLICATE_PARAGRAPH_CHARACTERS] = dups, characters
        _count_grams(found, before[WORD_ENDS], here[WORD_ENDS], table, grams, places, row)


@inner
def _cleared(table, count):
    """Empty as many slots as so many entries need; return the mask of their places."""
    size = 16
    while size < 2 * count:
        size *= 2
    for slot in range(size):
        table[0][slot] = _NONE
        table[1][slot] = 0
    return np.uint64(size - 1)


@inner
def _enter(table, mask, hashed):
    """Count a hash and return its slot."""
    hashed |= _ONE
    slot = (hashed >> np.uint64(20)) & mask
    while table[1][slot] and table[0][slot] != hashed:
        slot = (slot + _ONE) & mask
    table[0][slot] = hashed
    table[1][slot] += 1
    return slot


@inner
def _repeated(hashes, lengths, first, stop, table):
    """Return how many of hashes repeat an earlier one, and their characters."""
    dups, characters = 0, 0
    if stop - first < _TWICE:
        return dups, characters
    mask = _cleared(table, stop - first)
    for n in range(first, stop):
        if table[1][_enter(table, mask, hashes[n])] > 1:
            dups += 1
            characters += lengths[n]
    return dups, characters


@inner
def _count_grams(found, first, stop, table, grams, places, counts):
    """Count n-grams of growing n; only those whose first n - 1 words came twice can repeat."""
    words, spans = found[0][first:stop], found[1][first:stop]
    count = len(words)
    for n in range(count):
        grams[n] = words[n]
        places[0, n] = n
    for size in range(at_.SHORTEST_GRAM, at_.LONGEST_GRAM + 1):
        count = _extend(words, size, grams, places, count)
        if count < _TWICE:
            return
        mask = _cleared(table, count)
        for n in range(count):
            places[1, n] = _enter(table, mask, mixed(grams[n]))
        if size <= at_.LONGEST_TOP_GRAM:
            characters = _most_frequent(spans, size, table, places, count)
        else:
            characters = _again(spans, size, table, places, count)
        counts[at_.FIRST_GRAMS + size - at_.SHORTEST_GRAM] = characters
        count = _keep_repeated(table, grams, places, count)


@inner
def _extend(words, size, grams, places, count):
    """Add the next word to each n-gram; return how many have one."""
    while count > 0 and places[0, count - 1] + size > len(words):
        count -= 1
    for n in range(count):
        grams[n] = grams[n] * P + words[places[0, n] + size - 1]
    return count


@inner
def _span(spans, first, size):
    """Return the characters of words with single blanks between them."""
    return spans[first + size - 1, 1] - spans[first, 0]


@inner
def _most_frequent(spans, size, table, places, count):
    """Return the characters of all occurrences of the most frequent n-gram, the first of several.

    0 where none comes twice.
    """
    most, characters = 1, 0
    for n in range(count):
        often = table[1][places[1, n]]
        if often > most:
            most = often
            characters = often * _span(spans, places[0, n], size)
    return np.int64(characters)


@inner
def _again(spans, size, table, places, count):
    """Return the characters of n-grams that came before, none of which overlap.

    As datatrove: behind one that came before, the walk goes on after its last word. The count of a
    slot that the walk has passed is negative.
    """
    characters, behind = 0, 0
    for n in range(count):
        first, slot = places[0, n], places[1, n]
        if first < behind:
            continue
        if table[1][slot] < 0:
            characters += _span(spans, first, size)
            behind = first + size
        else:
            table[1][slot] = -table[1][slot]
    return np.int64(characters)


@inner
def _keep_repeated(table, grams, places, count):
    """Move the n-grams that came twice to the front; return how many."""
    kept = 0
    for n in range(count):
        often = table[1][places[1, n]]
        if often > 1 or often < -1:
            grams[kept], places[0, kept] = grams[n], places[0, n]
            kept += 1
    return kept
