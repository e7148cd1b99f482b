"""What trainers' tasks read: shards, counts and model versions, straight from storage.

A task reads Parquet itself, row group by row group into arrays of the model's size: through Spark's
rows a model would be copied four times on its way into a Python worker.
"""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from pipelines.storage.arrow import resolve
from pipelines.word2vec.shards import BLOCK_ROWS, block_matrix

Row = tuple[int, pa.Scalar, pa.Scalar]


class Stored:
    """Frames of `shards.SCHEMA` in a run's folder."""

    def __init__(self, folder: str) -> None:
        self._files, self._folder = resolve(folder)

    def sentences(self, kind: str, position: int) -> tuple[np.ndarray, np.ndarray]:
        """Return a shard's token ids and the offsets of its sentences; empty where it has none."""
        for _, first, second in self._rows("shards", f"kind={kind}/position={position}"):
            lengths = np.frombuffer(second.as_buffer(), np.int32)
            offsets = np.zeros(lengths.size + 1, np.int64)
            np.cumsum(lengths, out=offsets[1:])
            return np.frombuffer(first.as_buffer(), np.int32), offsets
        return np.empty(0, np.int32), np.zeros(1, np.int64)

    def counts(self, size: int) -> np.ndarray:
        """Return the counts of all token ids."""
        counts = np.zeros(size, np.int64)
        for position, first, _ in self._rows("shards", "kind=counts"):
            _place(counts, position, np.frombuffer(first.as_buffer(), np.int64))
        return counts

    def model(self, version: str, size: int, dimension: int) -> tuple[np.ndarray, np.ndarray]:
        """Return a version's input and output vectors, size by dimension."""
        sides = np.zeros((size, dimension), np.float32), np.zeros((size, dimension), np.float32)
        for position, *blocks in self._rows(version, "kind=model"):
            for side, block in zip(sides, blocks, strict=True):
                _place(side, position, block_matrix(block, dimension))
        return sides

    def has_model(self, version: str) -> bool:
        """Tell whether a version of the model is kept."""
        found = self._files.get_file_info(f"{self._folder}/{version}/kind=model")
        return bool(found.type != fs.FileType.NotFound)

    def moments(self, version: str) -> list[np.ndarray]:
        """Return the second moments that a version's writers found, one array a writer."""
        return [
            np.frombuffer(first.as_buffer(), np.float64)
            for _, first, _ in self._rows(version, "kind=moments")
        ]

    def json(self, kind: str, version: str) -> list[Any]:
        """Return the JSON values of a kind that a version holds, by position."""
        rows = sorted(self._rows(version, f"kind={kind}"), key=lambda row: row[0])
        return [json.loads(first.as_py()) for _, first, _ in rows]

    def _rows(self, name: str, part: str) -> Iterator[Row]:
        """Yield the rows of a part, file after file; a part that is not there has none."""
        place = fs.FileSelector(
            f"{self._folder}/{name}/{part}", recursive=True, allow_not_found=True
        )
        files = sorted(
            info.path for info in self._files.get_file_info(place)
            if info.is_file and info.path.endswith(".parquet")
        )  # fmt: skip
        for path in files:
            where = path.rpartition("/position=")[2].partition("/")[0]
            with self._files.open_input_file(path) as source, pq.ParquetFile(source) as file:
                for batch in file.iter_batches(batch_size=1):
                    position = int(where) if "position" not in batch.schema.names else (
                        batch.column("position")[0].as_py())  # fmt: skip
                    yield position, batch.column("first")[0], batch.column("second")[0]


def _place(to: np.ndarray, position: int, rows: np.ndarray) -> None:
    to[position * BLOCK_ROWS : position * BLOCK_ROWS + len(rows)] = rows
