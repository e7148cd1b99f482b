"""Arrow text to counts and hashes of each document, by the kernels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.corpus.signals.characters import characters
from pipelines.corpus.signals.counts import COUNTS, STOP_WORDS
from pipelines.corpus.signals.lexicon import lexicon
from pipelines.corpus.signals.lines import NOW_SIZE
from pipelines.corpus.signals.repetition import repetition
from pipelines.corpus.signals.walking import walk
from pipelines.corpus.tokenizing.texts import Texts

_PART_BYTES = 1 << 19  # of texts that one call of a kernel takes: their words fit in a cache


@dataclass(frozen=True)
class Measures:
    """What was counted in documents.

    Args:
        counts: By document and name of `COUNTS`, int64, `(documents, counts)`.
        contents: Hash of each text up to white space and case, uint64, `(documents, 2)`.
    """

    counts: NDArray[np.int64]
    contents: NDArray[np.uint64]

    def __getitem__(self, name: str) -> NDArray[np.int64]:
        """Return one count of each document."""
        return self.counts[:, COUNTS.index(name)]


def measure(
    column: Any, tables: NDArray[np.int64] | None = None, *, has_repetition: bool = True
) -> Measures:
    """Count everything that signals need in an Arrow array of strings; a null is an empty text.

    Memory is some 8 times that of the largest text, and of half a megabyte at least.

    Args:
        column: The texts.
        tables: Table of `lexicon()` by text; that of English where it is not given.
        has_repetition: Whether duplicates of lines, paragraphs and n-grams are counted; else 0.
    """
    if tables is None:
        tables = np.full(len(column), lexicon().tables["en"], np.int64)
    texts = Texts.of(column)
    documents = len(texts.offsets) - 1
    counts = np.zeros((documents, len(COUNTS)), np.int64)
    contents = np.zeros((documents, 2), np.uint64)
    for first, stop in texts.bounds(_PART_BYTES):
        part = Texts(texts.data, texts.offsets[first : stop + 1])
        found, ends = _walked(part, tables[first:stop], counts[first:stop], contents[first:stop])
        if has_repetition:
            _count_repetition(found, ends, counts[first:stop])
    counts[:, STOP_WORDS] = np.bitwise_count(counts[:, STOP_WORDS] & ~1)  # bit 0: other words
    return Measures(counts, contents)


def _walked(
    part: Texts,
    tables: NDArray[np.int64],
    counts: NDArray[np.int64],
    contents: NDArray[np.uint64],
) -> tuple[Any, NDArray[np.int64]]:
    ends = np.zeros((len(part.offsets), 3), np.int64)
    room = part.size // 2 + len(part.offsets)  # untouched pages of large arrays take no memory
    found = (
        np.empty(room, np.uint64),
        np.empty((room, 2), np.int32),
        np.empty((2, room), np.uint64),
        np.empty((2, room), np.int32),
    )
    state = np.empty(NOW_SIZE, np.int64), np.empty(4, np.uint64)
    words = lexicon().hashes, lexicon().numbers, lexicon().shifts
    walk(part.data, part.offsets, characters(), words, tables, found, ends, counts, contents, state)
    return found, ends


def _count_repetition(found: Any, ends: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
    most = max(8, int(np.diff(ends, axis=0).max()))
    slots = 1 << (2 * most - 1).bit_length()
    table = np.empty(slots, np.uint64), np.empty(slots, np.int32)
    places = np.empty((2, most), np.int32)
    repetition(found, ends, table, np.empty(most, np.uint64), places, counts)
