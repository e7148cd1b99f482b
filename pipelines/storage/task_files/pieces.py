"""Tables in pieces: Python tasks compute the pieces and write them to files themselves.

Spark would copy a piece from Python to the JVM and split it into rows and values: writing millions
of lists of structs took longer than computing them.
"""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame

from pipelines.errors import InputError
from pipelines.storage.conform import null_problem
from pipelines.storage.hadoop import Files
from pipelines.storage.task_files.arrow import make_folder, resolve
from pipelines.storage.task_files.statistics_of_pieces import statistics_of
from pipelines.storage.task_files.stored_types import as_stored, stored_schema, string_paths
from schemas import Table

_CODECS = {"uncompressed": "none", "lz4_raw": "lz4"}  # Spark's names that are not Arrow's
_WRITTEN = "file string, rows bigint, left_out bigint, size bigint, statistics string"
_NAMES = ("file", "rows", "left_out", "size", "statistics")

Divide = Callable[[pa.Table], tuple[pa.Table, int]]


class TableOfPieces(ABC):
    """Rows of a table as files that Python tasks write."""

    @abstractmethod
    def write(self, files: Files, table: Table, folder: str, *, codec: str) -> "Written":
        """Write the pieces, or name those that are written, to a folder beside the table's."""

    @abstractmethod
    def frame(self, table: Table) -> DataFrame:
        """Return the rows as a Spark frame."""

    def observed(self, table: Table) -> tuple[DataFrame, Callable[[], int]]:
        """Return the rows that are stored as a Spark frame, and the number of the others.

        The number is known once the frame is written.
        """
        return self.frame(table), lambda: 0


class PiecewiseTable(TableOfPieces):
    """A table that Python tasks compute when it is written, in pieces of one Arrow table each."""

    @abstractmethod
    def map_pieces(self, function: Callable[[pa.Table], pa.Table], schema: str) -> DataFrame:
        """Return the frame of what a function returns for each piece, in the task that computed it.

        Args:
            function: Called once per piece. Strings of a piece may be dictionary-encoded.
            schema: Columns that the function returns.
        """

    def write(self, files: Files, table: Table, folder: str, *, codec: str) -> "Written":
        """See `TableOfPieces`."""
        beside = folder_beside(folder)
        make_folder(beside)
        try:
            write = _writer(PieceWriter(beside, table, codec), self.divide)
            found = self.map_pieces(write, _WRITTEN).collect()  # one row per piece
        except BaseException:
            files.delete(beside)
            raise
        return Written(beside, tuple(Piece(**row.asDict()) for row in found))

    def frame(self, table: Table) -> DataFrame:
        """See `TableOfPieces`."""
        schema = stored_schema(table)
        return self.map_pieces(
            lambda piece: piece.select(schema.names).cast(schema), table.schema().simpleString()
        )

    @staticmethod
    def divide(piece: pa.Table) -> tuple[pa.Table, int]:
        """Return the rows of a piece that are stored, and the number of those that are not.

        It is static, so that a task has it without the table.
        """
        return piece, 0


@dataclass(frozen=True)
class Piece:
    """A piece that a task has written.

    Args:
        file: Name of its file in the table's folder; empty where it has no rows.
        rows: Its rows.
        left_out: Rows that were not to be stored.
        size: Bytes of the file.
        statistics: Statistics of the columns as Delta's log has them, JSON.
    """

    file: str
    rows: int
    left_out: int
    size: int
    statistics: str


@dataclass(frozen=True)
class Written:
    """Pieces that tasks have written to a folder of their own.

    Files of failed, repeated or late attempts may lie beside them.
    """

    folder: str
    pieces: tuple[Piece, ...]


def folder_beside(folder: str) -> str:
    """Return a new name of a hidden folder for the pieces of the table in a folder."""
    parent, _, name = folder.rpartition("/")
    return f"{parent or '.'}/.{name.lstrip('.')}.{uuid.uuid4().hex}.pieces"


def write_pieces(
    files: Files, pieces: TableOfPieces, table: Table, folder: str, *, codec: str
) -> list[Piece]:
    """Write each piece to a file in its task, and move the files to a folder; return the pieces.

    Tasks write to a second folder, which is deleted afterwards: files of failed, repeated or late
    attempts never reach the table.

    Args:
        files: The session's files.
        pieces: The table's pieces.
        table: Its contract.
        folder: Folder of the table.
        codec: Spark's name of the compression.

    Raises:
        InputError: A column that is not nullable has a null.
    """
    written = pieces.write(files, table, folder, codec=codec)
    try:
        for piece in written.pieces:
            if piece.file:
                files.move(f"{written.folder}/{piece.file}", f"{folder}/{piece.file}")
    finally:
        files.delete(written.folder)
    return list(written.pieces)


def fill_by_pieces(
    files: Files, pieces: TableOfPieces, table: Table, folder: str, *, codec: str
) -> list[Piece]:
    """Write a table to a new folder by the tasks that make its pieces; return these."""
    written = write_pieces(files, pieces, table, folder, codec=codec)
    if not any(piece.rows for piece in written):
        _write_nothing(table, folder, codec=codec)
    files.create(f"{folder}/_SUCCESS", "")
    return written


def _write_nothing(table: Table, folder: str, *, codec: str) -> None:
    """Write a file without rows, so that a folder is a table."""
    make_folder(folder)
    _write(stored_schema(table).empty_table(), f"{folder}/part-0.parquet", codec, set())


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
    whole = pa.Table.from_pylist(records, schema=stored_schema(table))
    _require_no_nulls(whole, table)
    stored = stored_schema(table, without)
    _write(whole.select(stored.names).cast(stored), file, codec, set())


def _require_no_nulls(piece: pa.Table, table: Table) -> None:
    for column in table.columns:
        if not column.nullable and piece[column.name].null_count:
            raise InputError(null_problem(table, column.name))


@dataclass(frozen=True)
class PieceWriter:
    """Writes pieces of a table to files of a folder; it is sent to tasks."""

    folder: str
    table: Table
    codec: str

    def __call__(self, piece: pa.Table, left_out: int = 0) -> Piece:
        """Write a piece, unless it has no rows.

        Raises:
            InputError: A column that is not nullable has a null.
        """
        _require_no_nulls(piece, self.table)
        if not piece.num_rows:
            return Piece("", 0, left_out, 0, "")
        name = f"part-{uuid.uuid4().hex}.{self.codec}.parquet"
        unique = set(self.table.key if len(self.table.key) == 1 else ())
        stored = as_stored(piece, stored_schema(self.table))
        size = _write(stored, f"{self.folder}/{name}", self.codec, unique)
        return Piece(name, piece.num_rows, left_out, size, statistics_of(piece, self.table))


def _writer(write: PieceWriter, divide: Divide) -> Callable[[pa.Table], pa.Table]:
    def write_piece(found: pa.Table) -> pa.Table:
        row = asdict(write(*divide(found)))
        written = pa.table({name: [row[name]] for name in _NAMES})
        return written.slice(0, min(1, found.num_rows))

    return write_piece


def _write(piece: pa.Table, file: str, codec: str, unique: Collection[str]) -> int:
    """Write a file and return its size; strings of columns that are unique have no dictionary."""
    files, path = resolve(file)
    flat = [field.name for field in piece.schema if not pa.types.is_nested(field.type)]
    strings = [name for field in piece.schema for name in string_paths(field, field.name)]
    with pq.ParquetWriter(
        path,
        piece.schema,
        filesystem=files,
        compression=_CODECS.get(codec, codec),
        use_dictionary=[name for name in strings if name not in unique],
        write_statistics=flat,  # no reader filters by minima and maxima of list elements
        store_schema=False,  # readers must see strings, not Arrow dictionaries
    ) as writer:
        writer.write_table(piece)
        writer.add_key_value_metadata(piece.schema.metadata)
    return int(files.get_file_info(path).size)
