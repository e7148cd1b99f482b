# mypy: ignore-errors
"""The kernel that reads one word, with all that is counted in it."""

import numpy as np

from pipelines.corpus.signals.characters import (
    BLANKLESS,
    DOTTED_I,
    EXPANDS,
    INVISIBLE,
    JOINER,
    LETTER,
    MARK,
    NUMBER,
    UPPER,
    VALUE,
)
from pipelines.corpus.signals.counts import CHARACTERS, DIGITS, PUNCTUATIONS, UPPER_CASE
from pipelines.corpus.signals.lexicon import FACTOR, MIX, SEED, SHIFT
from pipelines.kernels.compiling import inner
from pipelines.kernels.text_bytes import record_at

WORD_SIGN = LETTER | NUMBER
LINE, PARAGRAPH, CONTENT, OTHER_CONTENT = range(4)
"""Places in `hashes`: of the line, of the paragraph, and the two of the document's content."""

P = np.uint64(FACTOR)
Q = np.uint64(0xA0761D6478BD642F)
_SEED, _MIX, _SHIFT = np.uint64(SEED), np.uint64(MIX), np.uint64(SHIFT)
_I, _DOT = (np.uint64(code) for code in DOTTED_I)


@inner
def mixed(found):
    """Return a hash whose every bit depends on all bits of the one given."""
    found = (found ^ (found >> _SHIFT)) * _MIX
    return found ^ (found >> _SHIFT)


@inner
def _goes_on(text, at, end, chars):
    """Tell whether a letter or digit of a script with blanks is at a place."""
    if at >= end:
        return False
    sign = record_at(text, at, chars)[2]
    return sign & WORD_SIGN != 0 and sign & BLANKLESS == 0


@inner
def read_word(text, at, end, chars, hashes, counts):
    """Read the word that begins at a place; bring the hashes up to date and count characters.

    A word is a letter or digit, then letters, digits and marks; apostrophes and hyphens join two
    such runs. A letter of a script without blanks is a word with its marks alone.

    Returns:
        The place behind the word, its hash, its characters without invisible ones, whether it has a
        letter, and whether it is of a script without blanks.
    """
    word, line = _SEED, hashes[LINE]
    one, two = hashes[CONTENT], hashes[OTHER_CONTENT]
    length, passed, seen, first = 0, 0, 0, 0
    parts = WORD_SIGN | MARK | INVISIBLE
    while at < end:
        code, width, sign = record_at(text, at, chars)
        if sign & parts == 0 or (sign & BLANKLESS != 0 and passed > 0):
            if (
                sign & JOINER == 0
                or first & BLANKLESS
                or not _goes_on(text, at + width, end, chars)
            ):
                break
            counts[PUNCTUATIONS] += 1
        if passed == 0:
            first = sign
            if sign & BLANKLESS:
                parts = MARK | INVISIBLE
        value = np.uint64(sign & VALUE)
        if value == 0:
            value = np.uint64(code)
        if sign & EXPANDS:
            word = (word ^ _I) * P
            one, two = (one ^ _I) * P, (two + _I) * Q
            value = _DOT
        if sign & INVISIBLE == 0:
            word = (word ^ value) * P
            length += 1
        line = (line ^ np.uint64(code)) * P
        one, two = (one ^ value) * P, (two + value) * Q
        seen |= sign
        passed += 1
        if sign & (NUMBER | UPPER):
            counts[DIGITS] += sign & NUMBER != 0
            counts[UPPER_CASE] += sign & UPPER != 0
        at += width
    hashes[LINE], hashes[CONTENT], hashes[OTHER_CONTENT] = line, one, two
    counts[CHARACTERS] += passed
    return at, mixed(word), length, seen & LETTER != 0, first & BLANKLESS != 0
