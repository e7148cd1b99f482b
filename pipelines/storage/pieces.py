"""Tables that come in pieces, each made whole by one call in a worker, which can write it itself.

A piece written by Spark is copied from Python to the JVM and taken apart into rows and values:
millions of lists of structs took longer to write than to make.
"""

import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Pieces:
    """A table that is not made yet.

    Args:
        apply: Returns the frame, of a schema, of what a function makes of each piece. Strings of a
            piece may be in a dictionary, which is written as it is.
    """

    apply: Callable[[Callable[[pa.Table], pa.Table], str], DataFrame]

    def frame(self, table: Table) -> DataFrame:
        """Return the rows."""
        schema = _stored_schema(table)
        return self.apply(
            lambda piece: piece.select(schema.names).cast(schema), table.schema().simpleString()
        )


def write(files: Files, pieces: Pieces, table: Table, folder: str, *, codec: str) -> int:
    """Write each piece to a file where it is made, and move these to a new folder; return the rows.

    A task that fails, or comes second, leaves its files in a folder that is deleted: however late
    it writes them, they are in no table.

    Args:
        files: File operations.
        pieces: What is written.
        table: Its contract.
        folder: Where the files are to lie; nothing is there yet.
        codec: Spark's name of the compression.

    Raises:
        InputError: A column that may not be null is.
    """
    schema, aside = _stored_schema(table), f"{folder}.pieces"
    make_folder(aside)
    try:
        written = pieces.apply(_writer(aside, table, schema, codec), _WRITTEN).collect()
        for row in written:  # a name a piece
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
    held = pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows],
                                schema=_stored_schema(table))  # fmt: skip
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
        path, piece.schema, filesystem=files, compression=_CODECS.get(codec, codec),
        use_dictionary=[name for field in piece.schema for name in _strings(field, field.name)],
        write_statistics=flat,  # of what is in lists nobody asks for the least
        store_schema=False,  # whoever reads is to get strings, not our dictionaries
    ) as writer:  # fmt: skip
        writer.write_table(piece)
        writer.add_key_value_metadata(piece.schema.metadata)
