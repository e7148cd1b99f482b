# mypy: ignore-errors
"""Kernels that find what texts need before they are in normal form; most need nothing."""

import numpy as np

from pipelines.corpus.normalising.characters import (
    ALWAYS,
    AT_TIMES,
    COMPOSES,
    IS_SUSPECT,
    JOINER,
    KIND,
    NON_JOINER,
    PICTURE,
    SHAPED,
    TAGGED,
    UNSPACED,
    WORD_BREAK,
)
from pipelines.kernels.compiling import inner
from pipelines.kernels.scanning import lowest
from pipelines.kernels.text_bytes import COUNT, byte_at, record_at, special_signs

MAY_COMPOSE, IS_UNTIDY, HAS_ENTITY, HAS_TAG = 1, 2, 8, 16
"""Bits of what a text may need beside `IS_SUSPECT`: the normal form; other line ends, blanks, or
fewer characters; entities of HTML resolved; its tags away."""

ANYTHING = 1 << 32
"""What `wanted` returns where a character may follow whatever comes."""

_TAB, _NEW_LINE, _BLANK, _DELETE, _ASCII_END = 0x09, 0x0A, 0x20, 0x7F, 0x80
_AND, _LESS, _SEMICOLON, _HASH, _BANG, _SLASH = (ord(sign) for sign in "&<;#!/")
_ZERO, _NINE, _FIRST_LETTER, _LAST_LETTER = (ord(sign) for sign in "09az")
_LONGEST_ENTITY = 25
_RARE = ALWAYS | AT_TIMES | COMPOSES


@inner
def find_needs(text, offsets, chars, needs):
    """Fill the bits of what each text may need, int64, `(texts,)`.

    Args:
        text: UTF-8 of the texts, uint8.
        offsets: Where each text begins, and where the last ends, int64.
        chars: `characters()`.
        needs: Filled.
    """
    for number in range(len(needs)):
        needs[number] = _needs_of(text, offsets[number], offsets[number + 1], chars)


@inner
def find_suspect_lines(text, begin, end, chars, lines):
    """Fill where suspect lines begin and end, int64, `(lines, 2)`; return how many there are."""
    found, at = 0, begin
    while at < end:
        stop = at
        while stop < end and byte_at(text, stop) != _NEW_LINE:
            stop += 1
        stop = min(end, stop + 1)
        if _needs_of(text, at, stop, chars) & IS_SUSPECT:
            lines[found, 0], lines[found, 1] = at, stop
            found += 1
        at = stop
    return found


@inner
def next_special(text, at, end):
    """Return the first place from `at` on that is no plain character, or `end`."""
    while at + COUNT <= len(text) and at < end:
        bits = special_signs(text, at)
        if bits:
            return min(end, at + np.intp(lowest(bits)))
        at += COUNT
    while at < end:
        byte = byte_at(text, at)
        if byte < _BLANK or byte >= _DELETE or byte == _AND or byte == _LESS:
            return at
        at += 1
    return end


@inner
def wanted(sign, before):
    """Tell whether a character that goes or stays by its neighbours may stay behind another one.

    Returns:
        0 where it goes; `ANYTHING` where it stays; else flags of which what follows needs one.
    """
    if sign & JOINER:
        return ANYTHING if before & SHAPED else before & PICTURE
    if sign & NON_JOINER:
        return before & SHAPED
    if sign & WORD_BREAK:
        return before & UNSPACED
    return ANYTHING if before & TAGGED else 0


@inner
def _needs_of(text, begin, end, chars):
    """Return the bits of one text."""
    if begin == end:
        return 0
    found = _ends_untidy(byte_at(text, begin)) | _ends_untidy(byte_at(text, end - 1))
    at, before, kind, waits = begin, 0, 0, 0
    while at < end:
        if kind == 0 and byte_at(text, at) < _ASCII_END:
            plain = next_special(text, at, end)
            if plain > at:
                at, before = plain, 0
                found |= IS_UNTIDY if waits else 0
                waits = 0
                continue
        code, width, sign = record_at(text, at, chars)
        found |= byte_at(chars[2], kind << 8 | sign & KIND)
        kind = sign & KIND
        if code < _ASCII_END:
            found |= _need_of_ascii(text, code, begin, at, end)
            kind = 0
        at += width
        if sign & _RARE | waits:
            found |= _need_of_sign(sign)
            if sign & AT_TIMES:
                needed = 0 if waits else wanted(sign, before)
                found |= IS_UNTIDY if needed == 0 else 0
                waits = 0 if needed == ANYTHING else needed
                before = sign
                continue
            found |= IS_UNTIDY if waits and sign & waits == 0 else 0
            waits = 0
        before = sign
    return found | (IS_UNTIDY if waits else 0)


@inner
def _need_of_sign(sign):
    """Return the bits for a character that is not ASCII, whatever is beside it."""
    return (IS_UNTIDY if sign & ALWAYS else 0) | (MAY_COMPOSE if sign & COMPOSES else 0)


@inner
def _ends_untidy(byte):
    """Return the bit for a byte that begins or ends a text and is a blank."""
    return IS_UNTIDY if byte <= _BLANK else 0


@inner
def _need_of_ascii(text, code, begin, at, end):
    """Return the bits for an ASCII character and what is beside it."""
    if code == _NEW_LINE:
        before = byte_at(text, at - 1) if at > begin else 0
        return IS_UNTIDY if before == _BLANK or before == _TAB else 0
    if code == _DELETE or (code < _BLANK and code != _TAB):
        return IS_UNTIDY
    if code == _LESS and at + 1 < end:
        after = byte_at(text, at + 1)
        return HAS_TAG if _is_letter(after) or after == _SLASH or after == _BANG else 0
    return HAS_ENTITY if code == _AND and _is_entity(text, at + 1, end) else 0


@inner
def _is_entity(text, at, end):
    """Tell whether a semicolon follows a name or number."""
    last = min(end, at + _LONGEST_ENTITY)
    at += at < last and byte_at(text, at) == _HASH
    first = at
    while at < last and _is_letter_or_digit(byte_at(text, at)):
        at += 1
    return first < at < end and byte_at(text, at) == _SEMICOLON


@inner
def _is_letter(byte):
    """Tell whether a byte is a letter of ASCII."""
    return _FIRST_LETTER <= byte | _BLANK <= _LAST_LETTER


@inner
def _is_letter_or_digit(byte):
    """Tell whether a byte is a letter or digit of ASCII."""
    return _is_letter(byte) or _ZERO <= byte <= _NINE
