# mypy: ignore-errors
"""The kernel that walks documents once: counts, and hashes of words, lines and paragraphs."""

import numpy as np

from pipelines.corpus.signals import counts as at_
from pipelines.corpus.signals import lexicon as word_of
from pipelines.corpus.signals.characters import (
    CLOSING,
    FULL_STOP,
    PUNCTUATION,
    SPACE,
    STOP,
    VALUE,
)
from pipelines.corpus.signals.lines import (
    DOTS,
    FIRST_SIGN,
    HAS_JAVASCRIPT,
    HAS_POLICY,
    HAS_WORD,
    IS_APART,
    IS_LINE,
    IS_STOPPED,
    LAST_CODE,
    LAST_DOTS,
    LAST_SIGN,
    LAST_WORD,
    LEXICON_SHIFT,
    LEXICON_TABLE,
    NOW_SIZE,
    PARAGRAPH_ENDS,
    SEED,
    WAS_BLANKLESS,
    WORD_BEFORE,
    WORD_ENDS,
    end_line,
    end_paragraph,
    end_sentence,
)
from pipelines.corpus.signals.words import (
    CONTENT,
    LINE,
    OTHER_CONTENT,
    PARAGRAPH,
    WORD_SIGN,
    P,
    Q,
    mixed,
    read_word,
)
from pipelines.kernels.compiling import inner
from pipelines.kernels.text_bytes import record_at

_ELLIPSIS_DOTS = 3
_DOT, _HASH, _BRACE, _ELLIPSIS, _NEW_LINE = (ord(sign) for sign in ".#{…\n")
_BLANK = np.uint64(32)
_OTHER_SEED = np.uint64(0x165667B19E3779F9)


@inner
def walk(text, offsets, chars, lexicon, tables, found, ends, counts, contents, state):
    """Walk documents; words, lines and paragraphs of all lie end to end.

    Grain: one call per array of texts.

    Args:
        text: UTF-8 of the texts, uint8.
        offsets: Where each text begins, and where the last ends, int64.
        chars: `characters()`.
        lexicon: Hashes, numbers and shifts of `lexicon()`.
        tables: Table of the lexicon for each text, int64.
        found: Arrays that are filled, with room for half the bytes and one per text. Hashes of
            words, uint64; the first and last character of each word as if one blank were between
            words of scripts with blanks and none between others, int32, `(words, 2)`; hashes of
            lines and of paragraphs, uint64, `(2, lines)`; their characters, int32, `(2, lines)`.
        ends: Filled with the places behind each text's words, lines and paragraphs from row 1 on,
            int64, `(texts + 1, 3)`.
        counts: Filled, int64, `(texts, counts)`; zeros before.
        contents: Filled with the content's hash up to white space and case, uint64, `(texts, 2)`.
        state: Room for where the walk is: int64, `(NOW_SIZE,)`, and uint64, `(4,)`.
    """
    now, hashes = state
    for number in range(len(offsets) - 1):
        here, row = ends[number + 1], counts[number]
        for column in range(3):
            here[column] = ends[number, column]
        for place in range(NOW_SIZE):
            now[place] = 0
        now[LEXICON_TABLE], now[LEXICON_SHIFT] = tables[number], lexicon[2][tables[number]]
        hashes[LINE] = hashes[PARAGRAPH] = hashes[CONTENT] = SEED
        hashes[OTHER_CONTENT] = _OTHER_SEED
        _walk_text(
            text, offsets[number], offsets[number + 1], chars, lexicon, found, here, row, state
        )
        end_line(0, found, here, row, state)
        end_paragraph(found, here, state)
        row[at_.PARAGRAPHS] = here[PARAGRAPH_ENDS] - ends[number, PARAGRAPH_ENDS]
        contents[number, 0] = mixed(hashes[CONTENT])
        contents[number, 1] = mixed(hashes[OTHER_CONTENT])


@inner
def _walk_text(text, at, end, chars, lexicon, found, ends, counts, state):
    """Walk one document up to its last line's end."""
    now, hashes = state
    before = 0
    while at < end:
        code, width, sign = record_at(text, at, chars)
        if sign & WORD_SIGN:
            _begin_content(sign, code, now, hashes)
            at, word, length, has_letter, is_blankless = read_word(
                text, at, end, chars, hashes, counts
            )
            before = _put_word(word, length, is_blankless, before, found, ends, now)
            _count_word(word, length, has_letter, is_blankless, lexicon, counts, now)
            continue
        at += width
        counts[at_.CHARACTERS] += 1
        if code == _NEW_LINE:
            counts[at_.NEW_LINES] += 1
            _pass_blank(counts, now)
            end_line(1, found, ends, counts, state)
            continue
        hashes[LINE] = (hashes[LINE] ^ np.uint64(code)) * P
        if sign & SPACE:
            _pass_blank(counts, now)
        else:
            _take_sign(code, sign, counts, now, hashes)


@inner
def _pass_blank(counts, now):
    """Count a blank, which ends a sentence behind a stop."""
    counts[at_.WHITE_SPACE] += 1
    now[IS_APART] = 1
    now[DOTS] = 0
    if now[IS_STOPPED]:
        end_sentence(counts, now)


@inner
def _put_word(word, length, is_blankless, before, found, ends, now):
    """Put a word behind the others, and return its last character."""
    place, first = ends[WORD_ENDS], before
    if before > 0 and not (is_blankless and now[WAS_BLANKLESS]):
        first += 1
    found[0][place] = word
    found[1][place, 0], found[1][place, 1] = first, first + length
    ends[WORD_ENDS] = place + 1
    now[WAS_BLANKLESS] = is_blankless
    return first + length


@inner
def _begin_content(sign, code, now, hashes):
    """Note that something other than a blank comes; blanks before it count as one."""
    if now[IS_APART]:
        now[IS_APART] = 0
        if hashes[CONTENT] != SEED:
            hashes[CONTENT] = (hashes[CONTENT] ^ _BLANK) * P
            hashes[OTHER_CONTENT] = (hashes[OTHER_CONTENT] + _BLANK) * Q
    if not now[IS_LINE]:
        now[IS_LINE], now[FIRST_SIGN] = 1, sign
    now[LAST_SIGN], now[LAST_CODE] = sign, code
    now[DOTS] = now[LAST_DOTS] = now[IS_STOPPED] = 0


@inner
def _count_word(found, length, has_letter, is_blankless, lexicon, counts, now):
    """Count a word, and look whether it is one of the list."""
    now[HAS_WORD] = 1
    counts[at_.WORDS] += 1
    counts[at_.WORD_CHARACTERS] += length
    counts[at_.WORDS_WITH_LETTER] += has_letter
    if is_blankless:
        counts[at_.BLANKLESS_WORDS] += 1
        counts[at_.BLANKLESS_CHARACTERS] += length
    if length > at_.LONG_WORD:
        counts[at_.LONG_WORDS] += 1
    table, number = np.uint64(now[LEXICON_TABLE]), 0
    place = (found >> np.uint64(now[LEXICON_SHIFT])) & np.uint64(word_of.SIZE - 1)
    if lexicon[0][table, place] == found:
        number = lexicon[1][table, place]
        counts[at_.STOP_WORDS] |= 1 << (number >> word_of.STOP_BITS)
        number &= (1 << word_of.STOP_BITS) - 1
        _count_phrase(number, counts, now)
    now[WORD_BEFORE], now[LAST_WORD] = now[LAST_WORD], number


@inner
def _count_phrase(number, counts, now):
    """Count the phrase that a word of the list ends."""
    last = now[LAST_WORD]
    if number == word_of.JAVASCRIPT:
        now[HAS_JAVASCRIPT] = 1
    elif number == word_of.IPSUM:
        counts[at_.LOREM_IPSUM] += last == word_of.LOREM
    elif number == word_of.USE:
        now[HAS_POLICY] |= last == word_of.OF and now[WORD_BEFORE] == word_of.TERMS
    elif number == word_of.POLICY:
        now[HAS_POLICY] |= last == word_of.PRIVACY or last == word_of.COOKIE
    elif number == word_of.COOKIES:
        uses = last == word_of.USE or last == word_of.USES
        now[HAS_POLICY] |= uses or (last == word_of.OF and now[WORD_BEFORE] == word_of.USE)


@inner
def _take_sign(code, sign, counts, now, hashes):
    """Count a character that is neither of a word nor a blank."""
    dots, stopped = now[DOTS], now[IS_STOPPED]
    _begin_content(sign, code, now, hashes)
    value = np.uint64(sign & VALUE)
    if value == 0:
        value = np.uint64(code)
    hashes[CONTENT] = (hashes[CONTENT] ^ value) * P
    hashes[OTHER_CONTENT] = (hashes[OTHER_CONTENT] + value) * Q
    if sign & PUNCTUATION == 0:
        return
    counts[at_.PUNCTUATIONS] += 1
    if code == _DOT:
        now[DOTS] = now[LAST_DOTS] = dots + 1
        counts[at_.ELLIPSES] += (dots + 1) % _ELLIPSIS_DOTS == 0
    elif code == _ELLIPSIS:
        counts[at_.ELLIPSES] += 1
    elif code == _HASH:
        counts[at_.HASH_SIGNS] += 1
    elif code == _BRACE:
        counts[at_.BRACES] += 1
    if sign & STOP:
        now[IS_STOPPED] = now[HAS_WORD]
        if sign & FULL_STOP and now[HAS_WORD]:
            end_sentence(counts, now)
    elif sign & CLOSING:
        now[IS_STOPPED] = stopped
