# mypy: ignore-errors
"""Kernels that find texts that are not normal, and write them normal."""

from pipelines.corpus.signals.characters import COMPOSES, SPACE
from pipelines.kernels.compiling import inner
from pipelines.kernels.text_bytes import byte_at, record_at

MAY_COMPOSE, IS_UNTIDY = 1, 2
"""Bits of what a text may need: NFC; other line ends, control characters or blanks."""

_TAB, _NEW_LINE, _RETURN, _BLANK, _DELETE = 0x09, 0x0A, 0x0D, 0x20, 0x7F


@inner
def find_needs(text, offsets, chars, needs):
    """Fill the bits of what each text may need, int64, `(texts,)`."""
    for number in range(len(needs)):
        at, end = offsets[number], offsets[number + 1]
        found, last, last_sign = 0, _NEW_LINE, 0
        while at < end:
            code, width, sign = record_at(text, at, chars)
            if code < _BLANK:
                if code != _TAB and (code != _NEW_LINE or last == _BLANK or last == _TAB):
                    found |= IS_UNTIDY
            elif code == _DELETE:
                found |= IS_UNTIDY
            elif sign & COMPOSES:
                found |= MAY_COMPOSE
            if at == offsets[number] and sign & SPACE:
                found |= IS_UNTIDY
            last, last_sign = code, sign
            at += width
        if last_sign & SPACE:
            found |= IS_UNTIDY
        needs[number] = found


@inner
def rewrite(text, offsets, chars, needs, out, ends):
    """Write texts end to end, those that are untidy tidily.

    Args:
        text: UTF-8 of the texts, uint8.
        offsets: Where each text begins, and where the last ends, int64.
        chars: `characters()`.
        needs: What `find_needs` found.
        out: Filled, uint8, as long as the texts.
        ends: Filled with the place behind each text from place 1 on, int64, `(texts + 1,)`.
    """
    to = 0
    for number in range(len(needs)):
        at, end = offsets[number], offsets[number + 1]
        if needs[number] & IS_UNTIDY:
            to = _tidy(text, at, end, chars, out, to)
        else:
            for n in range(end - at):
                out[to + n] = text[at + n]
            to += end - at
        ends[number + 1] = to


@inner
def _tidy(text, at, end, chars, out, to):
    """Write one text: LF ends lines, control characters are blanks, blanks end no line or text."""
    behind = begin = to  # behind the last character that is no blank
    while at < end:
        code, width, sign = record_at(text, at, chars)
        at += width
        if code < _BLANK or code == _DELETE:
            if code == _RETURN:
                code = _NEW_LINE
                if at < end and byte_at(text, at) == _NEW_LINE:
                    at += 1
            elif code != _TAB and code != _NEW_LINE:
                code = _BLANK
        elif sign & SPACE == 0:
            for n in range(width):
                out[to + n] = text[at - width + n]
            to += width
            behind = to
            continue
        if behind == begin:
            continue
        if code == _NEW_LINE:
            while out[to - 1] == _BLANK or out[to - 1] == _TAB:
                to -= 1
        if width == 1:
            out[to] = code
        else:
            for n in range(width):
                out[to + n] = text[at - width + n]
        to += width
    return behind
