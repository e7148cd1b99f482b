"""Raw events as the reading tasks have sifted them, and the layout that follows from their size."""

import pickle
from collections import Counter
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from pipelines.interactions.config import EventSettings
from pipelines.interactions.layouts import MARGIN, Choice, Work, choose, fitted
from pipelines.interactions.parsing import event_fields
from pipelines.interactions.sifting.sieve import OF_REFUSED, Sieve, Sifted
from pipelines.sources.names import NOTES
from pipelines.sources.records import broken_rows, read_records
from pipelines.sources.request import Request
from pipelines.storage.places import locate
from pipelines.table_store import TableStore
from schemas import EVENTS, REJECTED_EVENTS

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
        return broken_rows(spark, (file for task in self.tasks for file in task.broken))

    @property
    def schema(self) -> pa.Schema:
        """Columns of the plainly sound records."""
        schema = self.request.schema
        for name in OF_REFUSED:
            schema = schema.remove(schema.get_field_index(name))
        return schema

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
