"""Records of raw files as the columns that a job asked for, read in parallel by Python tasks."""

import lzma
import pickle
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from pipelines.errors import InputError
from pipelines.sources.columns import require_columns
from pipelines.sources.config import SourceSettings
from pipelines.sources.delta_tables import delta_records, live_files
from pipelines.sources.files import (
    common_format,
    find_files,
    gather,
    is_delta,
    is_large,
    whole_split,
)
from pipelines.sources.formats.registry import format_named
from pipelines.sources.names import BROKEN_FILE, NOTES
from pipelines.sources.notes import Broken
from pipelines.sources.request import Field, Request
from pipelines.sources.split import Split
from pipelines.sources.streams.opening import BREAKS
from pipelines.sources.values.completing import broken, completed
from pipelines.storage.digests import digest
from schemas import REJECTED_FILES
from schemas.corpus import REASONS

_BREAKS = (*BREAKS, zlib.error, lzma.LZMAError)  # formats of other packages may raise the last two


class Step(Protocol):
    """What tasks make of records, a batch at a time; it is pickled."""

    @property
    def spark_schema(self) -> StructType:
        """Schema of what it makes."""

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Make batches of that schema from batches of `Request.schema`."""


@dataclass(frozen=True)
class Records:
    """Raw records of an input.

    Args:
        frame: One row per record: the columns of `Request.schema`, or what a `Step` made of them.
        format: Format of the files; `delta` for a Delta table.
        version: Version of the input: names, sizes and times of its files, or of a table's commit.
    """

    frame: DataFrame
    format: str
    version: str


def read_records(
    spark: SparkSession,
    uris: str | Sequence[str],
    fields: Sequence[Field],
    settings: SourceSettings,
    then: Step | None = None,
) -> Records:
    """Read the records of files, of all files in folders, or of a Delta table.

    A file that breaks off ends the job (`bad_files: fail`), or is a record whose problem is
    `readable_file` (`reject`); the records before the break are kept.

    Args:
        spark: The session.
        uris: Files, folders, or one Delta table.
        fields: Columns of the records.
        settings: How files are read.
        then: What the tasks that read make of the records, instead of handing them on.

    Raises:
        InputError: Nothing is there, a file is empty or of another format, or no record has a
            column that is required.
    """
    uris, request = (
        [uris] if isinstance(uris, str) else list(uris),
        Request(tuple(fields), settings),
    )
    if is_delta(spark, uris):
        live = live_files(spark, uris[0])
        if live.splits is None:
            frame = delta_records(spark, uris[0], request)
            frame = frame if then is None else frame.mapInArrow(then, then.spark_schema)
            return Records(frame, "delta", live.version)
        return Records(_frame(spark, live.splits, "parquet", request, then), "delta", live.version)
    found = find_files(spark, uris, settings)
    kind = common_format(found, settings)
    version = digest([(info.relative, info.size, info.modified) for info in found])
    wholes = [whole_split(info) for info in found]
    return Records(_frame(spark, wholes, kind, request, then), kind, version)


def _frame(
    spark: SparkSession, wholes: list[Split], kind: str, request: Request, then: Step | None
) -> DataFrame:
    require_columns(spark, wholes, kind, request)
    parts = _cut(spark, wholes, kind, request)
    tasks = gather(parts, spark.sparkContext.defaultParallelism)
    rows = [(pickle.dumps(task),) for task in tasks]
    distributed = spark.sparkContext.parallelize(rows, max(1, len(rows)))
    schema = from_arrow_schema(request.schema) if then is None else then.spark_schema

    def records(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for task in batch.column(0).to_pylist():
                for split in pickle.loads(task):  # noqa: S301  (our own driver wrote it)
                    yield from read_split(split, kind, request)

    def read(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from records(batches) if then is None else then(records(batches))

    return spark.createDataFrame(distributed, "splits binary").mapInArrow(read, schema)


def _cut(spark: SparkSession, wholes: list[Split], kind: str, request: Request) -> list[Split]:
    """Cut large files, each in a task, as that may take a look at the whole file."""
    large = [split for split in wholes if is_large(split)]
    if not large:
        return wholes
    distributed = spark.sparkContext.parallelize(large, len(large))
    # one row per split: the driver's own list of tasks
    parts = dict(distributed.map(lambda whole: (whole.uri, _parts(whole, kind, request))).collect())
    return [part for whole in wholes for part in parts.get(whole.uri, [whole])]


def _parts(whole: Split, kind: str, request: Request) -> list[Split]:
    try:
        return list(format_named(kind).split(whole, request))
    except _BREAKS:  # told when it is read
        return [whole]


def read_split(split: Split, kind: str, request: Request) -> Iterator[pa.RecordBatch]:
    """Read the records of a part of a file, completed to the columns that are asked for.

    Raises:
        InputError: The file breaks off and `bad_files` is `fail`.
    """
    try:
        for batch in format_named(kind).read(split, request):
            if len(batch):
                yield completed(batch, split, request)
    except _BREAKS as error:
        if request.settings.bad_files == "fail":
            reason = " ".join(str(error).split())  # a message has one line
            raise InputError(
                f"{split.uri}: cannot be read to its end, it is truncated or broken ({reason}); "
                "restore it, or set bad_files: reject"
            ) from error
        yield broken(split, request, error)


def sound_records(records: DataFrame) -> DataFrame:
    """Return the records that are records: not the note that a file broke off."""
    return records.where(F.coalesce("problem", F.lit("")) != BROKEN_FILE)


def count_records(records: DataFrame, *columns: str) -> dict[str, int]:
    """Count `records`, `broken` files, each note, and the records that brought some columns.

    A column that the input does not have counts 0.
    """
    is_sound = F.coalesce("problem", F.lit("")) != BROKEN_FILE
    counts = {
        name: F.count_if(is_sound & F.col(name).isNotNull())
        if name in records.columns
        else F.lit(0)
        for name in columns
    }
    notes = F.split("notes", " ")
    counts |= {name: F.count_if(F.array_contains(notes, name)) for name in NOTES}
    counts |= {"records": F.count_if(is_sound), "broken": F.count_if(~is_sound)}
    counted = records.agg(*(count.alias(name) for name, count in counts.items())).collect()
    return {name: int(count) for name, count in counted[0].asDict().items()}


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


def broken_rows(spark: SparkSession, broken: Iterable[Broken]) -> DataFrame:
    """Return files that broke off, which tasks have told of, as rows of `rejected_files`."""
    rows = [(path, size, [(BROKEN_FILE, error, "to its end")]) for path, size, error in broken]
    return spark.createDataFrame(rows, REJECTED_FILES.schema())
