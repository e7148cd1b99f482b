"""Delta tables whose pieces Python tasks write: files first, then one commit that names them."""

import time
from typing import Any

from pyspark.sql import SparkSession

from pipelines.storage.conform import conform
from pipelines.storage.delta.delta_replaced import sequence
from pipelines.storage.delta.delta_staging import StagedDelta, scala_map
from pipelines.storage.java import java_class
from pipelines.storage.task_files.pieces import Piece, TableOfPieces, write_pieces
from schemas import Table


class UnknownProtocolError(Exception):
    """The Delta table has features for which only Delta's own writer can make files."""


class StagedDeltaPieces(StagedDelta):
    """Files of pieces in a Delta table's folder, and the transaction that will name them.

    Delta's own writer replaces the table by an empty frame in the same transaction: it sets schema
    and metadata, and finds the files that are replaced.
    """

    def __init__(
        self, spark: SparkSession, pieces: TableOfPieces, folder: str, table: Table, codec: str
    ) -> None:
        """Write the files.

        Raises:
            UnknownProtocolError: Only Delta's own writer can make this table's files.
        """
        self._pieces: list[Piece] = []
        nothing = conform(spark.createDataFrame([], table.schema()), table)
        super().__init__(nothing, folder, part={}, partitioning=(), is_empty=True)
        try:
            if not self._is_simple():
                raise UnknownProtocolError(self._folder)
            written = write_pieces(self._files, pieces, table, folder, codec=codec)
        except BaseException:
            self.discard()
            raise
        self.left_out = sum(piece.left_out for piece in written)
        self._pieces = [piece for piece in written if piece.file]
        if self._pieces:
            self._name_pieces()
            self._tell_metrics()
        self.rows = self._count()

    def _name_pieces(self) -> None:
        """Make the actions that add the files, in place of one for a file without rows."""
        for uri in self._uris():
            self._files.delete(uri)
        others = [self._written.apply(n) for n in range(self._written.size())]
        actions = [each for each in others if each.getClass().getSimpleName() != "AddFile"]
        now = int(time.time() * 1000)  # milliseconds
        actions += [
            self._adding(piece.file, piece.size, now, piece.statistics) for piece in self._pieces
        ]
        self._written = sequence(self._jvm, actions)
        self._note_added()

    def _tell_metrics(self) -> None:
        """Tell the transaction what was written, for the table's history."""
        counts = {
            "numFiles": len(self._pieces),
            "numOutputRows": sum(piece.rows for piece in self._pieces),
            "numOutputBytes": sum(piece.size for piece in self._pieces),
        }
        made_by = java_class(self._jvm, "org.apache.spark.sql.execution.metric.SQLMetrics")
        context: Any = self._spark.sparkContext._jsc
        metrics = {name: made_by.createMetric(context.sc(), name) for name in counts}
        for name, value in counts.items():
            metrics[name].set(value)
        told = scala_map(self._jvm, metrics)
        self._transaction.registerSQLMetrics(self._spark._jsparkSession, told)
