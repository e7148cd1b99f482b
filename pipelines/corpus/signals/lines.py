# mypy: ignore-errors
"""Where the walk over a document is, and kernels that end sentences, lines and paragraphs."""

import numpy as np

from pipelines.corpus.signals import counts as at_
from pipelines.corpus.signals.characters import BULLET, STOP
from pipelines.corpus.signals.words import LINE, PARAGRAPH, P, mixed
from pipelines.kernels.compiling import inner

(
    LINE_BEGIN, IS_LINE, FIRST_SIGN, LAST_SIGN, LAST_CODE, DOTS, LAST_DOTS, HAS_WORD, IS_STOPPED,
    IS_APART, PARAGRAPH_LENGTH, LAST_WORD, WORD_BEFORE, HAS_JAVASCRIPT, HAS_POLICY, WAS_BLANKLESS,
    LEXICON_TABLE, LEXICON_SHIFT,
) = range(18)  # fmt: skip
"""Places in `now`: characters before the line; whether it has other than blanks, the first and the
last of these; full stops in a row, and at the last of these; a word since the last sentence, a stop
since then; a blank since the last of the content; characters of the paragraph; numbers of the last
two words of the line; what was found in the line; whether the last word had no blank behind it;
the table of the lexicon, and its shift."""
NOW_SIZE = 18
WORD_ENDS, LINE_ENDS, PARAGRAPH_ENDS = range(3)
"""Columns of `ends`."""
SEED = np.uint64(0x27D4EB2F165667C5)
"""Of hashes of lines, paragraphs and contents."""

_ELLIPSIS = ord("…")
_ELLIPSIS_DOTS = 3
_QUOTE, _APOSTROPHE, _QUOTES_END, _QUOTE_END = (ord(sign) for sign in "\"'”’")  # noqa: RUF001
_GUILLEMET, _CORNER, _WHITE_CORNER = (ord(sign) for sign in "»」』")


@inner
def end_sentence(counts, now):
    """End a sentence that has a word."""
    counts[at_.SENTENCES] += 1
    now[HAS_WORD] = now[IS_STOPPED] = 0


@inner
def end_line(width, found, ends, counts, state):
    """End a line, by a line end of so many characters; one of blanks alone ends a paragraph."""
    now, hashes = state
    length = counts[at_.CHARACTERS] - now[LINE_BEGIN] - width
    if now[HAS_WORD]:
        end_sentence(counts, now)
    if now[IS_LINE]:
        _count_line(length, counts, now)
        place, line = ends[LINE_ENDS], mixed(hashes[LINE])
        found[2][0, place], found[3][0, place] = line, length
        ends[LINE_ENDS] = place + 1
        hashes[PARAGRAPH] = (hashes[PARAGRAPH] ^ line) * P
        now[PARAGRAPH_LENGTH] += length + (now[PARAGRAPH_LENGTH] > 0)
    else:
        end_paragraph(found, ends, state)
    hashes[LINE] = SEED
    now[LINE_BEGIN] = counts[at_.CHARACTERS]
    now[IS_LINE] = now[LAST_DOTS] = now[LAST_WORD] = now[WORD_BEFORE] = 0
    now[HAS_JAVASCRIPT] = now[HAS_POLICY] = 0


@inner
def _count_line(length, counts, now):
    """Count a line that has other than blanks, and what it is."""
    counts[at_.LINES] += 1
    counts[at_.BULLET_LINES] += now[FIRST_SIGN] & BULLET != 0
    counts[at_.ELLIPSIS_LINES] += now[LAST_DOTS] >= _ELLIPSIS_DOTS or now[LAST_CODE] == _ELLIPSIS
    last = now[LAST_CODE]
    is_quote = last == _QUOTE or last == _APOSTROPHE or last == _QUOTES_END or last == _QUOTE_END
    is_quote |= last == _GUILLEMET or last == _CORNER or last == _WHITE_CORNER
    counts[at_.TERMINAL_LINES] += now[LAST_SIGN] & STOP != 0 or is_quote
    counts[at_.SHORT_LINES] += length <= at_.SHORT_LINE
    counts[at_.JAVASCRIPT_LINES] += now[HAS_JAVASCRIPT]
    counts[at_.POLICY_LINES] += now[HAS_POLICY]


@inner
def end_paragraph(found, ends, state):
    """End a paragraph that has a line."""
    now, hashes = state
    if now[PARAGRAPH_LENGTH] == 0:
        return
    place = ends[PARAGRAPH_ENDS]
    found[2][1, place], found[3][1, place] = mixed(hashes[PARAGRAPH]), now[PARAGRAPH_LENGTH]
    ends[PARAGRAPH_ENDS] = place + 1
    hashes[PARAGRAPH] = SEED
    now[PARAGRAPH_LENGTH] = 0
