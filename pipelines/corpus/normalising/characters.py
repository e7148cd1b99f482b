"""What normalising knows of each character: one number per code point of Unicode.

The number holds the character's kind, of `suspects`, and flags above it.
"""

import unicodedata
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipelines.corpus.code_points import PLANES, by_category, in_blocks
from pipelines.corpus.normalising.choices import Form
from pipelines.corpus.normalising.suspects import suspects

Numbers = NDArray[np.uint32]

KIND = 0xFF
"""Mask of the kind."""
IS_SUSPECT = 4
"""What the table of pairs has where a kind may be bad behind another one."""
(
    COMPOSES, BLANK, LINE_END, INVISIBLE, JOINER, NON_JOINER, WORD_BREAK, TAG, TAGGED, SHAPED,
    UNSPACED, PICTURE,
) = (1 << bit for bit in range(8, 20))  # fmt: skip
"""Flags: the normal form may change it or what is beside it; becomes a blank; becomes a line end;
goes everywhere; ZWJ; ZWNJ; ZWSP; a tag; tags may follow; of a script whose letters change their
shapes beside each other; of a script that has no blanks, so that ZWSP may part its words; a
picture, which ZWJ joins to others."""

ALWAYS = BLANK | LINE_END | INVISIBLE
"""Characters that never stay."""
AT_TIMES = JOINER | NON_JOINER | WORD_BREAK | TAG
"""Characters that stay or go by their neighbours."""

_SINGLE = {
    "\x85\u2028\u2029": LINE_END,
    "\ufffc": BLANK,  # stands for an object that is not in the text
    "\u00ad\u2060\ufeff": INVISIBLE,  # soft hyphen, word joiner, byte order mark
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069": INVISIBLE,
    "\u2061\u2062\u2063\u2064\u206a\u206b\u206c\u206d\u206e\u206f": INVISIBLE,
    "\ufff9\ufffa\ufffb": INVISIBLE,  # around annotations between lines
    "\u200b": WORD_BREAK,
    "\u200c": NON_JOINER,
    "\u200d": JOINER,
    "\U0001f3f4": TAGGED,  # the black flag, which tags make that of a region
}
_TAGS = range(0xE0020, 0xE0080)
_SHAPED = (
    (0x0600, 0x0DFF),  # Arabic, Syriac, N'Ko, Mandaic; Devanagari to Sinhala
    (0x0F00, 0x109F),  # Tibetan, Myanmar
    (0x1700, 0x18AF),  # scripts of the Philippines, Khmer, Mongolian
    (0x1900, 0x1AAF),  # Limbu to Tai Tham
    (0x1B00, 0x1C7F),  # Balinese to Ol Chiki
    (0x1CD0, 0x1CFF),  # Vedic
    (0xA800, 0xA95F),  # Syloti Nagri to Rejang
    (0xA980, 0xAAFF),  # Javanese to Meetei Mayek
    (0xABC0, 0xABFF),
    (0xFB50, 0xFDFF),  # forms of Arabic
    (0xFE70, 0xFEFE),
    (0x10A00, 0x10A5F),  # Kharoshthi
    (0x10AC0, 0x10AFF),  # Manichaean
    (0x10B80, 0x10BAF),  # Psalter Pahlavi
    (0x10D00, 0x10D3F),  # Hanifi Rohingya
    (0x10F00, 0x10FDF),  # Sogdian to Chorasmian
    (0x11000, 0x11AAF),  # Brahmi to Soyombo
    (0x11C00, 0x11EFF),  # Bhaiksuki to Makasar
    (0x11FC0, 0x11FFF),  # Tamil
    (0x1E900, 0x1E95F),  # Adlam
)
_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x1950, 0x19DF),  # Tai Le, New Tai Lue
    (0x1A20, 0x1AAF),  # Tai Tham
    (0x1B00, 0x1B7F),  # Balinese
    (0xA980, 0xA9FF),  # Javanese, Myanmar
    (0xAA60, 0xAADF),  # Myanmar, Tai Viet
)
_PICTURES = (
    (0x2190, 0x21FF),
    (0x2300, 0x27BF),
    (0x2B00, 0x2BFF),
    (0xFE0F, 0xFE0F),  # which makes what is before it a picture
    (0x1F000, 0x1FAFF),
)
_JAMO = (range(0x1161, 0x1176), range(0x11A8, 0x11C3))
_IN_WORDS = 1 << 31  # a letter, mark or digit: a flag of this module alone


@cache
def characters(form: Form) -> tuple[NDArray[np.int32], Numbers, NDArray[np.uint8]]:
    """Return where the block of `code >> 8` begins, the numbers of all blocks, and pairs of kinds.

    Pairs are `IS_SUSPECT` or 0, at `kind << 8 | next kind`. All are made at the first call in a
    process, in about 0.2 s.

    Args:
        form: The normal form, NFC or NFKC.
    """
    numbers = by_category(lambda category: _IN_WORDS if category[0] in "LMN" else 0)
    kinds, pairs = suspects()
    _mark_composing(numbers, form)
    _mark_scripts(numbers)
    _mark_signs(numbers)
    numbers &= np.uint32(_IN_WORDS - 1)
    numbers |= kinds
    table = np.zeros((len(pairs), KIND + 1), np.uint8)
    table[:, : len(pairs)] = pairs * IS_SUSPECT
    return *in_blocks(numbers), table.ravel()


def _mark_composing(numbers: Numbers, form: Form) -> None:
    """Flag what the form changes, puts into another order, or joins to what stands before it."""
    found = []
    for codes in PLANES:
        for code, sign in zip(codes, map(chr, codes), strict=True):
            parts = unicodedata.decomposition(sign)
            if unicodedata.combining(sign):
                found.append(code)
            if parts and parts[0] != "<":
                found += [int(part, 16) for part in parts.split()[1:]]
            if parts and unicodedata.normalize(form, sign) != sign:
                found.append(code)
    numbers[found] |= np.uint32(COMPOSES)
    for jamo in _JAMO:
        numbers[jamo] |= np.uint32(COMPOSES)


def _mark_scripts(numbers: Numbers) -> None:
    """Flag letters, marks and digits of scripts, and pictures."""
    for ranges, flag in ((_SHAPED, SHAPED), (_UNSPACED, UNSPACED)):
        for first, last in ranges:
            part = numbers[first : last + 1]
            part[part & _IN_WORDS != 0] |= np.uint32(flag)
    for first, last in _PICTURES:
        numbers[first : last + 1] |= np.uint32(PICTURE)


def _mark_signs(numbers: Numbers) -> None:
    """Flag what becomes a blank or a line end, and what goes."""
    blanks = [code for code in range(0x80, 0x3001) if chr(code).isspace()]
    numbers[[*range(0x80, 0xA0), *blanks]] |= np.uint32(BLANK)
    for signs, flag in _SINGLE.items():
        codes = [ord(sign) for sign in signs]
        numbers[codes] |= np.uint32(flag)
        if flag & LINE_END:
            numbers[codes] &= ~np.uint32(BLANK)
    numbers[_TAGS] |= np.uint32(TAG)
    numbers[_TAGS[:-1]] |= np.uint32(TAGGED)  # the last one ends them
    numbers[0xE0001] |= np.uint32(INVISIBLE)
