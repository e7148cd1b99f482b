# mypy: ignore-errors
"""The kernel that writes the plain text of MediaWiki's markup."""

import numpy as np

from pipelines.corpus.normalising.wiki_tags import pass_tag
from pipelines.corpus.normalising.wiki_words import (
    hash_at,
    hash_of,
    is_address,
    is_among,
    past_letters,
    peek,
    write,
)
from pipelines.kernels.compiling import inner
from pipelines.kernels.text_bytes import byte_at

KIND, OPENED, PIPE = range(3)
"""Columns of the stack of what is open: its kind, where its text begins, where that behind its
first pipe does. Row 0 holds how many are open, where a heading ends, and failed searches."""
HEADING_END = 1
DEEPEST = 200

_TEMPLATE, _PARAMETER, _TABLE, _LINK, _ADDRESS = range(1, 6)
_NEW_LINE, _BLANK, _TAB = ord("\n"), ord(" "), ord("\t")
_LESS, _PIPE, _EQUALS, _HYPHEN, _UNDERSCORE, _QUOTE, _COLON = (ord(s) for s in "<|=-_':")
_BRACE, _BRACE_END, _BRACKET, _BRACKET_END = (ord(sign) for sign in "{}[]")
_STAR, _HASH, _SEMICOLON = (ord(sign) for sign in "*#;")
_REDIRECT = np.uint64(hash_of("redirect"))
_RULE_HYPHENS, _LONGEST_SWITCH, _LONGEST_LANGUAGE = 4, 40, 3


@inner
def strip_markup(text, offsets, words, out, ends, stack):
    """Write the plain text of wikitexts end to end.

    Args:
        text: UTF-8 of the texts, uint8.
        offsets: Where each text begins, and where the last ends, int64.
        words: `words()`.
        out: Filled, uint8, as long as the texts.
        ends: Filled with the place behind each text from place 1 on, int64, `(texts + 1,)`.
        stack: Room for what is open, int64, `(DEEPEST, 3)`.
    """
    to = 0
    for number in range(len(offsets) - 1):
        to = _strip(text, offsets[number], offsets[number + 1], words, out, to, stack)
        ends[number + 1] = to


@inner
def _strip(text, at, end, words, out, to, stack):
    """Write the plain text of one wikitext; what is never closed stays."""
    stack[0] = 0
    begin = to
    if _is_redirect(text, at, end):
        return to
    is_new, stack[0, HEADING_END] = True, -1
    while at < end:
        if is_new:
            at, to = _begin_line(text, at, end, to, stack)
            is_new = False
            continue
        byte = byte_at(text, at)
        if byte == _NEW_LINE:
            to = _end_line(out, begin, to, stack)
            at += 1
            is_new = True
        elif byte == _LESS:
            at, to = pass_tag(text, at, end, words, out, to, stack)
        elif byte == _EQUALS and at == stack[0, HEADING_END]:
            while at < end and byte_at(text, at) != _NEW_LINE:
                at += 1
        elif byte == _QUOTE or byte == _UNDERSCORE:
            at, to = _pass_emphasis(text, at, end, out, to)
        elif _BRACE <= byte <= _BRACE_END or byte == _BRACKET or byte == _BRACKET_END:
            at, to = _pass_bracket(text, at, end, words, out, to, stack)
        else:
            at, to = write(byte, out, at, to)
    return to


@inner
def _is_redirect(text, at, end):
    """Tell whether a page only leads to another one."""
    name_end = past_letters(text, at + 1, end)
    return peek(text, at, end) == _HASH and hash_at(text, at + 1, name_end) == _REDIRECT


@inner
def _end_line(out, begin, to, stack):
    """Write a line end, but no third one in a row; links to other sites end with their line."""
    while stack[0, KIND] and stack[stack[0, KIND], KIND] == _ADDRESS:
        stack[0, KIND] -= 1
    if to - begin > 1 and out[to - 1] == _NEW_LINE and out[to - 2] == _NEW_LINE:
        return to
    out[to] = _NEW_LINE
    return to + 1


@inner
def _begin_line(text, at, end, to, stack):
    """Pass marks of headings, lists, rules and tables."""
    if byte_at(text, at) == _EQUALS:
        return _begin_heading(text, at, end, stack), to
    first = at
    while at < end and byte_at(text, at) == _HYPHEN:
        at += 1
    if at - first >= _RULE_HYPHENS:
        return at, to
    at = first
    while at < end and _is_mark(byte_at(text, at)):
        at += 1
    while at < end and (byte_at(text, at) == _BLANK or byte_at(text, at) == _TAB):
        at += 1
    byte, after = peek(text, at, end), peek(text, at + 1, end)
    if byte == _BRACE and after == _PIPE:
        _open(stack, _TABLE, to)
        return at + 2, to
    if byte == _PIPE and after == _BRACE_END:
        place = _innermost(stack, _TABLE)
        if place:
            stack[0, KIND] = place - 1
            return at + 2, stack[place, OPENED]
    return at, to


@inner
def _is_mark(byte):
    """Tell whether a byte marks an item of a list where it begins a line."""
    return byte == _STAR or byte == _HASH or byte == _COLON or byte == _SEMICOLON


@inner
def _begin_heading(text, at, end, stack):
    """Pass the signs before a heading, and note where those behind it begin."""
    first, stop = at, at
    while stop < end and byte_at(text, stop) != _NEW_LINE:
        stop += 1
    while byte_at(text, stop - 1) == _BLANK or byte_at(text, stop - 1) == _TAB:
        stop -= 1
    while stop > first and byte_at(text, stop - 1) == _EQUALS:
        stop -= 1
    stack[0, HEADING_END] = stop
    while at < stop and (byte_at(text, at) == _EQUALS or byte_at(text, at) == _BLANK):
        at += 1
    return at


@inner
def _pass_emphasis(text, at, end, out, to):
    """Pass apostrophes of emphasis, or a switch as `__NOTOC__`; write what is none."""
    first, sign = at, byte_at(text, at)
    while at < end and byte_at(text, at) == sign:
        at += 1
    count = at - first
    if sign == _QUOTE:
        kept = 1 if count == 1 or count == 4 else max(0, count - 5)
    else:
        kept, last = count, past_letters(text, at, min(end, at + _LONGEST_SWITCH))
        is_switch = count == 2 and last > at and peek(text, last, end) == _UNDERSCORE
        if is_switch and peek(text, last + 1, end) == _UNDERSCORE:
            return last + 2, to
    for _ in range(kept):
        out[to] = sign
        to += 1
    return at, to


@inner
def _pass_bracket(text, at, end, words, out, to, stack):
    """Pass or write a brace, a bracket or a pipe."""
    byte, top = byte_at(text, at), stack[0, KIND]
    kind = stack[top, KIND] if top else 0
    if byte == _PIPE and kind == _LINK and stack[top, PIPE] < 0:
        stack[top, PIPE] = to
        return at + 1, to
    is_double = peek(text, at + 1, end) == byte
    if is_double and byte == _BRACE:
        wide = peek(text, at + 2, end) == _BRACE and peek(text, at + 3, end) != _BRACE
        _open(stack, _PARAMETER if wide else _TEMPLATE, to)
        return at + 2 + wide, to
    if is_double and byte == _BRACE_END:
        place = max(_innermost(stack, _TEMPLATE), _innermost(stack, _PARAMETER))
        if place:
            stack[0, KIND] = place - 1
            wide = stack[place, KIND] == _PARAMETER and peek(text, at + 2, end) == _BRACE_END
            return at + 2 + wide, stack[place, OPENED]
    if byte == _BRACKET_END and kind == _ADDRESS:
        stack[0, KIND] = top - 1
        return at + 1, to
    if is_double and byte == _BRACKET:
        _open(stack, _LINK, to)
        return at + 2, to
    if is_double and byte == _BRACKET_END and _innermost(stack, _LINK):
        return at + 2, _close_link(stack, _innermost(stack, _LINK), words[2], out, to)
    if byte == _BRACKET and is_address(text, at + 1, end, words[3]):
        return _pass_address(text, at + 1, end, to, stack), to
    return write(byte, out, at, to)


@inner
def _pass_address(text, at, end, to, stack):
    """Pass an address; what follows it up to the bracket is its text."""
    while at < end and byte_at(text, at) > _BLANK and byte_at(text, at) != _BRACKET_END:
        at += 1
    if at < end and byte_at(text, at) == _BRACKET_END:
        return at + 1
    _open(stack, _ADDRESS, to)
    return at + (at < end and byte_at(text, at) == _BLANK)


@inner
def _open(stack, kind, to):
    """Note that something begins; what is too deep is not noted."""
    depth = stack[0, KIND] + 1
    if depth < len(stack):
        stack[0, KIND] = depth
        stack[depth, KIND], stack[depth, OPENED], stack[depth, PIPE] = kind, to, -1


@inner
def _innermost(stack, kind):
    """Return the row of the innermost open thing of a kind, or 0; unclosed links are passed."""
    place = stack[0, KIND]
    while place > 0 and stack[place, KIND] != kind and stack[place, KIND] >= _LINK:
        place -= 1
    return place if place > 0 and stack[place, KIND] == kind else 0


@inner
def _close_link(stack, place, namespaces, out, to):
    """Leave the text of a link, or nothing of one to a file, a category or another language."""
    first, pipe = stack[place, OPENED], stack[place, PIPE]
    stack[0, KIND] = place - 1
    colon, stop = first, to if pipe < 0 else pipe
    while colon < stop and out[colon] != _COLON:
        colon += 1
    if first < colon < stop:
        letters = past_letters(out, first, colon)
        is_language = letters == colon and 1 < letters - first <= _LONGEST_LANGUAGE
        if is_language or is_among(hash_at(out, first, colon), namespaces):
            return first
    if pipe < 0 or pipe == to:
        return stop
    for n in range(to - pipe):
        out[first + n] = out[pipe + n]
    return first + to - pipe
