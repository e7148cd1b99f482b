"""What a task counts in encoded texts: candidates of phrases, and tokens with their documents."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.corpus.phrasing import kernels
from pipelines.corpus.phrasing.kernels import ID_BYTES
from pipelines.corpus.phrasing.merging import PhraseLexicon
from pipelines.corpus.tokenizing import hashing
from pipelines.corpus.tokenizing.tables import MOST_BYTES, MOST_TOKENS, TokenTable
from pipelines.corpus.tokenizing.texts import Texts
from pipelines.corpus.tokenizing.walking import ROW_DOCUMENT, ROW_END

CANDIDATES = "candidate binary, count bigint"
TOKENS = "token_id int, count bigint, document_count bigint"
_FIRST_KEYS, _COLUMNS = 1 << 14, 2


class CandidateCounts:
    """Occurrences of tokens and candidates in a task; see `kernels.count_candidates`.

    Args:
        lexicon: Encodes texts.
        most: Distinct keys after which the table is emptied, between two parts of texts.
    """

    def __init__(self, lexicon: PhraseLexicon, *, most: int = MOST_TOKENS) -> None:
        self._lexicon, self._most = lexicon, most
        self._table = TokenTable(_FIRST_KEYS, _FIRST_KEYS * ID_BYTES, _COLUMNS)
        self._held = 0

    def add(self, texts: Texts) -> Iterator[pa.RecordBatch]:
        """Count texts; yield the counts where the table was emptied."""
        for _, encoded in self._lexicon.encode(texts):
            self._add(encoded.ids, encoded.rows[:, ROW_END].astype(np.int64))
            size = self._table.entries[self._held, hashing.BEGIN]
            if self._held >= self._most or size >= MOST_BYTES:
                yield from self.flush()

    def _add(self, ids: NDArray[np.int32], ends: NDArray[np.int64]) -> None:
        state = np.array([0, 0, kernels.NONE, self._held])
        self._table.make_room(self._held, 3 * ID_BYTES * ids.size)
        is_common = self._lexicon.is_common
        while not kernels.count_candidates(ids, ends, is_common, self._table.arrays, state):
            self._table.grow(int(state[kernels.ENTRY_COUNT]))
        self._held = int(state[kernels.ENTRY_COUNT])

    def flush(self) -> Iterator[pa.RecordBatch]:
        """Yield rows of `CANDIDATES`, and hold none."""
        entries = self._table.entries[: self._held + 1]
        begins = entries[:, hashing.BEGIN]
        data = self._table.arena[: begins[-1]].tobytes()
        buffers = [pa.py_buffer(begins.astype(np.int32)), pa.py_buffer(data)]
        keys = pa.Array.from_buffers(pa.binary(), self._held, [None, *buffers])
        counts = pa.array(entries[:-1, hashing.COUNT].copy())
        yield pa.RecordBatch.from_arrays([keys, counts], names=["candidate", "count"])
        self._table.slots[:] = 0
        self._held = 0


class MergedCounts:
    """Occurrences of each token and the documents that hold it, in a task.

    Args:
        lexicon: Encodes texts and merges phrases.
    """

    def __init__(self, lexicon: PhraseLexicon) -> None:
        self._lexicon = lexicon
        self._counts = np.zeros((2, lexicon.is_common.size), np.int64)

    def add(self, texts: Texts) -> None:
        """Count texts."""
        for part, encoded in self._lexicon.encode(texts):
            size, ids = self._counts.shape[1], encoded.ids
            lengths = np.diff(encoded.rows[:, ROW_END], prepend=0)
            documents = np.repeat(encoded.rows[:, ROW_DOCUMENT].astype(np.int64), lengths)
            self._counts[0] += np.bincount(ids, minlength=size)
            if len(part.offsets) == 2:  # noqa: PLR2004  (one document)
                self._counts[1, np.unique(ids)] += 1
            else:
                held = np.unique(documents * size + ids) % size
                self._counts[1] += np.bincount(held, minlength=size)

    def flush(self) -> Iterator[pa.RecordBatch]:
        """Yield rows of `TOKENS`."""
        seen = np.flatnonzero(self._counts[0])
        columns = [pa.array(seen, pa.int32()), *(pa.array(row[seen]) for row in self._counts)]
        names = ["token_id", "count", "document_count"]
        yield pa.RecordBatch.from_arrays(columns, names=names)
