"""Files that a task writes from batches: rows are gathered first, as each file has few groups."""

import uuid
from collections.abc import Collection
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.storage.task_files.arrow import resolve
from pipelines.storage.task_files.pieces import Piece, PieceWriter

PIECE_BYTES = 64 << 20
"""Bytes in memory of the rows that make a file of a table; more only where one batch has more."""
_GROUP_ROWS = 1 << 18  # rows that a task gathers before it writes them


class GatheredPieces:
    """Rows of a table that a task gathers, and writes to a file whenever they are enough."""

    def __init__(self, write: PieceWriter) -> None:
        self._write = write
        self._held: list[pa.RecordBatch] = []
        self._bytes = 0
        self._pieces: list[Piece] = []

    def add(self, rows: pa.RecordBatch | pa.Table) -> None:
        """Add rows, which have the columns of the table.

        Raises:
            InputError: A column that is not nullable has a null.
        """
        for batch in [rows] if isinstance(rows, pa.RecordBatch) else rows.to_batches():
            if self._bytes and self._bytes + batch.nbytes > PIECE_BYTES:
                self._flush()
            if len(batch):
                self._held.append(batch)
                self._bytes += batch.nbytes

    def keep(self, piece: Piece) -> None:
        """Add a file that is written already."""
        self._pieces.append(piece)

    def _flush(self) -> None:
        if self._held:
            self._pieces.append(self._write(pa.Table.from_batches(self._held)))
        self._held, self._bytes = [], 0

    def close(self) -> list[Piece]:
        """Write the last rows and return the files."""
        self._flush()
        return self._pieces


class GatheredFile:
    """One Parquet file that a task writes for other tasks; it is made with its first rows.

    Args:
        name: What its name begins with; the rest is unique.
        encoded: Columns of strings that repeat.
    """

    def __init__(self, name: str, encoded: Collection[str]) -> None:
        self._uri, self._encoded = f"{name}-{uuid.uuid4().hex}.parquet", encoded
        self._writer: Any = None
        self._held: list[pa.RecordBatch] = []
        self._rows, self._bytes, self.size = 0, 0, 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Add rows."""
        if not len(batch):
            return
        self._held.append(batch)
        self._rows += len(batch)
        self._bytes += batch.nbytes
        if self._rows >= _GROUP_ROWS or self._bytes >= PIECE_BYTES:
            self._flush()

    def _flush(self) -> None:
        table = pa.Table.from_batches(self._held)
        if self._writer is None:
            files, path = resolve(self._uri)
            repeated = [name for name in table.schema.names if name in self._encoded]
            self._writer = pq.ParquetWriter(
                path, table.schema, filesystem=files, compression="lz4", use_dictionary=repeated,
                write_statistics=False,
            )  # fmt: skip
        self._writer.write_table(table, row_group_size=len(table))
        self.size += self._bytes
        self._held, self._rows, self._bytes = [], 0, 0

    def close(self) -> str:
        """Return the file's name; empty where there are no rows."""
        if self._held:
            self._flush()
        if self._writer is None:
            return ""
        self._writer.close()
        return self._uri
