# mypy: ignore-errors
"""The kernel that passes tags and comments of wikitext, and what they hide."""

import numpy as np

from pipelines.corpus.normalising.wiki_words import (
    hash_at,
    hash_of,
    is_among,
    is_letter,
    peek,
    write,
)
from pipelines.kernels.compiling import inner
from pipelines.kernels.text_bytes import byte_at

FAILURES = 2
"""Column of the stack's first row: searches for an end that is not there."""

_LESS, _MORE, _SLASH, _BANG, _HYPHEN, _NEW_LINE = (ord(sign) for sign in "<>/!-\n")
_ZERO, _NINE = ord("0"), ord("9")
_LINE_BREAK, _RAW = np.uint64(hash_of("br")), np.uint64(hash_of("nowiki"))
_LONGEST_TAG = 2000
_MOST_FAILURES = 16  # searches to the end of a text that may find nothing


@inner
def pass_tag(text, at, end, words, out, to, stack):
    """Pass a tag or comment and what it hides, or write its first sign if it is none."""
    if peek(text, at + 1, end) == _BANG and peek(text, at + 2, end) == _HYPHEN:
        stop = _comment_end(text, at + 3, end, stack)
        return (stop, to) if stop else write(_LESS, out, at, to)
    is_end = peek(text, at + 1, end) == _SLASH
    first = stop = at + 1 + is_end
    while stop < end and _is_of_name(byte_at(text, stop)):
        stop += 1
    behind, name = _tag_end(text, stop, end), hash_at(text, first, stop)
    if behind == 0 or not is_among(name, words[0]):
        return write(_LESS, out, at, to)
    if name == _LINE_BREAK:
        return write(_NEW_LINE, out, behind - 1, to)
    if is_end or byte_at(text, behind - 2) == _SLASH:
        return behind, to
    if name == _RAW or is_among(name, words[1]):
        stop = _closing_tag(text, behind, end, name, stack)
        if stop == behind:
            return behind, to
        while name == _RAW and behind < stop:
            behind, to = write(byte_at(text, behind), out, behind, to)
        return max(behind, _tag_end(text, stop + 1, end)), to
    return behind, to


@inner
def _is_of_name(byte):
    """Tell whether a byte may be one of a tag's name."""
    return is_letter(byte) or _ZERO <= byte <= _NINE


@inner
def _tag_end(text, at, end):
    """Return the place behind a tag, or 0 where it is none."""
    last = min(end, at + _LONGEST_TAG)
    while at < last and byte_at(text, at) != _LESS:
        if byte_at(text, at) == _MORE:
            return at + 1
        at += 1
    return 0


@inner
def _comment_end(text, at, end, stack):
    """Return the place behind a comment, or 0 where it never ends."""
    hyphens = 0
    while at < end and stack[0, FAILURES] < _MOST_FAILURES:
        byte = byte_at(text, at)
        at += 1
        if byte == _MORE and hyphens > 1:
            return at
        hyphens = hyphens + 1 if byte == _HYPHEN else 0
    stack[0, FAILURES] += 1
    return 0


@inner
def _closing_tag(text, at, end, name, stack):
    """Return where the tag begins that closes another one, or `at` where none does."""
    place = at
    while place < end and stack[0, FAILURES] < _MOST_FAILURES:
        if byte_at(text, place) == _LESS and peek(text, place + 1, end) == _SLASH:
            stop = place + 2
            while stop < end and _is_of_name(byte_at(text, stop)):
                stop += 1
            if hash_at(text, place + 2, stop) == name:
                return place
        place += 1
    stack[0, FAILURES] += 1
    return at
