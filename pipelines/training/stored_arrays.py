"""Rows of arrays that trainers' tasks write to storage and read from there.

A task reads Parquet itself, one row group at a time: through Spark's rows a model would be copied
four times on its way into a Python worker.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from pipelines.storage.task_files.arrow import resolve

SCHEMA = "kind string, position int, first binary, second binary"
"""What tasks write: `kind` says what a row holds, `position` numbers the rows of a kind, `first`
and `second` are bytes of arrays, or JSON."""

_KINDS = {"kind": pa.string(), "position": pa.int32(), "first": pa.binary(), "second": pa.binary()}
ARROW = pa.schema(_KINDS)
FILES = "files"  # key of a frame's marker: names of the files that tasks wrote
Content = tuple[str, int, bytes, bytes]
"""A row to be written: kind, position, first, second."""
ReadRow = tuple[int, pa.Scalar, pa.Scalar]
"""A row that was read: position, first, second."""


def round_name(number: int) -> str:
    """Return the name of the frame that holds a model or factors after a round; 0: before it."""
    return f"round={number}"


def rows(content: Iterable[Content]) -> pa.Table:
    """Return rows of `SCHEMA` as an Arrow table."""
    columns = zip(*content, strict=True)
    return pa.Table.from_arrays([pa.array(c) for c in columns], schema=ARROW)


def json_row(kind: str, position: int, content: object) -> Content:
    """Return a row of some kind that holds a JSON value."""
    return (kind, position, json.dumps(content).encode(), b"")


def block_matrix(block: pa.Scalar, dimension: int) -> np.ndarray:
    """Return a block of float32 vectors, `(n, dimension)`, without a copy."""
    return np.frombuffer(block.as_buffer(), np.float32).reshape(-1, dimension)


@dataclass(frozen=True)
class _Footer:
    """A file's footer: least and largest value of some columns, per row group."""

    path: str
    metadata: pq.FileMetaData
    bounds: dict[str, list[tuple[Any, Any]]]

    def groups(self, name: str, wanted: range | str | None) -> set[int]:
        """Return the row groups that may hold a wanted value of a column; all of them for None."""
        if wanted is None:
            return set(range(self.metadata.num_row_groups))
        ends = (wanted.start, wanted.stop - 1) if isinstance(wanted, range) else (wanted, wanted)
        first, last = ends
        return {
            n for n, (low, high) in enumerate(self.bounds[name]) if low <= last and first <= high
        }


class StoredArrays:
    """Reads frames of `SCHEMA` in a run's folder; footers are cached, so use one per task.

    A frame exists once its marker does: see `rounds.RoundState`.
    """

    def __init__(self, folder: str) -> None:
        self._files, self._folder = resolve(folder)
        self._footers: dict[tuple[str, str], list[_Footer]] = {}

    def json(self, kind: str, name: str) -> list[Any]:
        """Return the JSON values of a kind in a frame, in the order of positions."""
        return _json(self.rows(name, "", kind=kind))

    def has(self, name: str, part: str = "") -> bool:
        """Return whether a part of a frame is stored."""
        return bool(self._paths(name, part))

    def rows(
        self, name: str, part: str, *, only: range | None = None, kind: str | None = None
    ) -> Iterator[ReadRow]:
        """Yield the rows of a part, or those of some positions and kind.

        A part that is not stored has no rows. Each row is a row group: statistics tell which to
        read.
        """
        if (name, part) not in self._footers:
            self._footers[name, part] = [self._footer(path) for path in self._paths(name, part)]
        for footer in self._footers[name, part]:
            groups = sorted(footer.groups("position", only) & footer.groups("kind", kind))
            if not groups:
                continue
            with (
                self._files.open_input_file(footer.path) as source,
                pq.ParquetFile(source, metadata=footer.metadata) as file,
            ):
                for batch in file.iter_batches(batch_size=1, row_groups=groups):
                    columns = (batch.column(name) for name in ("position", "first", "second"))
                    position, first, second = (column[0] for column in columns)
                    if only is None or position.as_py() in only:
                        yield position.as_py(), first, second

    def _paths(self, name: str, part: str) -> list[str]:
        """Return the files of a part: of those that the marker names, else of its folder."""
        try:
            with self._files.open_input_stream(f"{self._folder}/{name}.json") as source:
                kept = json.loads(source.read())
        except FileNotFoundError:
            return []
        if kept:
            inner = f"{part}/" if part else ""
            return [f"{self._folder}/{name}/{f}" for f in kept[FILES] if f.startswith(inner)]
        folder = f"{self._folder}/{name}/{part}"
        place = fs.FileSelector(folder, recursive=True, allow_not_found=True)
        paths = (info.path for info in self._files.get_file_info(place) if info.is_file)
        return sorted(path for path in paths if path.endswith(".parquet"))

    def _footer(self, path: str) -> _Footer:
        with self._files.open_input_file(path) as source, pq.ParquetFile(source) as file:
            metadata, schema = file.metadata, file.schema_arrow
        bounds = {}
        for name in {"position", "kind"} & set(schema.names):
            column = schema.get_field_index(name)
            groups = (metadata.row_group(n) for n in range(metadata.num_row_groups))
            statistics = [group.column(column).statistics for group in groups]
            bounds[name] = [(each.min, each.max) for each in statistics]
        return _Footer(path, metadata, bounds)


def _json(rows_read: Iterable[ReadRow]) -> list[Any]:
    return [json.loads(first.as_py()) for _, first, _ in sorted(rows_read, key=lambda row: row[0])]
