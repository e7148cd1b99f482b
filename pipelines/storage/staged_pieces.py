"""Tables whose pieces Python tasks write, staged: files first, the table at the commit."""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from pyspark.sql import SparkSession

from pipelines.storage import parquet
from pipelines.storage.conform import conform
from pipelines.storage.delta_replaced import sequence
from pipelines.storage.delta_staging import StagedDelta, made, scala_map
from pipelines.storage.hadoop import Files
from pipelines.storage.pieces import Piece, PiecewiseTable, write_pieces
from schemas import Table

_READER, _WRITER = 1, 2
"""Versions of Delta's protocol above which files may need more than their rows."""


class StagedParquetPieces:
    """Files of pieces in a temporary folder beside a Parquet table."""

    def __init__(
        self, spark: SparkSession, pieces: PiecewiseTable, uri: str, table: Table, codec: str
    ) -> None:
        """Write the files."""
        self._files, self._uri = Files(spark), uri
        self._folder = parquet.new_folder(self._files, uri, "")
        try:
            written = parquet.fill_by_pieces(self._files, pieces, table, self._folder, codec=codec)
        except BaseException:
            self.discard()
            raise
        self.rows = sum(piece.rows for piece in written)
        self.left_out = sum(piece.left_out for piece in written)

    def commit(self, metadata: Mapping[str, Any]) -> None:
        """Make the files the table."""
        parquet.install(self._files, self._folder, self._uri, "", metadata)

    def discard(self) -> None:
        """Delete the files."""
        self._files.delete(self._folder)


class UnknownProtocolError(Exception):
    """The Delta table has features for which only Delta's own writer can make files."""


class StagedDeltaPieces(StagedDelta):
    """Files of pieces in a Delta table's folder, and the transaction that will name them.

    Delta's own writer replaces the table by an empty frame in the same transaction: it sets schema
    and metadata, and finds the files that are replaced.
    """

    def __init__(
        self, spark: SparkSession, pieces: PiecewiseTable, folder: str, table: Table, codec: str
    ) -> None:
        """Write the files.

        Raises:
            UnknownProtocolError: Only Delta's own writer can make this table's files.
        """
        self._pieces: list[Piece] = []
        nothing = conform(spark.createDataFrame([], table.schema()), table)
        super().__init__(nothing, folder, part={}, partitioning=(), is_empty=True)
        try:
            self._require_known_protocol()
            self._pieces = write_pieces(self._files, pieces, table, folder, codec=codec)
        except BaseException:
            self.discard()
            raise
        self._added += [
            {"path": quote(piece.file), "stats": piece.statistics}
            for piece in self._pieces
            if piece.file
        ]
        self.rows = self._count()
        self.left_out = sum(piece.left_out for piece in self._pieces)

    def _require_known_protocol(self) -> None:
        protocol = self._transaction.protocol()
        if protocol.minReaderVersion() > _READER or protocol.minWriterVersion() > _WRITER:
            raise UnknownProtocolError(self._folder)

    def _actions(self) -> Any:
        before = super()._actions()
        actions = [before.apply(n) for n in range(before.size())]
        package, now = self._jvm.org.apache.spark.sql.delta.actions, int(time.time() * 1000)
        added = getattr(package, "AddFile$")
        for piece in self._pieces:
            if piece.file:
                nothing = scala_map(self._jvm, {})
                path = quote(piece.file)
                actions.append(made(added, path, nothing, piece.size, now, True, piece.statistics))
        return sequence(self._jvm, actions)
