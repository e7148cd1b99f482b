"""Delta tables on storage: one transaction per replacement, and the metadata of commits."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, DataFrameWriter, SparkSession

from pipelines.errors import ConcurrentRunError, InputError
from pipelines.storage.delta import plain_files
from pipelines.storage.hadoop import Files
from pipelines.storage.java import java_class

_MAINTENANCE = ("OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES")
"""Operations of commits that change no rows."""


def is_table(files: Files, folder: str) -> bool:
    """Tell whether a folder holds a Delta table with at least one commit."""
    return bool(_commits(files, folder))


def _commits(files: Files, folder: str) -> list[str]:
    log = f"{folder}/_delta_log"
    if not files.is_folder(log):
        return []
    return [name for name in files.names(log) if name.endswith(".json") and name[:20].isdigit()]


def last_commit(files: Files, folder: str) -> dict[str, Any]:
    """Return `version, hash, metadata, rows` of the last commit that changed data.

    `metadata` is what vectormill recorded, `rows` the number of rows written.

    Raises:
        InputError: The folder holds no Delta table.
    """
    commits = _commits(files, folder)
    for name in reversed(commits):
        text = files.read_text(f"{folder}/_delta_log/{name}")
        actions = [json.loads(line) for line in text.splitlines() if line]
        info: dict[str, Any] = next((a["commitInfo"] for a in actions if "commitInfo" in a), {})
        if info.get("operation") not in _MAINTENANCE or name == commits[0]:
            digest = hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]
            rows = info.get("operationMetrics", {}).get("numOutputRows", 0)
            return {
                "version": int(name[:20]),
                "hash": digest,
                "metadata": _ours(info),
                "rows": int(rows),
            }
    raise InputError(f"{folder}: not a Delta table")


def _ours(info: Mapping[str, Any]) -> dict[str, Any]:
    try:
        metadata = json.loads(info.get("userMetadata") or "{}")
    except ValueError:
        return {}
    return metadata if isinstance(metadata, dict) else {}


def location(spark: SparkSession, name: str) -> str:
    """Return the folder of a catalog table."""
    row = spark.sql(f"DESCRIBE DETAIL {name}").select("location").first()
    if row is None:
        raise InputError(f"{name}: the catalog has no such table")
    return str(row["location"])


def read(spark: SparkSession, files: Files, folder: str) -> tuple[DataFrame, tuple[str, ...]]:
    """Read a Delta table after comparing each file with the size that its log records.

    Returns:
        The rows, and the files they are in. The files may hold other rows where `is_plain` is
        false; none are named where paths do not have the values of partition columns.

    Raises:
        InputError: A data file is missing or truncated, by name.
    """
    nothing = java_class(spark._jvm, "scala.Option").empty()
    snapshot = log_of(spark, folder).update(False, nothing, nothing)
    sizes = {info.relative: info.size for info in files.walk(folder)}
    named = []
    for encoded, size in _data_files(spark, snapshot):
        path = unquote(encoded)
        if "://" in encoded or encoded.startswith("file:"):
            named.append(path)
            continue  # a shallow clone's files lie elsewhere
        named.append(f"{folder}/{path}")
        if sizes.get(path, -1) != size:
            actual = f"{sizes[path]} bytes" if path in sizes else "missing"
            raise InputError(
                f"{folder}/{path}: Delta data file is {actual}, its log says {size} bytes; "
                "restore the file or run the job that writes it again"
            )
    partitions = snapshot.metadata().partitionColumns().mkString("/").split("/")
    are_in_paths = all(f"/{name}=" in file for name in partitions if name for file in named)
    frame = plain_files.read_plain(spark, folder, snapshot, named) if are_in_paths else None
    if frame is None:
        frame = spark.read.format("delta").load(folder)
    return frame, tuple(named) if are_in_paths else ()


def _data_files(spark: SparkSession, snapshot: Any) -> list[tuple[str, int]]:
    """Return path and size of each data file of a version."""
    listed = listed_files(snapshot)
    if listed is not None:
        return [(str(file.path()), int(file.size())) for file in listed]
    added = DataFrame(snapshot.allFiles().toDF(), spark)
    # one row per file, not per row: the driver's own listing has as many
    return [(row["path"], row["size"]) for row in added.select("path", "size").collect()]


def is_plain(spark: SparkSession, folder: str) -> bool:
    """Tell whether the data files hold exactly the table's rows, under its column names."""
    return plain_files.is_plain(last_snapshot(spark, folder))


def log_of(spark: SparkSession, folder: str) -> Any:
    """Return Delta's own log of a table."""
    log = java_class(spark._jvm, "org.apache.spark.sql.delta.DeltaLog")
    return log.forTable(spark._jsparkSession, folder)


def last_snapshot(spark: SparkSession, folder: str) -> Any:
    """Return the version of a table that Delta saw last."""
    return log_of(spark, folder).unsafeVolatileSnapshot()


def listed_files(snapshot: Any) -> list[Any] | None:
    """Return the files of a version, as Delta's actions, without a Spark job.

    Delta lists the files of small tables in a version's checksum; None where it does not.
    """
    checksum = snapshot.checksumOpt()
    named = checksum.get().allFiles() if checksum.isDefined() else checksum
    if not named.isDefined():
        return None
    return [named.get().apply(n) for n in range(named.get().size())]


def replace(
    frame: DataFrame,
    *,
    folder: str | None,
    name: str | None,
    part: Mapping[str, str],
    partitioning: tuple[str, ...],
    metadata: Mapping[str, Any],
    transaction: tuple[str, int] | None = None,
) -> None:
    """Replace a table, or the part of it that a run owns, in one transaction.

    Args:
        frame: Rows to store.
        folder: Where the table lies, or None for a catalog table.
        name: Its catalog name, or None for a path.
        part: Partition values that this run owns; empty replaces the whole table.
        partitioning: Partition columns of the table.
        metadata: Recorded with the commit.
        transaction: Application id and version: the same pair is committed once, however retried.

    Raises:
        ConcurrentRunError: Another run changed the same part meanwhile.
    """
    writer = frame.write.format("delta").mode("overwrite").partitionBy(*partitioning)
    writer = writer.option("userMetadata", json.dumps(dict(metadata), sort_keys=True))
    if part:
        writer = writer.option("replaceWhere", predicate(part))
    else:
        writer = writer.option("overwriteSchema", "true")
    if transaction:
        writer = writer.option("txnAppId", transaction[0])
        writer = writer.option("txnVersion", str(transaction[1]))
    _save(writer, folder, name)


_CODES = ("DELTA_PROTOCOL_CHANGED", "DELTA_METADATA_CHANGED")  # conflicts by their error class


def _save(writer: DataFrameWriter, folder: str | None, name: str | None) -> None:
    with conflicts_named(name or folder):
        writer.save(folder) if name is None else writer.saveAsTable(name)


@contextmanager
def conflicts_named(place: str | None) -> Iterator[None]:
    """Turn Delta's refusal of a commit into the error that names the table.

    Raises:
        ConcurrentRunError: Another run changed the same rows meanwhile.
    """
    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        if _is_conflict(error):
            raise ConcurrentRunError(
                f"{place}: another run changed this table meanwhile; "
                "nothing was written, run the job again when the other is done"
            ) from error
        raise


def _is_conflict(error: Exception) -> bool:
    if isinstance(error, Py4JJavaError):  # Delta's own exceptions come unconverted
        kind = error.java_exception.getClass()
        while kind is not None and "Concurrent" not in kind.getSimpleName():
            kind = kind.getSuperclass()  # all derive from DeltaConcurrentModificationException
        return kind is not None
    first = str(error).partition("\n")[0].upper()
    return "CONCURRENT" in first or any(code in first for code in _CODES)


def predicate(part: Mapping[str, str]) -> str:
    """Return the SQL condition that holds for the rows of a part."""
    quoted = {name: value.replace("\\", "\\\\").replace("'", "\\'") for name, value in part.items()}
    return " AND ".join(f"`{name}` = '{value}'" for name, value in quoted.items())
