"""What trainers' tasks read: shards, counts and model versions, straight from storage."""

import numpy as np

from pipelines.training.stored_arrays import StoredArrays, block_matrix
from pipelines.word2vec.shards import BLOCK_ROWS, SHARDS_PER_FILE


class StoredModel(StoredArrays):
    """What a run's folder holds: see `shards.pack`, `shards.count_blocks` and `model_rows`."""

    def sentences(self, kind: str, position: int) -> tuple[np.ndarray, np.ndarray]:
        """Return a shard's token ids and the offsets of its sentences; empty where it has none."""
        file = position // SHARDS_PER_FILE
        for _, first, second in self.rows(
            "shards", f"kind={kind}/file={file}", only=range(position, position + 1)
        ):
            lengths = np.frombuffer(second.as_buffer(), np.int32)
            offsets = np.zeros(lengths.size + 1, np.int64)
            np.cumsum(lengths, out=offsets[1:])
            return np.frombuffer(first.as_buffer(), np.int32), offsets
        return np.empty(0, np.int32), np.zeros(1, np.int64)

    def counts(self, size: int) -> np.ndarray:
        """Return the counts of all token ids."""
        counts = np.zeros(size, np.int64)
        for position, first, _ in self.rows("shards", "kind=counts"):
            _place(counts, position, np.frombuffer(first.as_buffer(), np.int64))
        return counts

    def fill_model(self, version: str, model: tuple[np.ndarray, np.ndarray]) -> None:
        """Fill a model with a version's input and output vectors."""
        for position, *blocks in self.rows(version, "", kind="model"):
            for side, block in zip(model, blocks, strict=True):
                _place(side, position, block_matrix(block, side.shape[1]))

    def rows_of(self, version: str, kind: str, positions: range, to: np.ndarray) -> None:
        """Fill a matrix with the blocks of one side, end to end from the first position on."""
        for position, first, _ in self.rows(version, "", kind=kind, only=positions):
            _place(to, position - positions.start, block_matrix(first, to.shape[1]))

    def moments(self, version: str) -> list[np.ndarray]:
        """Return the second moments that a version's writers found, one array a writer."""
        return [
            np.frombuffer(first.as_buffer(), np.float64)
            for _, first, _ in self.rows(version, "", kind="moments")
        ]


def _place(to: np.ndarray, position: int, rows: np.ndarray) -> None:
    to[position * BLOCK_ROWS : position * BLOCK_ROWS + len(rows)] = rows
