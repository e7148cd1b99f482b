"""Parquet files: typed columns, read by row groups; a position is the row's number in the file."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.errors import InputError
from pipelines.sources.request import Request, top_level
from pipelines.sources.split import Split
from pipelines.sources.values.typed import uuid_text
from pipelines.storage.task_files.arrow import resolve

ENDINGS = (".parquet", ".parq", ".pq")
SPLIT_BYTES = 64 << 20
_BATCH_ROWS = 1 << 16


@contextmanager
def _opened(split: Split) -> Iterator[pq.ParquetFile]:
    filesystem, path = resolve(split.uri)
    with filesystem.open_input_file(path) as stream:
        yield pq.ParquetFile(stream, coerce_int96_timestamp_unit="us", pre_buffer=True)


def split(whole: Split, _request: Request) -> list[Split]:
    """Cut a file at row groups into parts of about 64 MB of compressed data."""
    with _opened(whole) as file:
        sizes = [
            sum(
                file.metadata.row_group(n).column(c).total_compressed_size
                for c in range(file.metadata.num_columns)
            )
            for n in range(file.num_row_groups)
        ]
    parts: list[Split] = []
    start = gathered = 0
    for number, size in enumerate(sizes):
        gathered += size
        if gathered >= SPLIT_BYTES or number == len(sizes) - 1:
            parts.append(replace(whole, start=start, end=number + 1))
            start, gathered = number + 1, 0
    return parts or [whole]


def columns(whole: Split, _request: Request) -> list[str]:
    """Return the names of a file's columns, those inside structs by their dotted paths."""
    with _opened(whole) as file:
        return [name for field in file.schema_arrow for name in _names(field, field.name)]


def _names(field: pa.Field, path: str) -> list[str]:
    if pa.types.is_struct(field.type):
        return [name for child in field.type for name in _names(child, f"{path}.{child.name}")]
    return [path]


def read(part: Split, request: Request) -> Iterator[pa.RecordBatch]:
    """Read the wanted columns of a file's row groups, of the types that the file has.

    Raises:
        InputError: The file has a column that is asked for twice.
    """
    with _opened(part) as file:
        groups = range(part.start, file.num_row_groups if part.end is None else part.end)
        position = sum(file.metadata.row_group(n).num_rows for n in range(part.start))
        names = part.about.get("names", {})  # of a Delta table whose columns are mapped
        stored = {names.get(path, path): path for path in request.paths}
        wanted = top_level(file.schema_arrow.names, stored)
        _refuse_repeated(file.schema_arrow, wanted, part.uri)
        int96, uuids = _int96(file), _uuids(file)
        for batch in file.iter_batches(
            _BATCH_ROWS, row_groups=list(groups), columns=wanted, use_threads=False
        ):
            arrays = {
                stored.get(name, name): _as_stored(
                    batch[name], is_int96=name in int96, is_uuid=name in uuids
                )
                for name in batch.schema.names
            }
            arrays |= _nested(batch, stored)
            numbers = pa.array(np.arange(position, position + len(batch)))
            yield pa.RecordBatch.from_arrays(
                [numbers, *arrays.values()], names=["position", *arrays]
            )
            position += len(batch)


def _nested(batch: pa.RecordBatch, stored: dict[str, str]) -> dict[str, pa.Array]:
    """Return columns inside structs by the paths that are asked for, where files have others."""
    mapped = {path: wanted for path, wanted in stored.items() if path != wanted and "." in path}
    arrays = {}
    for path, wanted in mapped.items():
        name, *inner = path.split(".")
        if name in batch.schema.names:
            arrays[wanted] = pc.struct_field(batch[name], inner)
    return arrays


def _refuse_repeated(schema: pa.Schema, wanted: Iterable[str], uri: str) -> None:
    for name in wanted:
        count = schema.names.count(name)
        if count > 1:
            raise InputError(f"{uri}: has the column {name!r} {count} times; rename one")


def _as_stored(array: pa.Array, *, is_int96: bool, is_uuid: bool) -> pa.Array:
    if is_uuid:
        return uuid_text(array)
    # INT96 has no zone, and all that write it mean UTC
    return array.cast(pa.timestamp("us", "UTC")) if is_int96 else array


def _int96(file: pq.ParquetFile) -> set[str]:
    return {c.path for c in _leaves(file) if c.physical_type == "INT96"}


def _uuids(file: pq.ParquetFile) -> set[str]:
    return {c.path for c in _leaves(file) if c.logical_type.type == "UUID"}


def _leaves(file: pq.ParquetFile) -> Iterator[pq.ColumnSchema]:
    return (file.schema.column(n) for n in range(len(file.schema)))
