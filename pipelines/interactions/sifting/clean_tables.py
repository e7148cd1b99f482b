"""Cleaning events by one task after the records were sifted, and staging what it made."""

import pickle
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from pipelines.cluster.one_task import in_one_task
from pipelines.interactions.cleaning import judge_events
from pipelines.interactions.config import EventSettings
from pipelines.interactions.layouts import MARGIN, Choice, Work, choose, fitted
from pipelines.interactions.parsing import event_fields
from pipelines.interactions.sifting.cleaning import Cleaned, PackedCleaning
from pipelines.interactions.sifting.held import JUDGED
from pipelines.interactions.sifting.sieve import OF_REFUSED, Sieve, Sifted
from pipelines.results import JobResult
from pipelines.sources.names import BROKEN_FILE, NOTES
from pipelines.sources.notes import note_lines
from pipelines.sources.records import read_records
from pipelines.sources.request import Request
from pipelines.storage.places import locate
from pipelines.table_store import TableStore
from schemas import EVENTS, REJECTED_EVENTS, REJECTED_FILES
from schemas.corpus import REASONS

_RECORD = 200  # bytes per record: columns of numbers, the rows that are written
_COPIES = 2  # of the texts


@dataclass(frozen=True)
class SiftedInput:
    """What the reading tasks have written.

    Args:
        request: What was asked of the files.
        folder: Where they lie.
        tasks: What each task told, in the order of the input.
    """

    request: Request
    folder: str
    tasks: tuple[Sifted, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Counts as `records.count_records` returns them."""
        notes: Counter[str] = sum((task.notes for task in self.tasks), Counter())
        found = {name: notes[name] for name in NOTES}
        found["event_id"] = sum(task.with_id for task in self.tasks)
        found["records"] = sum(task.records for task in self.tasks)
        return found | {"broken": sum(len(task.broken) for task in self.tasks)}

    @property
    def work(self) -> Work:
        """What one task would hold."""
        size = sum(task.size for task in self.tasks)
        rows = sum(task.records for task in self.tasks)
        return Work(rows, MARGIN + _RECORD * rows + _COPIES * size)

    def records(self, spark: SparkSession, *, only_others: bool = False) -> DataFrame:
        """Return the records, or those that are not plainly sound, as Spark reads them."""
        files = [*([] if only_others else self.sound), *self.others]
        schema = from_arrow_schema(self.request.schema)
        if not files:
            return spark.createDataFrame([], schema)
        return spark.read.schema(schema).parquet(*files)

    def broken_files(self, spark: SparkSession) -> DataFrame:
        """Return the files that broke off, as rows of `rejected_files`."""
        rows = [
            (source, size, [(BROKEN_FILE, error, "to its end")])
            for task in self.tasks
            for source, size, error in task.broken
        ]  # one per file
        return spark.createDataFrame(rows, REJECTED_FILES.schema())

    @property
    def sound(self) -> list[str]:
        """Files of the plainly sound records."""
        return [task.sound for task in self.tasks if task.sound]

    @property
    def others(self) -> list[str]:
        """Files of the other records."""
        return [task.others for task in self.tasks if task.others]


def sift(
    store: TableStore, uris: str | list[str], settings: EventSettings
) -> tuple[SiftedInput | None, Choice]:
    """Read raw events, write them to files of a folder, and choose the layout.

    Returns:
        What was written, None where tasks cannot write files; and the layout.

    Raises:
        ConfigError: See `layouts.choose`.
        InputError: See `read_records`.
    """
    request = Request(tuple(event_fields(settings)), settings)
    outputs = (EVENTS.with_own(own_names(request)), REJECTED_EVENTS)
    choice = choose(store, settings.layout, outputs)
    folder = store.scratch.folder(locate(store.spark, store.output(EVENTS.name)))
    if folder is None:
        return None, choice
    step = Sieve(settings, folder)
    read = read_records(store.spark, uris, request.fields, settings, step)
    store.input_versions["events"] = read.version
    rows = read.frame.collect()  # one per task
    tasks = tuple(pickle.loads(row[0]) for row in rows)  # noqa: S301  (our own tasks wrote it)
    sifted = SiftedInput(request, folder, tasks)
    return sifted, fitted(store, choice, settings.layout, sifted.work)


def own_names(request: Request) -> tuple[str, ...]:
    """Return the names of the user's own columns."""
    return tuple(f.name for f in request.fields if f.setting == "keep_columns")


def clean_tables(
    store: TableStore, sifted: SiftedInput, choice: Choice, settings: EventSettings
) -> tuple[JobResult, DataFrame]:
    """Clean sifted records in one task, and stage the tables.

    Returns:
        The result, and some rejected rows for messages.
    """
    counts, own, schema = sifted.counts, own_names(sifted.request), sifted.request.schema
    for name in OF_REFUSED:
        schema = schema.remove(schema.get_field_index(name))
    others = tuple(_judge_others(store, sifted, settings))
    has_ids = counts["event_id"] > 0
    work = PackedCleaning(
        sifted.sound, others, schema, own, choice.writers, settings, has_ids=has_ids
    )
    found: Cleaned = in_one_task(store.spark, work)
    result = JobResult(
        rows_in={"events": counts["records"]}, rejected=found.reasons, lines=note_lines(counts)
    )
    result.measures |= found.span
    for table in (EVENTS.with_own(own), REJECTED_EVENTS):
        pieces = store.scratch.pieces(choice.writers[table.name], found.pieces[table.name])
        result.rows_out[table.name], _ = store.stage_pieces(pieces, table)
    files = sifted.broken_files(store.spark)
    rows = store.stage(files, REJECTED_FILES, is_empty=not counts["broken"])
    result.rows_out[REJECTED_FILES.name] = rows
    samples = [([tuple(reason.values())],) for reason in found.samples]
    shown = StructType().add("reasons", REASONS)
    return result, store.spark.createDataFrame(samples, shown)


def _judge_others(store: TableStore, sifted: SiftedInput, settings: EventSettings) -> Iterator[str]:
    """Let Spark judge the records that are not plainly sound, and name the files it writes."""
    if not sifted.others:
        return
    folder = f"{sifted.folder}/judged"
    judged = judge_events(sifted.records(store.spark, only_others=True), settings)
    judged = judged.withColumn("record", F.coalesce("record", F.to_json("_fields")))
    moment = F.col("time").cast("timestamp").alias("time")
    columns = [
        moment if name == "time" else F.col(f"`{name}`")
        for name in [*JUDGED.names, *own_names(sifted.request)]
    ]
    judged.select(columns).write.option("compression", "lz4").parquet(folder)
    for info in store.files.walk(folder):
        if info.relative.endswith(".parquet"):
            yield info.uri
