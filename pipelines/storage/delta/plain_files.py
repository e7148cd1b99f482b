"""Delta tables whose few files hold exactly their rows, read without Delta's own scan."""

import json
import re
from collections.abc import Sequence
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StringType, StructType

_MOST_FILES = 32  # with more, Spark lists them by a job
_PATTERN = re.compile(r"[*?\[\]{}\\]")  # Spark takes a path with one of these as a pattern


def is_plain(snapshot: Any) -> bool:
    """Tell whether the data files hold exactly the table's rows, under its column names.

    They do not with deletion vectors or column mapping, which take a newer reader protocol.
    """
    return bool(snapshot.protocol().minReaderVersion() == 1)


def read_plain(
    spark: SparkSession, folder: str, snapshot: Any, files: Sequence[str]
) -> DataFrame | None:
    """Return the rows of a version by Spark's Parquet reader, else None.

    Delta's own scan takes four Spark jobs before the first row, and more for each query: it
    computes the version's state, which the caller knows already.

    Args:
        spark: The session.
        folder: Where the table lies.
        snapshot: Its version.
        files: All files of the version, below the folder, partition values in their paths.
    """
    schema = StructType.fromJson(json.loads(snapshot.schema().json()))
    partitions = list(snapshot.metadata().partitionColumns().mkString("/").split("/"))
    is_text = all(schema[name].dataType == StringType() for name in partitions if name)
    is_few = 0 < len(files) <= _MOST_FILES
    is_below = all(file.startswith(f"{folder}/") and not _PATTERN.search(file) for file in files)
    if not (is_plain(snapshot) and is_few and is_text and is_below):
        return None
    stored = spark.read.schema(schema).option("basePath", folder).parquet(*files)
    return stored.select([f"`{name}`" for name in schema.names])
