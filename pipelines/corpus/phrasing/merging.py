"""Phrases of one pass after the other, put in place of their tokens in encoded texts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.arrays.offsets import offsets_of
from pipelines.corpus.phrasing.kernels import ID_BYTES, merge_phrases
from pipelines.corpus.tokenizing import hashing
from pipelines.corpus.tokenizing.tables import Encoded, Lexicon, TokenTable
from pipelines.corpus.tokenizing.texts import Texts
from pipelines.corpus.tokenizing.walking import ROW_END


class PhrasePass:
    """The phrases that one pass found.

    Args:
        keys: By phrase the ids that it takes the place of, int32, as bytes.
        ids: Token id of each phrase, int32.
        longest: Most tokens of a sentence.
    """

    def __init__(self, keys: Sequence[bytes], ids: NDArray[np.int32], longest: int) -> None:
        self._keys, self._ids, self._longest = list(keys), ids, longest

    def __getstate__(self) -> dict[str, Any]:
        """Leave the table behind: it is made faster than sent."""
        return {name: getattr(self, name) for name in ("_keys", "_ids", "_longest")}

    @cached_property
    def _table(self) -> TokenTable:
        count, offsets = len(self._keys), offsets_of(np.array([len(key) for key in self._keys]))
        table = TokenTable(count, int(offsets[-1]) + ID_BYTES * self._longest, 1)
        table.entries[: count + 1, hashing.BEGIN] = offsets
        table.arena[: offsets[-1]] = np.frombuffer(b"".join(self._keys), np.uint8)
        hashing.place(table.arrays, count)
        return table

    def merge(
        self, ids: NDArray[np.int32], ends: NDArray[np.int64], is_common: NDArray[np.bool_]
    ) -> NDArray[np.int32]:
        """Change ids and ends in place as `kernels.merge_phrases` does; return the ids left."""
        merge_phrases(ids, ends, is_common, self._table.arrays, self._ids)
        return ids[: ends[-1]] if ends.size else ids


@dataclass(frozen=True)
class PhraseLexicon:
    """A vocabulary that encodes texts, and merges phrases.

    Args:
        lexicon: Encodes words.
        is_common: By token id, phrases included, whether it may only stand inside a phrase.
        passes: Phrases by pass.
        numbers: By token id the id that it has in the end, -1 for none; None keeps all as they are.
    """

    lexicon: Lexicon
    is_common: NDArray[np.bool_]
    passes: tuple[PhrasePass, ...] = ()
    numbers: NDArray[np.int32] | None = None

    def encode(self, texts: Texts) -> Iterator[tuple[Texts, Encoded]]:
        """Yield parts of texts with their sentences; a sentence may have no known token."""
        for part, encoded in self.lexicon.encode(texts):
            ids, ends = encoded.ids, encoded.rows[:, ROW_END].astype(np.int64)
            for phrases in self.passes:
                ids = phrases.merge(ids, ends, self.is_common)
            if self.numbers is not None:
                ids = self.numbers[ids]
                is_kept = ids >= 0
                ids, ends = ids[is_kept], offsets_of(is_kept)[ends]
            encoded.rows[:, ROW_END] = ends
            yield part, replace(encoded, ids=ids)
