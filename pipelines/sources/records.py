"""Records of raw files with the place each came from, read in parallel and counted exactly."""

import csv
import io
import json
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.errors import InputError
from pipelines.sources.files import Format, Split, compression_of, list_files, plan_tasks
from pipelines.storage.arrow import resolve
from pipelines.storage.digests import digest
from pipelines.storage.hadoop import FileInfo
from pipelines.tables import fresh
from schemas import REJECTED_FILES
from schemas.corpus import REASONS

SCHEMA = "source string, position bigint, record string, problem string"
"""`record` is the text, or the record as JSON; `problem` is the rule it already broke, or null."""

BROKEN_FILE = "readable_file"
_BATCH_BYTES = 4 << 20
_READ_BYTES = 64 << 10  # what a file that breaks off may lose before the break
_ARROW = pa.schema(
    [
        ("source", pa.string()),
        ("position", pa.int64()),
        ("record", pa.string()),
        ("problem", pa.string()),
    ]
)
Row = tuple[str, int, str | None, str | None]


def read_records(
    spark: SparkSession,
    uri: str,
    *,
    file_format: Format | None,
    bad_files: Literal["fail", "reject"],
    is_whole_file: bool = False,
) -> tuple[DataFrame, Format, str]:
    """Read the records of a file or of every file in a folder.

    Args:
        spark: The session.
        uri: File or folder; files may be gz, bz2 or zst.
        file_format: None tells it by the files' endings.
        bad_files: A file that breaks off ends the job (`fail`), or is listed by a record whose
            problem is `readable_file` (`reject`); records before the break are kept.
        is_whole_file: A text file is one record in place of one per line.

    Returns:
        Frame of `SCHEMA`, the format, and the version of the input (names, sizes, times).

    Raises:
        InputError: Nothing is there, or a file is empty or of another format.
    """
    kind, found = list_files(spark, uri, file_format=file_format)
    version = digest([(info.relative, info.size, info.modified) for info in found])
    if kind == "parquet":
        return fresh(_parquet_records(spark, found)), kind, version
    tasks = plan_tasks(
        found, is_splittable=kind == "jsonl" or (kind == "text" and not is_whole_file)
    )
    rows = [
        (json.dumps([[s.uri, s.relative, s.start, s.end, s.size] for s in task]),) for task in tasks
    ]
    distributed = spark.sparkContext.parallelize(rows, len(rows))
    splits = spark.createDataFrame(distributed, "splits string")
    mode = "file" if kind == "text" and is_whole_file else kind

    def read(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for text in batch.column(0).to_pylist():
                yield from _batches(
                    _task_rows([Split(*s) for s in json.loads(text)], mode, bad_files)
                )

    return splits.mapInArrow(read, SCHEMA), kind, version


def frame_records(frame: DataFrame) -> DataFrame:
    """Return the rows of any frame as records: each a JSON object of its columns.

    Returns:
        Frame of `SCHEMA`; the position is the row's place in the frame as it is partitioned now.
    """
    return frame.select(
        F.lit("frame").alias("source"),
        F.monotonically_increasing_id().alias("position"),
        _as_json(frame).alias("record"),
        F.lit(None).cast("string").alias("problem"),
    )


def _as_json(frame: DataFrame) -> Column:
    return F.to_json(F.struct(*(f"`{name}`" for name in frame.columns)))


def sound_records(records: DataFrame) -> DataFrame:
    """Return the records that are records: not the note that a file broke off."""
    return records.where(F.coalesce("problem", F.lit("")) != BROKEN_FILE)


def broken_files(records: DataFrame) -> DataFrame:
    """Return the files that broke off, as rows of `rejected_files`."""
    reason = F.struct(
        F.lit(BROKEN_FILE).alias("rule"),
        F.col("record").alias("value"),
        F.lit("to its end").alias("threshold"),
    )
    return (
        records.where(F.col("problem") == BROKEN_FILE)
        .select(
            F.col("source").alias("path"),
            F.col("position").alias("size"),
            F.array(reason).cast(REASONS).alias("reasons"),
        )
        .select(REJECTED_FILES.column_names)
    )


def _parquet_records(spark: SparkSession, found: list[FileInfo]) -> DataFrame:
    frame = spark.read.option("mergeSchema", "true").parquet(*(info.uri for info in found))
    folder = found[0].uri.removesuffix(found[0].relative)
    # the path is percent-encoded, but a plus sign in it is one
    path = F.url_decode(F.replace("_metadata.file_path", F.lit("+"), F.lit("%2B")))
    return frame.select(
        path.substr(len(folder) + 1, 1 << 20).alias("source"),
        F.col("_metadata.row_index").alias("position"),
        _as_json(frame).alias("record"),
        F.lit(None).cast("string").alias("problem"),
    )


def _task_rows(splits: list[Split], mode: str, bad_files: str) -> Iterator[Row]:
    for split in splits:
        try:
            with _open(split) as stream:
                yield from _READERS[mode](split, stream)
        except (OSError, EOFError, pa.ArrowInvalid, csv.Error) as error:
            if bad_files == "fail":
                raise InputError(
                    f"{split.uri}: cannot be read to its end, it is truncated or "
                    f"broken ({error}); restore it, or set bad_files: reject"
                ) from error
            yield split.relative, split.size, str(error), BROKEN_FILE


def _open(split: Split) -> Any:
    filesystem, path = resolve(split.uri)
    compression = compression_of(split.relative)
    if compression:
        stream = filesystem.open_input_stream(path, compression=compression, buffer_size=1 << 20)
    else:
        stream = filesystem.open_input_file(path)
        stream.seek(max(0, split.start - 1))
    return io.BufferedReader(stream, _READ_BYTES)


def _whole_file(split: Split, stream: Any) -> Iterator[Row]:
    yield _decoded(split.relative, 0, stream.read().removeprefix(BOM_UTF8))


def _lines(split: Split, stream: Any) -> Iterator[Row]:
    position = split.start
    if split.start > 0:  # the line that crosses the edge belongs to the split before
        position += len(stream.readline()) - 1
    for line in stream:
        if split.end is not None and position >= split.end:
            return
        record = line.rstrip(b"\r\n")
        if position == 0:
            record = record.removeprefix(BOM_UTF8)
        if record.strip():
            yield _decoded(split.relative, position, record)
        position += len(line)


def _csv_rows(split: Split, stream: Any) -> Iterator[Row]:
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
    csv.field_size_limit(1 << 30)  # the default of 128 KiB refuses long texts
    sample = text.readline()
    delimiter = max(",;\t|", key=sample.count)
    header = next(csv.reader([sample], delimiter=delimiter))
    for number, row in enumerate(csv.reader(text, delimiter=delimiter, strict=True)):
        if not row:
            continue
        problem = None if len(row) == len(header) else "column_count"
        record = json.dumps(
            dict(zip(header, row, strict=False)) if problem is None else row, ensure_ascii=False
        )
        if problem is None and any("\udc80" <= c <= "\udcff" for c in record):
            problem = "valid_utf8"
        clean = record.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        yield split.relative, number, clean, problem


def _decoded(source: str, position: int, data: bytes) -> Row:
    try:
        return source, position, data.decode("utf-8"), None
    except UnicodeDecodeError:
        return source, position, data.decode("utf-8", "replace"), "valid_utf8"


_READERS = {"file": _whole_file, "text": _lines, "jsonl": _lines, "csv": _csv_rows}


def _batches(rows: Iterator[Row]) -> Iterator[pa.RecordBatch]:
    gathered: list[Row] = []
    size = 0
    for row in rows:
        gathered.append(row)
        size += 64 + len(row[2] or "")
        if size >= _BATCH_BYTES:
            yield _batch(gathered)
            gathered, size = [], 0
    if gathered:
        yield _batch(gathered)


def _batch(rows: list[Row]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    return pa.RecordBatch.from_arrays(
        [pa.array(column, field.type) for column, field in zip(columns, _ARROW, strict=True)],
        schema=_ARROW,
    )
