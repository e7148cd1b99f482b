"""What the tasks that read have judged and written, as the driver knows it."""

import pickle
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema

from pipelines.corpus import deciding
from pipelines.corpus.by_tasks.spilling import NARROW, Spill, Spiller
from pipelines.corpus.cleaning import document_fields, judge_of
from pipelines.corpus.config import CleaningSettings
from pipelines.corpus.line_rules import REMOVING
from pipelines.sources.records import broken_rows, read_records
from pipelines.sources.request import Request
from pipelines.storage.places import locate
from pipelines.storage.task_files.pieces import PieceWriter
from pipelines.table_store import TableStore
from schemas import DOCUMENTS, DUPLICATE_DOCUMENTS, REJECTED_DOCUMENTS


@dataclass(frozen=True)
class Spilled:
    """Documents that are judged and written, before any is lost to another.

    Args:
        store: The tables of the run.
        spills: What each task told, in the order of the input.
        writers: What writes `documents`, `rejected_documents` and `duplicate_documents`, by name.
        folder: Where tasks write for each other.
    """

    store: TableStore
    spills: tuple[Spill, ...]
    writers: Mapping[str, PieceWriter]
    folder: str

    @property
    def told(self) -> deciding.Told:
        """What the tasks told, together."""
        notes: Counter[str] = sum((each.notes for each in self.spills), Counter())
        reasons: Counter[str] = sum((each.reasons for each in self.spills), Counter())
        removed: Counter[str] = sum((each.removed_lines for each in self.spills), Counter())
        return deciding.Told(
            records=sum(each.records for each in self.spills),
            broken=sum(len(each.broken) for each in self.spills),
            notes={name: notes[name] for name in deciding.ALL_NOTES},
            reasons=dict(reasons),
            rejected=sum(piece.rows for each in self.spills for piece in each.rejected),
            removed_lines={name: removed[name] for name in REMOVING},
        )

    @property
    def narrow(self) -> list[str]:
        """Files of narrow rows."""
        return [each.narrow for each in self.spills if each.narrow]

    @property
    def narrow_bytes(self) -> int:
        """Bytes of narrow rows in memory."""
        return sum(each.size for each in self.spills)

    def narrow_rows(self) -> DataFrame:
        """Return narrow rows as Spark reads them."""
        schema = from_arrow_schema(NARROW)
        return self.store.spark.read.schema(schema).parquet(*self.narrow)

    def broken_files(self) -> DataFrame:
        """Return the files that broke off, as rows of `rejected_files`."""
        broken = (file for each in self.spills for file in each.broken)
        return broken_rows(self.store.spark, broken)


def spill(store: TableStore, uris: str | list[str], settings: CleaningSettings) -> Spilled | None:
    """Read raw text, judge each record and write it, in the task that reads it.

    Returns:
        What was written; None where tasks cannot write files of the tables.

    Raises:
        ConfigError: See `judge_of`.
        InputError: See `read_records`.
    """
    fields = document_fields(settings)
    judge = judge_of(settings, Request(tuple(fields), settings).schema.names)
    tables = (DOCUMENTS.with_own(judge.own), REJECTED_DOCUMENTS, DUPLICATE_DOCUMENTS)
    places = [locate(store.spark, store.output(table.name)) for table in tables]
    folder = store.scratch.folder(places[0])
    found = [
        store.scratch.writer(place, table) for place, table in zip(places, tables, strict=True)
    ]
    writers = {each.table.name: each for each in found if each}
    if folder is None or len(writers) < len(tables):
        return None
    step = Spiller(judge, writers[DOCUMENTS.name], writers[REJECTED_DOCUMENTS.name], folder)
    read = read_records(store.spark, uris, fields, settings, step)
    store.input_versions["corpus"] = read.version
    rows = read.frame.collect()  # one per task
    spills = tuple(pickle.loads(row[0]) for row in rows)  # noqa: S301  (our own tasks wrote it)
    return Spilled(store, spills, writers, folder)
