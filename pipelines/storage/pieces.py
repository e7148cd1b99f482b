"""Tables in pieces: Python tasks compute the pieces and write them to files themselves.

Spark would copy a piece from Python to the JVM and split it into rows and values: writing millions
of lists of structs took longer than computing them.
"""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructField, StructType, TimestampNTZType, TimestampType

from pipelines.errors import InputError
from pipelines.storage.arrow import make_folder, resolve
from pipelines.storage.conform import null_problem
from pipelines.storage.hadoop import Files
from schemas import Table

_CODECS = {"uncompressed": "none", "lz4_raw": "lz4"}  # Spark's names that are not Arrow's
_WRITTEN = "file string, rows bigint"  # schema of what the writing tasks report
_MOMENT = pa.timestamp("us", tz="UTC")
_ROW_METADATA = "org.apache.spark.sql.parquet.row.metadata"  # Spark's own: columns and comments


class PiecewiseTable(ABC):
    """A table that Python tasks compute when it is written, in pieces of one Arrow table each."""

    @abstractmethod
    def map_pieces(self, function: Callable[[pa.Table], pa.Table], schema: str) -> DataFrame:
        """Return the frame of what a function returns for each piece, in the task that computed it.

        Args:
            function: Called once per piece. Strings of a piece may be dictionary-encoded.
            schema: Columns that the function returns.
        """

    def frame(self, table: Table) -> DataFrame:
        """Return the rows as a Spark frame."""
        schema = _stored_schema(table)
        return self.map_pieces(
            lambda piece: piece.select(schema.names).cast(schema), table.schema().simpleString()
        )


def write_pieces(
    files: Files, pieces: PiecewiseTable, table: Table, folder: str, *, codec: str
) -> int:
    """Write each piece to a file in its task, and move the files to a new folder; return the rows.

    Tasks write to a second folder, which is deleted afterwards: files of failed, repeated or late
    attempts never reach the table.

    Args:
        files: The session's files.
        pieces: The table's pieces.
        table: Its contract.
        folder: Folder of the table, which does not exist yet.
        codec: Spark's name of the compression.

    Raises:
        InputError: A column that is not nullable has a null.
    """
    schema, pieces_folder = _stored_schema(table), f"{folder}.pieces"
    make_folder(pieces_folder)
    try:
        written = pieces.map_pieces(
            _writer(pieces_folder, table, schema, codec), _WRITTEN
        ).collect()
        for row in written:  # one row per piece
            files.move(f"{pieces_folder}/{row['file']}", f"{folder}/{row['file']}")
    finally:
        files.delete(pieces_folder)
    if not written:
        make_folder(folder)
        _write(schema.empty_table(), f"{folder}/part-0.parquet", codec)
    return sum(row["rows"] for row in written)


def write_file(
    rows: Sequence[Sequence[Any]], table: Table, file: str, *, without: Collection[str], codec: str
) -> None:
    """Write a few rows to one file.

    Args:
        rows: Values in the contract's order.
        table: The contract.
        file: The file.
        without: Columns that are partitions in the file's path.
        codec: Spark's name of the compression.

    Raises:
        InputError: A column that is not nullable has a null.
    """
    names = table.column_names
    records = [dict(zip(names, row, strict=True)) for row in rows]
    whole = pa.Table.from_pylist(records, schema=_stored_schema(table))
    _require_no_nulls(whole, table)
    stored = _stored_schema(table, without)
    _write(whole.select(stored.names).cast(stored), file, codec)


def _require_no_nulls(piece: pa.Table, table: Table) -> None:
    for column in table.columns:
        if not column.nullable and piece[column.name].null_count:
            raise InputError(null_problem(table, column.name))


def _stored_schema(table: Table, without: Collection[str] = ()) -> pa.Schema:
    schema = StructType([field for field in table.schema() if field.name not in without])
    # versions of Spark differ in how they are told the zone of moments, which is UTC on storage
    moments = {field.name for field in schema if field.dataType == TimestampType()}
    fields = [
        StructField(f.name, TimestampNTZType(), f.nullable, f.metadata) if f.name in moments else f
        for f in schema
    ]
    stored = to_arrow_schema(StructType(fields))
    for place, name in enumerate(stored.names):
        if name in moments:
            stored = stored.set(place, stored.field(place).with_type(_MOMENT))
    return stored.with_metadata({_ROW_METADATA: schema.json()})


def _strings(field: pa.Field, path: str) -> list[str]:
    """Return the Parquet paths of the string columns in a field, to be dictionary-encoded.

    Strings repeat. For numbers a dictionary saves no space and takes most of the time of a write.
    """
    if pa.types.is_struct(field.type):
        return [name for child in field.type for name in _strings(child, f"{path}.{child.name}")]
    if pa.types.is_list(field.type):
        return _strings(field.type.value_field, f"{path}.list.element")
    is_text = pa.types.is_string(field.type) or pa.types.is_dictionary(field.type)
    return [path] if is_text else []


def _as_stored(piece: pa.Table, schema: pa.Schema) -> pa.Table:
    """Cast a piece to the contract's types; dictionary-encoded strings stay so."""
    chosen = piece.select(schema.names)
    types = [
        _stored_type(field.type, actual.type)
        for field, actual in zip(schema, chosen.schema, strict=True)
    ]
    fields = [field.with_type(stored) for field, stored in zip(schema, types, strict=True)]
    return chosen.cast(pa.schema(fields, schema.metadata))


def _stored_type(wanted: pa.DataType, actual: pa.DataType) -> pa.DataType:
    """Return the contract's type, with the dictionaries of the actual one."""
    if pa.types.is_dictionary(actual):
        return actual
    if pa.types.is_list(wanted):
        return pa.list_(
            wanted.value_field.with_type(_stored_type(wanted.value_type, actual.value_type))
        )
    if pa.types.is_struct(wanted):
        pairs = [(field, actual.field(field.name).type) for field in wanted]
        return pa.struct([field.with_type(_stored_type(field.type, kind)) for field, kind in pairs])
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
    strings = [name for field in piece.schema for name in _strings(field, field.name)]
    with pq.ParquetWriter(
        path,
        piece.schema,
        filesystem=files,
        compression=_CODECS.get(codec, codec),
        use_dictionary=strings,
        write_statistics=flat,  # no reader filters by minima and maxima of list elements
        store_schema=False,  # readers must see strings, not Arrow dictionaries
    ) as writer:
        writer.write_table(piece)
        writer.add_key_value_metadata(piece.schema.metadata)
