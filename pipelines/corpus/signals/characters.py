"""What the signals know of each character: one number per code point of Unicode.

The number holds the character's lower case, and flags above it. Numbers lie in blocks of 256 code
points, and equal blocks are stored once: some 200 of 4,352.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipelines.corpus.code_points import WITHOUT_BLANKS, by_category, in_blocks

Numbers = NDArray[np.uint32]

VALUE = (1 << 17) - 1
"""Mask of the lower case; 0 where a character is its own. No cased character is above U+1FFFF."""
(
    LETTER, NUMBER, MARK, SPACE, PUNCTUATION, UPPER, BLANKLESS, JOINER, INVISIBLE, STOP, FULL_STOP,
    CLOSING, BULLET, EXPANDS,
) = (1 << bit for bit in range(17, 31))  # fmt: skip
"""Flags: categories L, N and M; white space; categories P and S; upper or title case; a letter of a
script without blanks; joins two parts of a word; does not end a word and is not part of it; ends a
sentence if a blank follows; ends it in any case; may follow a stop in its sentence; begins an item
of a list; its lower case is two characters."""

DOTTED_I = (ord("i"), 0x307)
"""Lower case of U+0130, the one character whose lower case is two."""

_SIGNS = {
    "'’-": JOINER,  # noqa: RUF001
    "\u00ad\u200c\u200d": INVISIBLE,  # soft hyphen, ZWNJ, ZWJ
    ".!?…։؞؟۔܀܁܂।॥།༎።፧፨᙮᠃᠉᭞᭟꧈꧉‼‽⁇⁈⁉": STOP,  # noqa: RUF001
    "。．！？｡︒꓿၊။។៕": STOP | FULL_STOP,  # noqa: RUF001
    "\"'”’»›)]}」』）】〉》": CLOSING,  # noqa: RUF001
    "•‣⁃◦●○▪▫■□◆*-": BULLET,  # noqa: RUF001
}
_SIGMA, _FINAL_SIGMA = 0x3C3, 0x3C2


@cache
def characters() -> tuple[NDArray[np.int32], Numbers]:
    """Return where the block of `code >> 8` begins, and the numbers of all blocks.

    They are made of `unicodedata` at the first call in a process, in about 0.2 s.
    """
    numbers = by_category(_flags)
    _mark_signs(numbers)
    _set_cases(numbers)
    return in_blocks(numbers)


def _flags(category: str) -> int:
    """Return the flags of a category of Unicode."""
    by_class = {"L": LETTER, "N": NUMBER, "M": MARK, "P": PUNCTUATION, "S": PUNCTUATION}
    return by_class.get(category[0], 0) | (UPPER if category in {"Lu", "Lt"} else 0)


def _mark_signs(numbers: Numbers) -> None:
    """Flag single characters, blanks, and letters of scripts without blanks."""
    for signs, flags in _SIGNS.items():
        numbers[[ord(sign) for sign in signs]] |= np.uint32(flags)
    blanks = [code for code in range(0x3001) if chr(code).isspace()]
    numbers[blanks] |= np.uint32(SPACE)
    for first, last in WITHOUT_BLANKS:
        part = numbers[first : last + 1]
        part[part & LETTER != 0] |= np.uint32(BLANKLESS)


def _set_cases(numbers: Numbers) -> None:
    """Set the lower case of characters; both small sigmas are one."""
    for code in np.flatnonzero(numbers & (LETTER | NUMBER | PUNCTUATION | MARK)).tolist():
        sign = chr(code)
        lower = sign.lower()
        if len(lower) > 1:
            numbers[code] |= np.uint32(EXPANDS)
        elif lower != sign:
            numbers[code] |= np.uint32(ord(lower))
    numbers[_FINAL_SIGMA] |= np.uint32(_SIGMA)
