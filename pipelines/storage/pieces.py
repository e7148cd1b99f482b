"""Tables that Spark's tasks make in pieces, and write themselves.

A piece that Spark writes is copied from Python to the JVM and split into rows and values: millions
of lists of structs took longer to write than to make.
"""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from pipelines.errors import InputError
from pipelines.storage.arrow import make_folder, resolve
from pipelines.storage.conform import null_problem
from pipelines.storage.hadoop import Files
from schemas import Table

_CODECS = {"uncompressed": "none", "lz4_raw": "lz4"}  # Spark's names that are not Arrow's
_WRITTEN = "file string, rows bigint"
_ROW_METADATA = "org.apache.spark.sql.parquet.row.metadata"  # Spark's own: columns and comments


class PiecewiseTable(ABC):
    """A table that is not made yet: tasks will make it in pieces."""

    @abstractmethod
    def map_pieces(self, function: Callable[[pa.Table], pa.Table], schema: str) -> DataFrame:
        """Return the frame of what a function returns for each piece, in the task that made it.

        Args:
            function: Called once per piece. Strings of a piece may be dictionary-encoded.
            schema: Columns that the function returns.
        """

    def frame(self, table: Table) -> DataFrame:
        """Return the rows, as Spark's own."""
        schema = _stored_schema(table)
        return self.map_pieces(
            lambda piece: piece.select(schema.names).cast(schema), table.schema().simpleString()
        )


def write(files: Files, made: PiecewiseTable, table: Table, folder: str, *, codec: str) -> int:
    """Have each task write its pieces to files, move these to a new folder, return the rows.

    A task that fails, or an attempt that Spark discards, leaves its files in a folder that is
    deleted: they are in no table, however late they are written.

    Args:
        files: File operations.
        made: The table.
        table: Its contract.
        folder: Where the files go; nothing is there yet.
        codec: Spark's name of the compression.

    Raises:
        InputError: A column that may not be null is.
    """
    schema, aside = _stored_schema(table), f"{folder}.pieces"
    make_folder(aside)
    try:
        written = made.map_pieces(_writer(aside, table, schema, codec), _WRITTEN).collect()
        for row in written:  # one file name per piece
            files.move(f"{aside}/{row['file']}", f"{folder}/{row['file']}")
    finally:
        files.delete(aside)
    if not written:
        make_folder(folder)
        _write(schema.empty_table(), f"{folder}/part-0.parquet", codec)
    return sum(row["rows"] for row in written)


def write_rows(
    rows: Sequence[Sequence[Any]], table: Table, file: str, *, without: Collection[str], codec: str
) -> None:
    """Write a few rows, in the contract's order, to a file; without the columns of its path.

    Raises:
        InputError: A column that may not be null is.
    """
    names = table.column_names
    values = [dict(zip(names, row, strict=True)) for row in rows]
    held = pa.Table.from_pylist(values, schema=_stored_schema(table))
    _require_no_nulls(held, table)
    kept = _stored_schema(table, without)
    _write(held.select(kept.names).cast(kept), file, codec)


def _require_no_nulls(piece: pa.Table, table: Table) -> None:
    for column in table.columns:
        if not column.nullable and piece[column.name].null_count:
            raise InputError(null_problem(table, column.name))


def _stored_schema(table: Table, without: Collection[str] = ()) -> pa.Schema:
    schema = StructType([field for field in table.schema() if field.name not in without])
    return to_arrow_schema(schema).with_metadata({_ROW_METADATA: schema.json()})


def _strings(field: pa.Field, path: str) -> list[str]:
    """Return the columns of strings in a field, by their names in Parquet.

    Strings repeat: of numbers a dictionary saves nothing, and takes longer than all else.
    """
    if pa.types.is_struct(field.type):
        return [name for child in field.type for name in _strings(child, f"{path}.{child.name}")]
    if pa.types.is_list(field.type):
        return _strings(field.type.value_field, f"{path}.list.element")
    is_text = pa.types.is_string(field.type) or pa.types.is_dictionary(field.type)
    return [path] if is_text else []


def _as_stored(piece: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return the columns as the contract has them, but for strings that are in a dictionary."""
    chosen = piece.select(schema.names)
    kinds = [
        _kept(field.type, made.type) for field, made in zip(schema, chosen.schema, strict=True)
    ]
    fields = [field.with_type(kind) for field, kind in zip(schema, kinds, strict=True)]
    return chosen.cast(pa.schema(fields, schema.metadata))


def _kept(wanted: pa.DataType, made: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(made):
        return made
    if pa.types.is_list(wanted):
        return pa.list_(wanted.value_field.with_type(_kept(wanted.value_type, made.value_type)))
    if pa.types.is_struct(wanted):
        pairs = [(field, made.field(field.name).type) for field in wanted]
        return pa.struct([field.with_type(_kept(field.type, kind)) for field, kind in pairs])
    return wanted


def _writer(
    folder: str, table: Table, schema: pa.Schema, codec: str
) -> Callable[[pa.Table], pa.Table]:
    def write_piece(piece: pa.Table) -> pa.Table:
        name = f"part-{uuid.uuid4().hex}.{codec}.parquet"
        _require_no_nulls(piece, table)
        if piece.num_rows:
            _write(_as_stored(piece, schema), f"{folder}/{name}", codec)
        written = pa.table({"file": [name], "rows": pa.array([piece.num_rows], pa.int64())})
        return written.slice(0, min(1, piece.num_rows))

    return write_piece


def _write(piece: pa.Table, file: str, codec: str) -> None:
    files, path = resolve(file)
    flat = [field.name for field in piece.schema if not pa.types.is_nested(field.type)]
    with pq.ParquetWriter(
        path,
        piece.schema,
        filesystem=files,
        compression=_CODECS.get(codec, codec),
        use_dictionary=[name for field in piece.schema for name in _strings(field, field.name)],
        write_statistics=flat,  # readers do not filter by values inside lists
        store_schema=False,  # Arrow readers get strings, not the dictionaries of this writer
    ) as writer:
        writer.write_table(piece)
        writer.add_key_value_metadata(piece.schema.metadata)
