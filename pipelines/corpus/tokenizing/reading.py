# mypy: ignore-errors
"""Kernels that read one token from UTF-8 and write it as it is counted, in lower case or not.

`chars` are `Characters.arrays`; a code point's record is its flags and its value.
"""

import numpy as np

from pipelines.corpus.tokenizing.characters import (
    CASED,
    DROPPED,
    EXPANDED,
    IGNORABLE,
    LETTER,
    MARK,
    NUMBER,
    PART,
    SIGMA,
    TAIL,
    VALUE,
)
from pipelines.kernels.compiling import inner
from pipelines.kernels.text_bytes import byte_at, record_at

EXPANSIONS = 2
IN_WORD = LETTER | PART
"""Flags of a letter that is not a token of its own."""
_UNDERSCORE, _QUOTE, _APOSTROPHE, _POINT, _COMMA = (ord(sign) for sign in "_'’.,")  # noqa: RUF001
_CAPITAL_SIGMA = ord("Σ")
_SIGMA_SMALL, _SIGMA_FINAL = 0x83, 0x82  # second bytes of the small ones, whose first is 0xCF


@inner
def read_token(text, at, end, is_word, is_alone, chars, out, to):
    """Write the word or number that begins at `at` to out[to:]; return the places behind both.

    A word that `is_alone` is the letter at `at`, with marks and joiners.

    A word is underscores, then a letter, then letters, marks, digits, underscores and joiners; then
    any number of times an apostrophe, a letter, and letters, marks and joiners. Soft hyphens are
    left out, and so are non-joiners at the end. A number is digits, then any number of times a
    point or a comma, and digits.
    """
    first, has_sigma = to, False
    goes_on, behind, needed, sign, other = PART, TAIL, LETTER | TAIL, _QUOTE, _APOSTROPHE
    if not is_word:
        goes_on, behind, needed, sign, other = NUMBER, NUMBER, NUMBER, _POINT, _COMMA
    later = goes_on
    if is_alone:
        goes_on, later, sign, other = LETTER, MARK, -1, -1
    while at < end:
        code, width, record = record_at(text, at, chars)
        if not record & goes_on:
            if code != sign and code != other:
                break
            if at + width == end or record_at(text, at + width, chars)[2] & needed != needed:
                break
            later = behind
        value = record & VALUE
        if value == 0:
            value = code
        if value < 0x80:
            out[np.uint64(to)] = value
            to += 1
        else:
            has_sigma |= value == SIGMA
            to = _write(value, chars, out, to)
        at += width
        goes_on = later
    while out[to - 1] == 0x8C and out[to - 2] == 0x80 and out[to - 3] == 0xE2:
        to -= 3
    if has_sigma:
        _settle_sigmas(out, first, to, chars)
    return at, to


@inner
def skip_underscores(text, at, end, chars):
    """Return the first place without an underscore, and whether a letter of words is there."""
    while at < end and byte_at(text, at) == _UNDERSCORE:
        at += 1
    return at, at < end and record_at(text, at, chars)[2] & IN_WORD == IN_WORD


@inner
def _write(value, chars, out, to):
    """Write a value that is not ASCII and return the place behind it; a capital sigma stays one."""
    if value >= EXPANDED:
        row = chars[EXPANSIONS][value - EXPANDED]
        for k in range(row[0]):
            out[to + k] = row[1 + k]
        return to + row[0]
    if value == DROPPED:
        return to
    if value == SIGMA:
        value = _CAPITAL_SIGMA
    if value < 0x800:
        out[to] = 0xC0 | value >> 6
        out[to + 1] = 0x80 | value & 0x3F
        return to + 2
    if value < 0x10000:
        out[to] = 0xE0 | value >> 12
        out[to + 1] = 0x80 | value >> 6 & 0x3F
        out[to + 2] = 0x80 | value & 0x3F
        return to + 3
    out[to] = 0xF0 | value >> 18
    out[to + 1] = 0x80 | value >> 12 & 0x3F
    out[to + 2] = 0x80 | value >> 6 & 0x3F
    out[to + 3] = 0x80 | value & 0x3F
    return to + 4


@inner
def _settle_sigmas(out, first, end, chars):
    """Write capital sigmas small: as final ones behind a letter with case and before none.

    Characters that are ignorable do not count (Unicode 3.13, Final_Sigma).
    """
    at, is_behind, waiting = first, False, -1
    while at < end:
        code, width, record = record_at(out, at, chars)
        if not record & IGNORABLE:
            if waiting >= 0 and record & CASED:
                out[waiting] = _SIGMA_SMALL
            waiting = -1
            if code == _CAPITAL_SIGMA:
                out[at], out[at + 1] = 0xCF, _SIGMA_SMALL
                if is_behind:
                    out[at + 1], waiting = _SIGMA_FINAL, at + 1
            is_behind = record & CASED != 0
        at += width
