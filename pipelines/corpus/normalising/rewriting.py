# mypy: ignore-errors
"""The kernel that writes texts tidily."""

from pipelines.corpus.normalising.characters import AT_TIMES, BLANK, INVISIBLE, LINE_END
from pipelines.corpus.normalising.scanning import ANYTHING, IS_UNTIDY, next_special, wanted
from pipelines.kernels.compiling import inner
from pipelines.kernels.text_bytes import byte_at, record_at

_TAB, _NEW_LINE, _RETURN, _BLANK, _DELETE = 0x09, 0x0A, 0x0D, 0x20, 0x7F
_INVISIBLE_BYTES = 3  # of ZWSP, ZWNJ and ZWJ, the characters that may wait


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
            to = _copy(text, at, end, out, to)
        ends[number + 1] = to


@inner
def _copy(text, at, end, out, to):
    """Copy bytes; return the place behind them."""
    for n in range(end - at):
        out[to + n] = text[at + n]
    return to + end - at


@inner
def _tidy(text, at, end, chars, out, to):
    """Write one text.

    LF ends lines; other white space and control characters are blanks; blanks and tabs end no line,
    and white space neither begins nor ends the text. A character that stays or goes by its
    neighbours is written with the one behind it, unless that does not matter.
    """
    begin, before, waits, waiting = to, 0, 0, 0
    while at < end:
        plain = next_special(text, at, end)
        if plain > at:
            at = _past_blanks(text, at, plain) if to == begin else at
            to = _copy(text, at, plain, out, to)
            at, before, waits = plain, 0, 0
            continue
        code, width, sign = record_at(text, at, chars)
        at += width
        if sign & INVISIBLE:
            continue
        if sign & AT_TIMES:
            needed = wanted(sign, before)
            if needed == 0 or waits:
                continue
            if needed != ANYTHING:
                waits, waiting = needed, at - width
                continue
        elif waits:
            if sign & waits:
                to = _copy(text, waiting, waiting + _INVISIBLE_BYTES, out, to)
            waits = 0
        if code < _BLANK or code == _DELETE or sign & (BLANK | LINE_END):
            at += code == _RETURN and at < end and byte_at(text, at) == _NEW_LINE
            to = _put_space(code, sign, out, begin, to)
            before = 0
            continue
        to = _copy(text, at - width, at, out, to)
        before = sign
    while to > begin and out[to - 1] <= _BLANK:
        to -= 1
    return to


@inner
def _past_blanks(text, at, end):
    """Return the first place that is no blank."""
    while at < end and byte_at(text, at) == _BLANK:
        at += 1
    return at


@inner
def _put_space(code, sign, out, begin, to):
    """Write white space or a control character, unless it begins the text."""
    if to == begin:
        return to
    if code == _NEW_LINE or code == _RETURN or sign & LINE_END:
        while out[to - 1] == _BLANK or out[to - 1] == _TAB:
            to -= 1
        out[to] = _NEW_LINE
    else:
        out[to] = _TAB if code == _TAB else _BLANK
    return to + 1
