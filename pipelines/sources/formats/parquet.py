"""Parquet files: typed columns, read by row groups; a position is the row's number in the file."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import fs

from pipelines.errors import InputError
from pipelines.sources.parquet_pages.headers import UnknownPageError
from pipelines.sources.parquet_pages.strings import plain_strings, read_strings
from pipelines.sources.request import Request, top_level
from pipelines.sources.split import Split
from pipelines.sources.values.typed import uuid_text
from pipelines.storage.task_files.arrow import resolve

ENDINGS = (".parquet", ".parq", ".pq")
SPLIT_BYTES = 64 << 20
_BATCH_ROWS = 1 << 16


class _File(NamedTuple):
    """A file that is open."""

    parquet: pq.ParquetFile
    stream: pa.NativeFile
    is_remote: bool


@contextmanager
def _opened(split: Split) -> Iterator[_File]:
    filesystem, path = resolve(split.uri)
    is_remote = not isinstance(filesystem, fs.LocalFileSystem)
    with filesystem.open_input_file(path) as stream:
        file = pq.ParquetFile(stream, coerce_int96_timestamp_unit="us", pre_buffer=is_remote)
        yield _File(file, stream, is_remote)


def split(whole: Split, _request: Request) -> list[Split]:
    """Cut a file at row groups into parts of about 64 MB of compressed data."""
    with _opened(whole) as (file, _, _):
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
    with _opened(whole) as (file, _, _):
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
    names = part.about.get("names", {})  # of a Delta table whose columns are mapped
    stored = {names.get(path, path): path for path in request.paths}
    with _opened(part) as opened:
        file = opened.parquet
        groups = range(part.start, file.num_row_groups if part.end is None else part.end)
        position = sum(file.metadata.row_group(n).num_rows for n in range(part.start))
        wanted = top_level(file.schema_arrow.names, stored)
        _refuse_repeated(file.schema_arrow, wanted, part.uri)
        types = _other_types(file)
        for batch in _batches(opened, groups, wanted):
            arrays = {
                stored.get(name, name): _as_type(batch[name], types.get(name))
                for name in batch.schema.names
            }
            arrays |= _nested(batch, stored)
            numbers = pa.array(np.arange(position, position + len(batch)))
            yield pa.RecordBatch.from_arrays(
                [numbers, *arrays.values()], names=["position", *arrays]
            )
            position += len(batch)


def _batches(opened: _File, groups: range, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Read row groups; small ones share a batch, and no batch has rows of two others.

    Arrow copies what it joins: batches across row groups take half as long again.
    """
    ours = [] if opened.is_remote else plain_strings(opened.parquet, columns, groups)
    together: list[int] = []
    rows = 0
    for number in groups:
        more = opened.parquet.metadata.row_group(number).num_rows
        if together and rows + more > _BATCH_ROWS:
            yield from _joined(opened, together, columns, ours)
            together, rows = [], 0
        together.append(number)
        rows += more
    if together:
        yield from _joined(opened, together, columns, ours)


def _joined(
    opened: _File, groups: Sequence[int], columns: list[str], ours: Iterable[str]
) -> Iterator[pa.RecordBatch]:
    """Read row groups to batches, some columns by our own decoder, if it knows their pages."""
    file, stream, _ = opened
    found = {}
    for name in ours:
        try:
            parts = [read_strings(file, stream, name, number) for number in groups]
        except UnknownPageError:
            continue
        found[name] = pa.concat_arrays(parts) if len(parts) > 1 else parts[0]
    others = [name for name in columns if name not in found]
    place = 0
    for batch in file.iter_batches(_BATCH_ROWS, groups, others, use_threads=False):
        arrays = dict(zip(batch.schema.names, batch.columns, strict=True))
        arrays |= {name: array.slice(place, len(batch)) for name, array in found.items()}
        place += len(batch)
        names = [name for name in file.schema_arrow.names if name in arrays]
        yield pa.RecordBatch.from_arrays([arrays[name] for name in names], names=names)


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


def _as_type(array: pa.Array, kind: pa.DataType | None) -> pa.Array:
    if kind == pa.uuid():
        return uuid_text(array)
    return array if kind is None else array.cast(kind)


def _other_types(file: pq.ParquetFile) -> dict[str, pa.DataType]:
    """Return the types of columns that pyarrow reads as others; INT96 always means UTC."""
    found = {c.path: pa.uuid() for c in _leaves(file) if c.logical_type.type == "UUID"}
    int96 = [c.path for c in _leaves(file) if c.physical_type == "INT96"]
    return found | dict.fromkeys(int96, pa.timestamp("us", "UTC"))


def _leaves(file: pq.ParquetFile) -> Iterator[pq.ColumnSchema]:
    return (file.schema.column(n) for n in range(len(file.schema)))
