"""Which characters beside each other ftfy may take for mojibake, told by its own expression.

`ftfy.badness.BADNESS_RE` is a choice of short sequences of sets of characters. A text that has none
of two neighbouring sets' pairs cannot match, so that a kernel may leave it undecoded.
"""

import re
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

import numpy as np
from ftfy.badness import BADNESS_RE
from numpy.typing import NDArray

_FIRST_CODES = 0x180  # the expression escapes characters among them
_REST = "\U00010400"  # stands for every character that is neither among those nor named
_RANGE = re.compile(r"(\w|[^\x00-\x7f])-(\w|[^\x00-\x7f])")
_OR = re.compile(r"\|(?![^\[]*\])")
_SET = re.compile(r"(\[[^\]]+\]|\\.|[^\s^])(\??)", re.ASCII)

Sets = tuple[frozenset[str], frozenset[str]]


@cache
def suspects() -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the kind of every code point, and whether a kind may be bad behind another one.

    Kind 0 is that of ASCII's letters. As the first of a pair, every ASCII character has it.

    Returns:
        Kinds, `(0x110000,)`, and pairs of kinds, `(kinds, kinds)`.
    """
    characters = _characters()
    roles: dict[str, tuple[list[int], list[int]]] = {sign: ([], []) for sign in characters}
    for number, pair in enumerate(_pairs(characters)):
        for which, signs in enumerate(pair):
            for sign in signs:
                roles[sign][which].append(number)
    numbers = {(tuple(roles["a"][0]), tuple(roles["a"][1])): 0}
    kinds = np.zeros(sys.maxunicode + 1, np.uint8)
    of = {
        sign: numbers.setdefault((tuple(first), tuple(second)), len(numbers))
        for sign, (first, second) in roles.items()
    }
    kinds[:] = of[_REST]
    kinds[[ord(sign) for sign in characters]] = list(of.values())
    pairs = [[bool({*a[0]} & {*b[1]}) for b in numbers] for a in numbers]
    return kinds, np.array(pairs)


def _characters() -> str:
    """Return the characters that the expression may tell apart."""
    signs = {*map(chr, range(_FIRST_CODES)), *BADNESS_RE.pattern, _REST}
    for first, last in _RANGE.findall(BADNESS_RE.pattern):
        signs.update(map(chr, range(ord(first), ord(last) + 1)))
    return "".join(sorted(signs))


def _pairs(characters: str) -> Iterator[Sets]:
    """Yield two neighbouring sets of each alternative, the most telling ones."""
    for alternative in _OR.split(re.sub(r"#.*", "", BADNESS_RE.pattern)):
        sets = [
            (frozenset(re.findall(found[1], characters)), bool(found[2]))
            for found in _SET.finditer(alternative)
        ]
        found = [
            (first, second)
            for (first, is_optional), (second, may_lack) in pairwise(sets)
            if not (is_optional or may_lack or any(map(str.isascii, first)))
        ]
        if found:
            yield min(found, key=lambda pair: len(pair[0]) * len(pair[1]))
        else:  # a set alone is bad behind everything
            yield frozenset(characters), sets[0][0]
