# mypy: ignore-errors
"""The kernel that takes a small sample of each text: words alone, from three places of it."""

import numpy as np

from pipelines.corpus.signals.characters import INVISIBLE, LETTER, MARK, SPACE
from pipelines.kernels.compiling import inner
from pipelines.kernels.text_bytes import byte_at, record_at

ROOM = 996
"""Bytes of a sample at most: eldc reads the first 1,000."""
WINDOWS = 3
_SEARCHED = 8  # bytes of the text that are looked at for a byte of the sample
_WORD = LETTER | MARK | INVISIBLE
_ASCII, _BLANK = 0x80, 0x20
_LETTERS = ord("a"), ord("z")
_APOSTROPHE, _RAISED = ord("'"), ord("’")  # noqa: RUF001
_STRANGE = sum(1 << ord(sign) for sign in "0123456789#$%&/<=>@\\_{|}~")
_HALVES = np.uint64(_STRANGE & (1 << 64) - 1), np.uint64(_STRANGE >> 64)
"""A bit for each digit of ASCII, and for each sign of addresses, markup and code."""


@inner
def sample(text, offsets, chars, out, ends):
    """Write samples end to end: the words of short texts, and of three windows of others.

    Grain: one call per array of texts. Words of ASCII that have a digit or a sign of addresses and
    code are left out; all that is not of a word is one blank. What one window does not fill is left
    to the next ones.

    Args:
        text: UTF-8 of the texts, uint8.
        offsets: Where each text begins, and where the last ends, int64.
        chars: `characters()`.
        out: Filled, uint8, with room for `ROOM` bytes per text, or for the texts.
        ends: Filled with the place behind each sample from place 1 on, int64, `(texts + 1,)`.
    """
    to = 0
    for number in range(len(offsets) - 1):
        begin, size = offsets[number], offsets[number + 1] - offsets[number]
        windows = 1 if size <= ROOM else WINDOWS
        first = to
        for window in range(windows):
            at, stop = begin + size * window // windows, begin + size * (window + 1) // windows
            limit = first + ROOM * (window + 1) // windows
            at = _word_begin(text, at, stop) if window else at
            stop = min(stop, at + _SEARCHED * (limit - to))
            to = _take(text, at, stop, chars, out, to, limit)
        ends[number + 1] = to


@inner
def _word_begin(text, at, stop):
    """Return a place where a word begins, or a character where no blank is near."""
    near = min(stop, at + 64)
    for place in range(at, near):
        if byte_at(text, place) <= _BLANK:
            return place
    while at < stop and byte_at(text, at) & 0xC0 == _ASCII:
        at += 1
    return at


@inner
def _take(text, at, stop, chars, out, to, limit):
    """Write the words between two places, up to a limit; return the place behind them."""
    is_begin = True  # no character of this word has come
    while at < stop:
        if is_begin and byte_at(text, at) < _ASCII:
            at, to = _take_ascii(text, at, stop, out, to, limit)
            if at >= stop or to + 1 >= limit:
                break
        code, width, sign = record_at(text, at, chars)
        at += width
        is_begin = sign & SPACE != 0
        if sign & _WORD or code == _APOSTROPHE or code == _RAISED:
            if to + width >= limit:
                break
            for n in range(width):
                out[to + n] = text[at - width + n]
            to += width
        elif to > 0 and out[to - 1] != _BLANK and to + 1 < limit:
            out[to] = _BLANK
            to += 1
    if to > 0 and out[to - 1] != _BLANK and to < limit:
        out[to] = _BLANK
        to += 1
    return to


@inner
def _take_ascii(text, at, stop, out, to, limit):
    """Write a run of ASCII without blanks, unless a strange byte is in it; return both places."""
    first, is_strange = to, False
    while at < stop:
        byte = byte_at(text, at)
        if byte <= _BLANK or byte >= _ASCII:
            break
        at += 1
        is_letter = _LETTERS[0] <= byte | _BLANK <= _LETTERS[1]
        if not is_letter:
            half = _HALVES[1] if byte & 64 else _HALVES[0]
            is_strange |= half >> np.uint64(byte & 63) & np.uint64(1) != 0
            if byte != _APOSTROPHE:
                byte = _BLANK
        if to + 1 < limit:
            out[to] = byte
            to += 1
    return at, (first if is_strange else to)
