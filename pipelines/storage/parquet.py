"""Parquet tables on storage: footers are checked before a read; a table is replaced whole."""

import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructField, StructType, TimestampNTZType, TimestampType

from pipelines.errors import InputError
from pipelines.storage.digests import digest
from pipelines.storage.hadoop import FileInfo, Files
from pipelines.storage.runs.claims import refuse_foreign
from pipelines.storage.swaps import swap
from pipelines.storage.task_files.arrow import make_folder, resolve
from pipelines.storage.task_files.pieces import PiecewiseTable, fill_by_pieces, write_file
from schemas import Table

METADATA = "_vectormill.json"  # file with the metadata of the last write
POINTER = "_current.json"  # file that names the folder of a published version
_LISTING = "files"  # key of METADATA: hash of the files' names and sizes
_FILES_PER_TASK = 32  # files per task that checks footers
_ESCAPED = re.compile(
    r"""[\x01-\x1f"#%'*/:=?\\{\[\]^\x7f]"""
)  # ExternalCatalogUtils.escapePathName


def data_folder(files: Files, uri: str) -> str:
    """Return the folder that holds a table's files: a published one's pointer is followed."""
    pointer = f"{uri}/{POINTER}"
    if not files.exists(pointer):
        return uri
    return f"{uri}/{json.loads(files.read_text(pointer))['folder']}"


def check_files(spark: SparkSession, uris: list[str], table: Table) -> None:
    """Read every footer, on the cluster where there are many, and refuse what breaks the contract.

    Spark skips zero-byte files and fills missing columns with nulls, both silently.

    Raises:
        InputError: Each broken file by name with what is wrong, ten at most.
    """
    if len(uris) <= _FILES_PER_TASK:
        problems = list(_footer_problems(uris, table))
    else:
        slices = -(-len(uris) // _FILES_PER_TASK)
        distributed = spark.sparkContext.parallelize(uris, slices)
        problems = distributed.mapPartitions(lambda part: _footer_problems(part, table)).take(10)
    if problems:
        raise InputError("\n".join(problems[:10]))


def _footer_problems(uris: Any, table: Table) -> Iterator[str]:
    for uri in uris:
        filesystem, path = resolve(uri)
        try:
            schema = pq.read_schema(path, filesystem=filesystem)
        except (pa.ArrowInvalid, OSError) as error:
            reason = "is empty (zero bytes)" if "0 bytes" in str(error) else f"is broken: {error}"
            yield f"{uri}: Parquet file {reason}; restore it or run the job that writes it again"
            continue
        for difference in table.differences(_stored_schema(schema, uri, table), is_stored=True):
            yield f"{uri}: {difference} (contract of {table.name!r})"


def _stored_schema(schema: pa.Schema, uri: str, table: Table) -> StructType:
    """Return a file's schema in Spark's types, with the partition columns of its path."""
    stored = from_arrow_schema(schema)
    for stored_field in stored.fields:
        if isinstance(stored_field.dataType, TimestampNTZType):
            stored_field.dataType = TimestampType()  # INT96 has no zone; Spark reads it as UTC
    for column in table.columns:
        if column.name in table.partitioning and f"/{column.name}=" in uri:
            stored = StructType([*stored.fields, StructField(column.name, column.type)])
    return stored


def read(
    spark: SparkSession, files: Files, uri: str, table: Table
) -> tuple[DataFrame, tuple[str, ...]]:
    """Read a Parquet table with its contract's schema after checking each file; name its files."""
    folder = data_folder(files, uri)
    uris = [info.uri for info in files.walk(folder)]
    if not uris:
        raise InputError(f"{uri}: no Parquet files; run the job that writes {table.name!r}")
    check_files(spark, uris, table)
    return spark.read.schema(table.schema()).parquet(folder), tuple(uris)


def replace(
    files: Files,
    frame: DataFrame,
    uri: str,
    *,
    part: Mapping[str, str],
    partitioning: tuple[str, ...],
    metadata: Mapping[str, Any],
    options: Mapping[str, str] | None = None,
) -> None:
    """Write a table, or the part of it that a run owns, and move it into place when complete.

    `options` are those of Spark's Parquet writer.
    """
    with _replacing(files, uri, relative(part, partitioning), metadata) as temporary:
        write(frame, temporary, part=part, partitioning=partitioning, options=options)


def write(
    frame: DataFrame,
    folder: str,
    *,
    part: Mapping[str, str],
    partitioning: tuple[str, ...],
    options: Mapping[str, str] | None = None,
) -> None:
    """Write the rows of a table, or of a part of it, to a folder."""
    inner = [name for name in partitioning if name not in part]
    writer = frame.drop(*part).write.partitionBy(*inner).options(**dict(options or {}))
    writer.parquet(folder)


def replace_by_pieces(
    files: Files,
    pieces: PiecewiseTable,
    table: Table,
    uri: str,
    *,
    metadata: Mapping[str, Any],
    codec: str = "snappy",
) -> int:
    """Write a table by the tasks that make its pieces, and move it into place; return the rows."""
    with _replacing(files, uri, "", metadata) as temporary:
        written = fill_by_pieces(files, pieces, table, temporary, codec=codec)
    return sum(piece.rows for piece in written)


def replace_by_rows(
    files: Files,
    rows: Sequence[Sequence[Any]],
    table: Table,
    uri: str,
    *,
    part: Mapping[str, str],
    metadata: Mapping[str, Any],
    codec: str = "snappy",
) -> None:
    """Write a few rows that the driver has, without a Spark job, which takes 0.2 s."""
    with _replacing(files, uri, relative(part, table.partitioning), metadata) as temporary:
        make_folder(temporary)
        file = f"{temporary}/part-{uuid.uuid4().hex}.{codec}.parquet"
        write_file(rows, table, file, without=part, codec=codec)
        files.create(f"{temporary}/_SUCCESS", "")


def relative(part: Mapping[str, str], partitioning: Sequence[str]) -> str:
    """Return the path below a table of the folder of a part; empty for the whole table."""
    return "/".join(_folder(name, part[name]) for name in partitioning if name in part)


@contextmanager
def _replacing(files: Files, uri: str, inner: str, metadata: Mapping[str, Any]) -> Iterator[str]:
    """Yield a temporary folder, and put it in the target's place when the block has filled it.

    Raises:
        ConfigError: The target holds something else than a table.
    """
    temporary = new_folder(files, uri, inner)
    try:
        yield temporary
        install(files, temporary, uri, inner, metadata)
    finally:
        files.delete(temporary)


def new_folder(files: Files, uri: str, inner: str) -> str:
    """Return a name, unique to this attempt, of a folder beside a table, or beside a part of it.

    Raises:
        ConfigError: The table's place holds something else than a table.
    """
    target = f"{uri}/{inner}" if inner else uri
    refuse_foreign(files, target)
    parent, _, name = target.rpartition("/")
    return f"{parent or '.'}/.{name}.{uuid.uuid4().hex}"


def install(
    files: Files, temporary: str, uri: str, inner: str, metadata: Mapping[str, Any]
) -> None:
    """Put a complete folder in the place of a table, or of a part of it.

    Args:
        files: The session's files.
        temporary: What `new_folder` returned.
        uri: The table.
        inner: What `relative` returned for the part.
        metadata: Recorded with the files.
    """
    refuse_foreign(files, f"{uri}/{inner}" if inner else uri)
    recorded = {**metadata, _LISTING: _listing(files.walk(temporary))}
    files.create(f"{temporary}/{METADATA}", json.dumps(recorded))
    parent, _, name = uri.rpartition("/")
    swap(files, temporary, *((uri, inner) if inner else (parent or ".", name)))


def _folder(name: str, value: str) -> str:
    """Name a partition's folder as Spark does, which reads percent signs as escapes."""
    return f"{name}={_ESCAPED.sub(lambda match: f'%{ord(match[0]):02X}', value)}"


def metadata(files: Files, folder: str, infos: Sequence[FileInfo]) -> dict[str, Any]:
    """Return the metadata that the last write recorded with a table.

    Empty where another program wrote the table, or has added or removed files since.

    Args:
        files: The session's files.
        folder: Folder that `data_folder` returns.
        infos: The files below it.
    """
    place = f"{folder}/{METADATA}"
    if not files.exists(place):
        return {}
    recorded = dict(json.loads(files.read_text(place)))
    return recorded if recorded.pop(_LISTING, None) in {None, _listing(infos)} else {}


def _listing(infos: Sequence[FileInfo]) -> str:
    """Return a hash of the names and sizes of a table's files: a copy has the same."""
    return digest([(info.relative, info.size) for info in infos])


def publish(
    files: Files, frame: DataFrame, uri: str, *, version: str, metadata: Mapping[str, Any]
) -> None:
    """Write a whole version beside the current one, then point to it by one rename."""
    folder = f"version={version}"
    replace(files, frame, f"{uri}/{folder}", part={}, partitioning=(), metadata=metadata)
    files.replace_text(f"{uri}/{POINTER}", json.dumps({"folder": folder, **metadata}))
