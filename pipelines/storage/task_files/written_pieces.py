"""Pieces of tables that a task writes before the tables are staged."""

from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession

from pipelines.storage.hadoop import Files
from pipelines.storage.places import Place
from pipelines.storage.task_files.arrow import make_folder, reaches
from pipelines.storage.task_files.pieces import (
    Piece,
    PieceWriter,
    TableOfPieces,
    Written,
    folder_beside,
)
from schemas import Table


@dataclass(frozen=True)
class WrittenPieces(TableOfPieces):
    """Pieces that a `PieceWriter` has written."""

    spark: SparkSession
    written: Written

    def write(self, *_: object, **__: object) -> Written:
        """See `TableOfPieces`."""
        return self.written

    def frame(self, table: Table) -> DataFrame:
        """See `TableOfPieces`."""
        pieces = [f"{self.written.folder}/{each.file}" for each in self.written.pieces if each.file]
        if not pieces:
            return self.spark.createDataFrame([], table.schema())
        return self.spark.read.schema(table.schema()).parquet(*pieces)


class Scratch:
    """Folders beside tables that are deleted at the end of a run."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark, self._files = spark, Files(spark)
        self._folders: list[str] = []

    def folder(self, place: Place) -> str | None:
        """Make a folder beside a table; None where tasks cannot write files for it.

        So it is with tables of a catalog, and with stores that pyarrow does not reach.
        """
        if place.name is not None or place.folder is None or not reaches(place.folder):
            return None
        self._folders.append(folder_beside(place.folder))
        make_folder(self._folders[-1])
        return self._folders[-1]

    def writer(self, place: Place, table: Table) -> PieceWriter | None:
        """Return what writes pieces of a table to such a folder; it is sent to tasks."""
        folder = self.folder(place)
        codec = str(self._spark.conf.get("spark.sql.parquet.compression.codec"))
        return PieceWriter(folder, table, codec) if folder else None

    def pieces(self, writer: PieceWriter, written: list[Piece]) -> WrittenPieces:
        """Return pieces that tasks have written, to be staged."""
        return WrittenPieces(self._spark, Written(writer.folder, tuple(written)))

    def delete(self) -> None:
        """Delete the folders."""
        for folder in self._folders:
            self._files.delete(folder)
