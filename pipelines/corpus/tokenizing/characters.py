"""What the tokenizer knows of each character: one number per code point of Unicode.

The number is what is written instead of the character, with flags above it. Numbers lie in blocks
of 256 code points, and equal blocks are stored once: some 200 of 4,352.
"""

import sys
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipelines.corpus.code_points import WITHOUT_BLANKS, by_category, in_blocks

VALUE = (1 << 21) - 1
"""Mask of the code point that is written instead of a character; 0 where it is itself."""
LETTER, NUMBER, MARK, START, PART, TAIL, STOP, FULL_STOP, BLANK, CASED, IGNORABLE = (
    1 << bit for bit in range(21, 32)
)
"""Flags: a letter; a number; a mark, joiner or soft hyphen, which goes on behind any letter; begins
a token; goes on in a word; goes on in it behind an apostrophe; ends a sentence if a blank follows;
ends it in any case; a blank; has case; unseen by the rule of the final sigma. A letter that does
not go on in a word is a token of its own, with its marks."""

DROPPED = 0x110000
"""Value of a character that is part of a word and not written."""
SIGMA = DROPPED + 1
"""Value of the capital sigma, whose lower case depends on its neighbours."""
EXPANDED = SIGMA + 1
"""First value of characters with several characters as lower case."""

_SPACED_STOPS = ".!?…．"  # noqa: RUF001  (full-width dots stand in numbers too)
FULL_STOPS = (
    "։؝؞؟۔܀܁܂߹࠷࠹࠽࠾।॥།༎၊။።፧፨᙮᜵᜶។៕᠃᠉᥄᥅᪨᪩᪪᪫᭚᭛᭞᭟᭽᭾᰻᰼᱾᱿‼‽⁇⁈⁉⸮⸼。"  # noqa: RUF001
    "꓿꘎꘏꛳꛷꡶꡷꣎꣏꤯꧈꧉꩝꩞꩟꫰꫱꯫﹒﹖﹗！？｡"  # noqa: RUF001
    "𐩖𐩗𑁇𑁈𑂾𑂿𑃀𑃁𑅁𑅂𑅃𑇅𑇆𑇍𑇞𑇟𑈸𑈹𑈻𑈼𑊩𑑋𑑌𑗂𑗃𑙁𑙂𑜼𑜽𑜾"
)
"""Stops behind which a sentence ends without a blank: Unicode's property Sentence_Terminal, and the
signs of Khmer and Tibetan."""
_NO_BREAK = "\u00a0\u2007\u202f"
_UNSEEN = "'.:·\u0387՟״‘’․‧︓﹒﹕＇．："  # noqa: RUF001  (Unicode's Word_Break of the middle of words)
_NON_JOINER = "\u200c"
_JOINERS = _NON_JOINER + "\u200d"
_LINE_ENDS = "\n\r"
_LAST_BLANK, _LAST_CASED = 0x3000, 0x1FFFF
_SOFT_HYPHEN = "\u00ad"
_IGNORABLE = frozenset({"Mn", "Me", "Lm", "Cf", "Sk"})


@dataclass(frozen=True)
class Characters:
    """The table of all code points.

    Args:
        blocks: By `code >> 8`, where the block begins in `records`: int32, `(4352,)`.
        records: Flags and values, uint32.
        expansions: UTF-8 of values from `EXPANDED` on, uint8, `(n, 13)`: the length, then bytes.
    """

    blocks: NDArray[np.int32]
    records: NDArray[np.uint32]
    expansions: NDArray[np.uint8]

    @property
    def arrays(self) -> tuple[NDArray[np.int32], NDArray[np.uint32], NDArray[np.uint8]]:
        """Return the arrays as kernels take them."""
        return self.blocks, self.records, self.expansions


@cache
def characters(is_lowercase: bool, tokenizer: str) -> Characters:
    """Return the table, whose values are lower case or the characters themselves.

    It is made of `unicodedata` at the first call in a process, in about 0.1 s.

    Args:
        is_lowercase: Whether values are lower case.
        tokenizer: `words`: letters of scripts without blanks are tokens of their own;
            `characters`: all letters are; `whitespace`: tokens are what blanks part.
    """
    records = by_category(_flags)
    if tokenizer == "whitespace":
        _mark_blanks_alone(records)
        expansions = _set_cases(records, np.arange(_LAST_CASED + 1), is_lowercase)
        return Characters(*in_blocks(records), expansions)
    _mark_signs(records)
    expansions = _set_cases(records, np.flatnonzero(records & (LETTER | NUMBER)), is_lowercase)
    records[ord(_SOFT_HYPHEN)] |= np.uint32(DROPPED)
    for first, last in WITHOUT_BLANKS if tokenizer == "words" else ((0, sys.maxunicode),):
        part = records[first : last + 1]
        part[part & LETTER != 0] &= ~np.uint32(PART | TAIL)
    return Characters(*in_blocks(records), expansions)


def _flags(category: str) -> int:
    """Return the flags of a category of Unicode."""
    flags = IGNORABLE if category in _IGNORABLE else 0
    if category[0] == "L":
        return flags | LETTER | START | PART | TAIL
    if category[0] == "M":
        return flags | MARK | PART | TAIL
    if category[0] == "N":
        return flags | NUMBER | START | PART
    return flags | BLANK if category[0] == "Z" else flags


def _mark_signs(records: NDArray[np.uint32]) -> None:
    """Set the flags of single characters."""
    for signs, flags in (
        (_SPACED_STOPS, STOP),
        (FULL_STOPS, STOP | FULL_STOP),
        ("\t\n\v\f\r\x85", BLANK),
        (_JOINERS + _SOFT_HYPHEN, MARK | PART | TAIL),
        ("_", START | PART),
        ("'’", IGNORABLE),  # noqa: RUF001
    ):
        records[[ord(sign) for sign in signs]] |= np.uint32(flags)
    records[[ord(sign) for sign in _NO_BREAK]] &= ~np.uint32(BLANK)


def _mark_blanks_alone(records: NDArray[np.uint32]) -> None:
    """Let white space part tokens, and line ends sentences; all other characters are of words."""
    records &= np.uint32(IGNORABLE)
    records |= np.uint32(LETTER | START | PART | TAIL)
    for code in range(_LAST_BLANK + 1):
        if chr(code).isspace():
            records[code] = BLANK
    records[[ord(sign) for sign in _UNSEEN]] |= np.uint32(IGNORABLE)
    records[[ord(sign) for sign in _NO_BREAK]] = 0
    records[[ord(sign) for sign in _LINE_ENDS]] = STOP | FULL_STOP
    records[ord(_NON_JOINER)] = IGNORABLE | PART | TAIL  # left out at both ends of a token


def _set_cases(
    records: NDArray[np.uint32], codes: NDArray[np.int64], is_lowercase: bool
) -> NDArray[np.uint8]:
    """Flag characters with case, and set lower case where asked; return the long ones."""
    long: list[bytes] = []
    for code in codes.tolist():
        sign = chr(code)
        if not (sign.islower() or sign.isupper() or sign.istitle()):
            continue
        records[code] |= np.uint32(CASED)
        lower = sign.lower()
        if not is_lowercase or lower == sign:
            continue
        value = SIGMA if sign == "Σ" else ord(lower[0])
        if len(lower) > 1:
            value = EXPANDED + len(long)
            long.append(lower.encode())
        records[code] |= np.uint32(value)
    expansions = np.zeros((len(long) + 1, 13), np.uint8)
    for row, text in zip(expansions, long, strict=False):
        row[: len(text) + 1] = [len(text), *text]
    return expansions
