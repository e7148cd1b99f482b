"""Tables written in two steps: the rows now, the table itself once the job's gates have passed."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from py4j.protocol import Py4JError
from pyspark import StorageLevel
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from pipelines.storage import parquet
from pipelines.storage.conform import conform
from pipelines.storage.delta import delta
from pipelines.storage.delta.delta_staging import StagedDelta
from pipelines.storage.hadoop import Files
from pipelines.storage.places import Place
from pipelines.storage.task_files.arrow import reaches
from pipelines.storage.task_files.pieces import TableOfPieces, fill_by_pieces
from pipelines.storage.task_files.staged_pieces import StagedDeltaPieces, UnknownProtocolError
from schemas import Table


class Staged(Protocol):
    """Rows that are written and not yet a table."""

    rows: int
    """Rows written."""

    def commit(self, metadata: Mapping[str, Any]) -> None:
        """Make the rows the table, or the part of it that the run owns."""

    def discard(self) -> None:
        """Delete what was written; the table stays as it was."""


class _StagedParquet:
    """Rows in a temporary folder beside a Parquet table."""

    def __init__(self, rows: DataFrame, uri: str, table: Table, part: Mapping[str, str]) -> None:
        self._files, self._uri = Files(rows.sparkSession), uri
        self._inner = parquet.relative(part, table.partitioning)
        self._folder = parquet.new_folder(self._files, uri, self._inner)
        observed = Observation()
        counted = rows.observe(observed, F.count(F.lit(1)).alias("rows"))
        try:
            parquet.write(counted, self._folder, part=part, partitioning=table.partitioning)
        except BaseException:
            self.discard()
            raise
        self.rows = int(observed.get["rows"])

    def commit(self, metadata: Mapping[str, Any]) -> None:
        parquet.install(self._files, self._folder, self._uri, self._inner, metadata)

    def discard(self) -> None:
        self._files.delete(self._folder)


class _StagedParquetPieces(_StagedParquet):
    """Files of pieces in a temporary folder beside a Parquet table."""

    def __init__(
        self, spark: SparkSession, pieces: TableOfPieces, uri: str, table: Table, codec: str
    ) -> None:
        self._files, self._uri, self._inner = Files(spark), uri, ""
        self._folder = parquet.new_folder(self._files, uri, "")
        try:
            written = fill_by_pieces(self._files, pieces, table, self._folder, codec=codec)
        except BaseException:
            self.discard()
            raise
        self.rows = sum(piece.rows for piece in written)
        self.left_out = sum(piece.left_out for piece in written)


class _StagedFrame:
    """Rows on the executors' disks, for tables that only Spark's own writer can write.

    These are tables of a catalog, and all Delta tables where Delta lacks what `StagedDelta` calls.
    """

    def __init__(
        self, rows: DataFrame, place: Place, table: Table, part: Mapping[str, str]
    ) -> None:
        self._frame, self._place = rows.persist(StorageLevel.DISK_ONLY), place
        self._table, self._part = table, part
        self.rows = self._frame.count()

    def commit(self, metadata: Mapping[str, Any]) -> None:
        delta.replace(
            self._frame,
            folder=self._place.folder,
            name=self._place.name,
            part=self._part,
            partitioning=self._table.partitioning,
            metadata=metadata,
        )
        self.discard()

    def discard(self) -> None:
        self._frame.unpersist()


def stage(
    frame: DataFrame,
    table: Table,
    place: Place,
    *,
    format: str,  # noqa: A002  (Spark's own name)
    part: Mapping[str, str],
    is_empty: bool = False,
    write_file: Callable[[str], int] | None = None,
) -> Staged:
    """Write the rows of a table, or of the part of it that `part` names, and change no table.

    A frame that is known to be empty (`is_empty`) is not computed where no file is needed, nor one
    that `write_file` may write, of which see `StagedDelta`.

    Raises:
        InputError: A column differs from the contract; the column and the difference are named.
        ConfigError: The table's place holds something else than a table.
    """
    rows = conform(frame, table)
    if not place.is_delta(format):
        return _StagedParquet(rows, str(place.folder), table, part)
    if place.name is None and place.folder is not None:
        try:
            return StagedDelta(
                rows,
                place.folder,
                part=part,
                partitioning=table.partitioning,
                is_empty=is_empty,
                write_file=write_file,
            )
        except Py4JError as error:
            if type(error) is not Py4JError:  # Spark's failure, not a class or method that lacks
                raise
    return _StagedFrame(rows, place, table, part)


def stage_pieces(
    spark: SparkSession,
    pieces: TableOfPieces,
    table: Table,
    place: Place,
    *,
    format: str,  # noqa: A002
) -> tuple[Staged, int]:
    """Write the pieces of a table by the tasks that make them, and change no table.

    Spark writes them where Python tasks cannot: tables of a catalog or with features of newer
    versions of Delta, and stores that pyarrow does not reach.

    Returns:
        What is staged, and the number of rows that the pieces left out.
    """
    folder = place.folder if place.name is None else None
    codec = str(spark.conf.get("spark.sql.parquet.compression.codec"))
    if folder is not None and reaches(folder):
        if not place.is_delta(format):
            staged = _StagedParquetPieces(spark, pieces, folder, table, codec)
            return staged, staged.left_out
        try:
            written = StagedDeltaPieces(spark, pieces, folder, table, codec)
            return written, written.left_out
        except UnknownProtocolError:
            pass
        except Py4JError as error:
            if type(error) is not Py4JError:  # Spark's failure, not a class or method that lacks
                raise
    frame, left_out = pieces.observed(table)
    by_spark = stage(frame, table, place, format=format, part={})
    return by_spark, left_out()
