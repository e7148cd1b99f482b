"""Delta tables as raw input: the rows that the log says are live, never those of old files."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from pipelines.sources.columns import require_in
from pipelines.sources.frames import column_paths, complete_frame
from pipelines.sources.request import Request
from pipelines.sources.split import Split
from pipelines.storage.delta import delta
from pipelines.storage.hadoop import Files
from pipelines.storage.task_files.arrow import reaches


@dataclass(frozen=True)
class LiveFiles:
    """The files of a Delta table's newest version.

    Args:
        splits: The files, whole; None where they hold rows that the table has not (deletion
            vectors), or where Python tasks do not reach them.
        version: Hash of the commit.
    """

    splits: list[Split] | None
    version: str


def live_files(spark: SparkSession, uri: str) -> LiveFiles:
    """Return the live files of a Delta table.

    Raises:
        InputError: A data file is missing or truncated.
    """
    files = Files(spark)
    folder = files.qualified(uri).rstrip("/")
    version = str(delta.last_commit(files, folder)["hash"])
    delta.read(spark, files, folder)  # compares each file with the size in the log
    # one row per file, as a listing of the folder has
    rows = sorted(_snapshot_files(spark, folder).collect())
    if not reaches(folder) or any(row["has_deletions"] for row in rows):
        return LiveFiles(None, version)
    names = dict(_stored_names(_snapshot_schema(spark, folder), ""))
    return LiveFiles([_split(folder, row, names) for row in rows], version)


def _snapshot_files(spark: SparkSession, folder: str) -> DataFrame:
    live = DataFrame(delta.last_snapshot(spark, folder).allFiles().toDF(), spark)
    return live.select(
        "path",
        "size",
        F.to_json("partitionValues").alias("values"),
        F.col("deletionVector").isNotNull().alias("has_deletions"),
    )


def _snapshot_schema(spark: SparkSession, folder: str) -> StructType:
    """Return the schema as the log has it; Spark's frames lack the names that files have."""
    metadata = delta.last_snapshot(spark, folder).metadata()
    return StructType.fromJson(json.loads(metadata.schemaString()))


def _stored_names(schema: StructType, path: str) -> Iterator[tuple[str, str]]:
    """Yield paths of columns with those that files have in their stead (column mapping)."""
    for field in schema:
        stored = field.metadata.get("delta.columnMapping.physicalName", field.name)
        yield f"{path}{field.name}", stored
        if isinstance(field.dataType, StructType):
            for inner, name in _stored_names(field.dataType, f"{path}{field.name}."):
                yield inner, f"{stored}.{name}"


def _split(folder: str, row: Any, names: dict[str, str]) -> Split:
    path = unquote(row["path"])
    is_elsewhere = "://" in path or path.startswith("file:")
    uri = path if is_elsewhere else f"{folder}/{path}"
    logical = {stored: name for name, stored in names.items()}
    values = {logical.get(n, n): value for n, value in json.loads(row["values"] or "{}").items()}
    mapped = {name: stored for name, stored in names.items() if name != stored}
    return Split(uri, path, row["size"], partitions=values, about={"names": mapped})


def delta_records(spark: SparkSession, uri: str, request: Request) -> DataFrame:
    """Read a Delta table by Spark's reader, with the places that its plain files would give.

    Raises:
        InputError: The table lacks a required column.
    """
    frame = spark.read.format("delta").load(uri)
    require_in(uri, column_paths(frame.schema), request.fields)
    folder = Files(spark).qualified(uri).rstrip("/").partition(":")[2].lstrip("/")
    # the path is percent-encoded, but a plus sign in it is one
    path = F.url_decode(F.replace("_metadata.file_path", F.lit("+"), F.lit("%2B")))
    source = path.substr(F.locate(folder, path) + len(folder) + 1, F.lit(1 << 20))
    return complete_frame(frame, request, source=source, position=F.col("_metadata.row_index"))
