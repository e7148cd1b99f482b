"""Reading and writing tables as frames: Parquet and Delta, by path, URI or catalog name."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.errors import InputError
from pipelines.storage import parquet
from pipelines.storage.commits import last_commit
from pipelines.storage.conform import conform
from pipelines.storage.delta import delta
from pipelines.storage.hadoop import Files
from pipelines.storage.places import locate
from pipelines.storage.staging import Staged, stage
from pipelines.storage.task_files import pieces
from pipelines.storage.task_files.arrow import make_folder, reaches
from pipelines.storage.task_files.pieces import PiecewiseTable
from schemas import Table


def exists(spark: SparkSession, uri: str) -> bool:
    """Tell whether a table is at this path, URI or catalog name."""
    return locate(spark, uri).stored_as is not None


def read(spark: SparkSession, uri: str, table: Table) -> DataFrame:
    """Read a table by its contract's schema, whatever its storage format.

    Raises:
        InputError: As raised by `read_with_files`.
    """
    return read_with_files(spark, uri, table)[0]


def read_with_files(
    spark: SparkSession, uri: str, table: Table
) -> tuple[DataFrame, tuple[str, ...]]:
    """Read a table, and name the Parquet files that its rows are in.

    No files are named if they may hold rows that the table does not have.

    Raises:
        InputError: Nothing is there, a file is zero-byte, truncated or missing, or a column
            differs from the contract; file and column are named.
    """
    place = locate(spark, uri)
    if place.stored_as is None or place.folder is None:
        raise InputError(f"{uri}: no table here; run the job that writes {table.name!r} first")
    if place.stored_as == "parquet":
        frame, files = parquet.read(spark, Files(spark), place.folder, table)
        return fresh(frame), files
    frame, files = delta.read(spark, Files(spark), place.folder)
    differences = list(table.differences(frame.schema, is_stored=True))
    if differences:
        raise InputError(f"{uri}: {'; '.join(differences)} (contract of {table.name!r})")
    files = files if delta.is_plain(spark, place.folder) else ()
    absent = {
        c.name: F.lit(None).cast(c.type) for c in table.columns if c.name not in frame.columns
    }
    return fresh(frame.withColumns(absent).select(table.column_names)), files


def version(spark: SparkSession, uri: str) -> str:
    """Return a table's version: the fingerprint of the run that wrote it, else of its commit."""
    return version_of(commit(spark, uri))


def version_of(recorded: Mapping[str, Any]) -> str:
    """Return the version of a table, given its last commit."""
    return str(recorded["metadata"].get("fingerprint") or recorded["hash"])


def commit(spark: SparkSession, uri: str) -> dict[str, Any]:
    """Return a table's last commit: `version`, `hash`, and `metadata` if vectormill wrote it."""
    recorded = last_commit(Files(spark), locate(spark, uri))
    if recorded is None:
        raise InputError(f"{uri}: no table here")
    return recorded


def write(
    frame: DataFrame,
    table: Table,
    uri: str,
    *,
    format: str,  # noqa: A002  (Spark's own name)
    part: Mapping[str, str],
    metadata: Mapping[str, Any],
) -> int:
    """Replace a table, or the part of it that `part` names, and return the rows written.

    Raises:
        InputError: A column differs from the contract; the column and the difference are named.
        ConcurrentRunError: Another run changed the same part meanwhile.
    """
    spark = frame.sparkSession
    place = locate(spark, uri)
    if place.name is not None and place.is_delta(format):  # no rows wait: Spark's writer at once
        delta.replace(
            conform(frame, table),
            folder=place.folder,
            name=place.name,
            part=part,
            partitioning=table.partitioning,
            metadata=metadata,
        )
        return int(commit(spark, uri)["rows"])
    return _commit(stage(frame, table, place, format=format, part=part), metadata)


def _commit(staged: Staged, metadata: Mapping[str, Any]) -> int:
    try:
        staged.commit(metadata)
    except BaseException:
        staged.discard()
        raise
    return staged.rows


def write_pieces(
    spark: SparkSession,
    pieces: PiecewiseTable,
    table: Table,
    uri: str,
    *,
    format: str,  # noqa: A002
    metadata: Mapping[str, Any],
) -> int:
    """Replace a table by pieces that Python tasks write to files, and return the rows written.

    Spark writes the rows where Python tasks cannot: Delta tables, whose log needs statistics of
    each file, and stores that pyarrow does not reach.
    """
    folder = _arrow_folder(spark, uri, format)
    if folder is None:
        return write(pieces.frame(table), table, uri, format=format, part={}, metadata=metadata)
    return parquet.replace_by_pieces(
        Files(spark), pieces, table, folder, metadata=metadata, codec=_codec(spark)
    )


def write_rows(
    spark: SparkSession,
    rows: Sequence[Sequence[Any]],
    table: Table,
    uri: str,
    *,
    format: str,  # noqa: A002
    part: Mapping[str, str],
    metadata: Mapping[str, Any],
) -> int:
    """Replace a table, or the part of it that `part` names, by a few rows that the driver has.

    Args:
        spark: The session.
        rows: Values in the contract's order.
        table: The contract, whose partitions are those of `part`.
        uri: Path, URI or catalog name of the table.
        format: Storage format of a new table.
        part: Partition values owned by this run; empty replaces the whole table.
        metadata: Recorded with the commit.

    Returns:
        Rows written.
    """
    folder = _arrow_folder(spark, uri, format)
    if folder is not None:
        try:
            parquet.replace_by_rows(
                Files(spark),
                rows,
                table,
                folder,
                part=part,
                metadata=metadata,
                codec=_codec(spark),
            )
            return len(rows)
        except OSError:  # a store that pyarrow may only read
            pass
    frame = spark.createDataFrame(list(rows), table.schema()).coalesce(1)
    place = locate(spark, uri)
    is_whole = set(part) == set(table.partitioning)
    if place.name is not None or not is_whole or not rows or not reaches(str(place.folder)):
        return write(frame, table, uri, format=format, part=part, metadata=metadata)

    def write_file(file: str) -> int:
        make_folder(file.rpartition("/")[0])
        pieces.write_file(rows, table, file, without=part, codec=_codec(spark))
        return len(rows)

    return _commit(
        stage(frame, table, place, format=format, part=part, write_file=write_file), metadata
    )


def _arrow_folder(spark: SparkSession, uri: str, format: str) -> str | None:  # noqa: A002
    """Return the folder of a Parquet table that pyarrow can write, else None."""
    place = locate(spark, uri)
    is_spark = place.is_delta(format) or not reaches(str(place.folder))
    return None if is_spark else str(place.folder)


def _codec(spark: SparkSession) -> str:
    return str(spark.conf.get("spark.sql.parquet.compression.codec"))


def publish(
    frame: DataFrame,
    table: Table,
    uri: str,
    *,
    format: str,  # noqa: A002
    space_id: str,
    metadata: Mapping[str, Any],
) -> None:
    """Replace a published table by one space in one commit; readers see the old or the new one.

    A retry of the same publication commits once. Published tables are not partitioned.
    """
    spark, rows = frame.sparkSession, conform(frame, table)
    place = locate(spark, uri)
    if place.is_delta(format):
        generation = 0 if place.stored_as is None else commit(spark, uri)["version"] + 1
        delta.replace(
            rows,
            folder=place.folder,
            name=place.name,
            part={},
            partitioning=(),
            metadata=metadata,
            transaction=(f"publish:{uri}:{space_id}", generation),
        )
    else:
        parquet.publish(Files(spark), rows, str(place.folder), version=space_id, metadata=metadata)


def fresh(frame: DataFrame) -> DataFrame:
    """Make the plan of a frame unique, so that Spark does not use a persisted frame for it.

    Spark takes reads of the same paths as equal even if the files have changed since. The added
    condition is always true, and the optimiser removes it.
    """
    return frame.where(F.lit(uuid.uuid4().hex) != "")
