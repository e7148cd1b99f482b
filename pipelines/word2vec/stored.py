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
from pipelines.word2vec.shards import BLOCK_ROWS, SHARDS_PER_FILE, block_matrix

Row = tuple[int, pa.Scalar, pa.Scalar]


class Stored:
    """Frames of `shards.SCHEMA` in a run's folder."""

    def __init__(self, folder: str) -> None:
        self._files, self._folder = resolve(folder)

    def sentences(self, kind: str, position: int) -> tuple[np.ndarray, np.ndarray]:
        """Return a shard's token ids and the offsets of its sentences; empty where it has none."""
        file = position // SHARDS_PER_FILE
        for _, first, second in self._rows(
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

    def rows_of(self, version: str, kind: str, positions: range, to: np.ndarray) -> None:
        """Fill a matrix with the blocks of one side, end to end from the first position on."""
        for position, first, _ in self._rows(version, f"kind={kind}", only=positions):
            _place(to, position - positions.start, block_matrix(first, to.shape[1]))

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

    def _rows(self, name: str, part: str, *, only: range | None = None) -> Iterator[Row]:
        """Yield the rows of a part, or some positions of it; a part that is not there has none."""
        place = fs.FileSelector(
            f"{self._folder}/{name}/{part}", recursive=True, allow_not_found=True
        )
        files = sorted(
            info.path for info in self._files.get_file_info(place)
            if info.is_file and info.path.endswith(".parquet")
        )  # fmt: skip
        for path in files:
            with self._files.open_input_file(path) as source, pq.ParquetFile(source) as file:
                for batch in file.iter_batches(batch_size=1, row_groups=_groups(file, only)):
                    columns = (batch.column(name) for name in ("position", "first", "second"))
                    position, first, second = (column[0] for column in columns)
                    if only is None or position.as_py() in only:
                        yield position.as_py(), first, second


def _groups(file: pq.ParquetFile, positions: range | None) -> list[int]:
    """Return the row groups that may hold a position, by their statistics; all of them for None."""
    groups = range(file.metadata.num_row_groups)
    if positions is None:
        return list(groups)
    column = file.schema_arrow.get_field_index("position")
    bounds = [file.metadata.row_group(n).column(column).statistics for n in groups]
    first, last = positions.start, positions.stop
    return [n for n, b in zip(groups, bounds, strict=True) if b.min < last and first <= b.max]


def _place(to: np.ndarray, position: int, rows: np.ndarray) -> None:
    to[position * BLOCK_ROWS : position * BLOCK_ROWS + len(rows)] = rows
