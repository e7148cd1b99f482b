"""Rows of formats that are read record by record, gathered to Arrow batches."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import pyarrow as pa

from pipelines.sources.streams.opening import BREAKS

BATCH_BYTES = 4 << 20
_ROW_BYTES = 100  # what a row weighs beside its texts


class Row(NamedTuple):
    """One record."""

    position: int
    """Place of the record in its file."""
    values: Mapping[str, Any] = MappingProxyType({})
    """Values of the columns; columns that are missing here are null."""
    size: int = 0
    """About how many bytes the values have."""
    problem: str | None = None
    """The rule that a refused record broke."""
    record: str | None = None
    """Raw text of a refused record."""


def batches(
    rows: Iterable[Row], paths: Sequence[str], types: dict[str, pa.DataType]
) -> Iterator[pa.RecordBatch]:
    """Gather rows to batches of about 4 MB.

    Where reading the rows raises an error of a file that breaks off, the rows before come first.

    Args:
        rows: The records in the order of the file.
        paths: Columns that the request names; those that the format does not have are left out.
        types: Types of the format's columns.
    """
    kept = {path: types[path] for path in paths if path in types}
    gathered: list[Row] = []
    size = 0
    try:
        for row in rows:
            gathered.append(row)
            size += _ROW_BYTES + row.size
            if size >= BATCH_BYTES:
                yield _batch(gathered, kept)
                gathered, size = [], 0
    except BREAKS:
        if gathered:
            yield _batch(gathered, kept)
        raise
    if gathered:
        yield _batch(gathered, kept)


def text_of(data: bytes) -> str:
    """Return bytes as text for `record`; what is not UTF-8 is replaced."""
    return data.decode("utf-8", "replace")


def _batch(rows: list[Row], kept: dict[str, pa.DataType]) -> pa.RecordBatch:
    columns: dict[str, pa.Array] = {"position": pa.array([r.position for r in rows], pa.int64())}
    for name, kind in kept.items():
        columns[name] = pa.array([row.values.get(name) for row in rows], kind)
    for name in ("problem", "record"):
        columns[name] = pa.array([getattr(row, name) for row in rows], pa.string())
    return pa.RecordBatch.from_pydict(columns)
