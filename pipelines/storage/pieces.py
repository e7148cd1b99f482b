"""Tables that come in pieces, each made whole by one call in a worker, which can write it itself.

A piece written by Spark is copied from Python to the JVM and taken apart into rows and values:
millions of lists of structs took longer to write than to make.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import to_arrow_schema

from pipelines.storage.arrow import resolve
from pipelines.storage.hadoop import Files
from schemas import Table

_WRITTEN = "file string, rows bigint"
_ROW_METADATA = "org.apache.spark.sql.parquet.row.metadata"  # Spark's own: columns and comments


@dataclass(frozen=True)
class Pieces:
    """A table that is not made yet.

    Args:
        apply: Returns the frame, of a schema, of what a function makes of each piece.
    """

    apply: Callable[[Callable[[pa.Table], pa.Table], str], DataFrame]

    def frame(self, table: Table) -> DataFrame:
        """Return the rows."""
        return self.apply(lambda piece: piece, table.schema().simpleString())


def write(files: Files, pieces: Pieces, table: Table, folder: str) -> int:
    """Write each piece to a file of a new folder where it is made; return the number of rows.

    Files of attempts that failed, or came second, are deleted.
    """
    schema = _stored_schema(table)
    written = pieces.apply(_writer(folder, schema), _WRITTEN).collect()  # a name a piece
    if not written:
        _write(schema.empty_table(), folder, f"{uuid.uuid4().hex}.parquet")
        return 0
    names = {row["file"] for row in written}
    for info in files.walk(folder):
        if info.relative not in names:
            files.delete(info.uri)
    return sum(row["rows"] for row in written)


def _stored_schema(table: Table) -> pa.Schema:
    schema = table.schema()
    return to_arrow_schema(schema).with_metadata({_ROW_METADATA: schema.json()})


def _strings(field: pa.Field, path: str) -> list[str]:
    """Return the columns of strings in a field, by their names in Parquet.

    Strings repeat: of numbers a dictionary saves nothing, and takes longer than all else.
    """
    if pa.types.is_struct(field.type):
        return [name for child in field.type for name in _strings(child, f"{path}.{child.name}")]
    if pa.types.is_list(field.type):
        return _strings(field.type.value_field, f"{path}.list.element")
    return [path] if pa.types.is_string(field.type) else []


def _writer(folder: str, schema: pa.Schema) -> Callable[[pa.Table], pa.Table]:
    def write_piece(piece: pa.Table) -> pa.Table:
        name = f"part-{uuid.uuid4().hex}.snappy.parquet"
        if piece.num_rows:
            _write(piece.select(schema.names).cast(schema), folder, name)
        written = pa.table({"file": [name], "rows": pa.array([piece.num_rows], pa.int64())})
        return written.slice(0, min(1, piece.num_rows))

    return write_piece


def _write(piece: pa.Table, folder: str, name: str) -> None:
    files, path = resolve(folder)
    files.create_dir(path, recursive=True)
    pq.write_table(
        piece, f"{path}/{name}", filesystem=files, compression="snappy",
        use_dictionary=[name for field in piece.schema for name in _strings(field, field.name)],
    )  # fmt: skip
