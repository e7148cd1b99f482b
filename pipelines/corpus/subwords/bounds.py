# mypy: ignore-errors
"""The kernel that finds the sentences of texts by their bytes, numbered as those of words are."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.corpus.tokenizing.characters import BLANK, FULL_STOP, STOP
from pipelines.corpus.tokenizing.texts import Texts
from pipelines.corpus.tokenizing.walking import (
    ENDED,
    FULLY_STOPPED,
    OTHER,
    STOPPED,
    after_blank,
)
from pipelines.kernels.compiling import inner
from pipelines.kernels.text_bytes import record_at

BOUND_DOCUMENT, BOUND_SENTENCE, BOUND_BEGIN, BOUND_END = range(4)
"""Columns of a bound: text, number of the sentence in it, and where its bytes begin and end."""


def bounds_of(texts: Texts, chars: Any) -> NDArray[np.int64]:
    """Return the bounds of each sentence that is not blank, without blanks around: int64, (n, 4).

    Args:
        texts: The texts.
        chars: `Characters.arrays`.
    """
    found = np.empty((texts.size // 2 + len(texts.offsets), 4), np.int64)
    return found[: find_bounds(texts.data, texts.offsets, chars, found)]


def sentences_of(texts: Texts, bounds: NDArray[np.int64]) -> list[str]:
    """Return the sentences within bounds as strings."""
    first = int(texts.offsets[0])
    text = texts.data[first : texts.offsets[-1]].tobytes()
    ends = (bounds[:, BOUND_BEGIN:] - first).tolist()
    return [text[begin:end].decode() for begin, end in ends]


@inner
def find_bounds(text, offsets, chars, found):
    """Fill the bounds of sentences; return their number.

    Args:
        text: UTF-8 of the texts, uint8.
        offsets: Where each text begins, and where the last ends, int64.
        chars: `Characters.arrays`.
        found: Filled with the bounds, int64, `(n, 4)`.
    """
    count = 0
    for document in range(len(offsets) - 1):
        at, end, last = offsets[document], offsets[document + 1], OTHER
        sentence, begin, stop = 0, at, at
        while at < end:
            code, width, record = record_at(text, at, chars)
            is_blank, was = record & BLANK != 0, last
            if is_blank:
                last = after_blank(code, last)
                is_over = last == ENDED and was != ENDED
            else:
                is_over = last == FULLY_STOPPED and not record & STOP
                last = OTHER
                if record & STOP:
                    last = FULLY_STOPPED if record & FULL_STOP else STOPPED
            if is_over:
                count = _put(found, count, document, sentence, begin, stop)
                sentence += 1
                begin = stop = at
            if not is_blank:
                begin, stop = at if stop == begin else begin, at + width
            at += width
        count = _put(found, count, document, sentence, begin, stop)
    return count


@inner
def _put(found, count, document, sentence, begin, stop):
    """Put the bounds of a sentence, unless it is blank; return how many there are."""
    if stop > begin:
        found[count, BOUND_DOCUMENT], found[count, BOUND_SENTENCE] = document, sentence
        found[count, BOUND_BEGIN], found[count, BOUND_END] = begin, stop
        count += 1
    return count
