"""The step of the tasks that read: documents judged and written, and what decisions need of them.

A task writes rows of `documents` and of `rejected_documents` as they will stay unless another
document has the same id or text, and a narrow file for the tasks that find that out.
"""

import pickle
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import TaskContext
from pyspark.sql.types import BinaryType, StructType

from pipelines.corpus.judging import Judge
from pipelines.corpus.line_rules import REMOVING
from pipelines.sources.notes import Broken, count_notes, without_broken
from pipelines.storage.task_files.gathered import GatheredFile, GatheredPieces
from pipelines.storage.task_files.pieces import Piece, PieceWriter
from schemas import DOCUMENTS, REJECTED_DOCUMENTS

NARROW = pa.schema(
    [
        ("task", pa.int32()),
        ("place", pa.int64()),
        ("is_sound", pa.bool_()),
        ("doc_id", pa.string()),
        ("source", pa.string()),
        ("position", pa.int64()),
        ("_content", pa.int64()),
        ("_other_content", pa.int64()),
    ]
)
"""All that decisions need of a document; its place is among the sound ones of the task that judged
it, or among the rejected ones."""
SAMPLES = 3
"""Rejected rows whose first reason a message shows."""


@dataclass
class Spill:
    """What a task tells of the documents that it has judged.

    Args:
        task: Its number.
        documents: Files of those that break no rule.
        rejected: Files of the others.
        narrow: File of `NARROW` rows; empty where there are none.
        size: Bytes of these rows in memory.
        records: Documents, as they were read.
        notes: Documents by note.
        reasons: Rejected documents by rule.
        removed_lines: Lines that line rules removed, by rule.
        samples: First reasons of some rejected documents: rule, value, threshold.
        broken: Source, size and error of files that broke off.
    """

    task: int = 0
    documents: list[Piece] = field(default_factory=list)
    rejected: list[Piece] = field(default_factory=list)
    narrow: str = ""
    size: int = 0
    records: int = 0
    notes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    removed_lines: Counter[str] = field(default_factory=Counter)
    samples: list[dict[str, str | None]] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)


@dataclass(frozen=True)
class Spiller:
    """Judges batches of records and writes them; it is sent to tasks.

    Args:
        judge: What judges them.
        documents: Writes pieces of `documents`, with the user's own columns.
        rejected: Writes pieces of `rejected_documents`.
        folder: Where narrow files are written.
    """

    judge: Judge
    documents: PieceWriter
    rejected: PieceWriter
    folder: str

    @property
    def spark_schema(self) -> StructType:
        """Schema of what it makes: one row per task, a pickled `Spill`."""
        return StructType().add("spill", BinaryType())

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Write the documents of a task, and tell of them."""
        yield pa.record_batch({"spill": pa.array([pickle.dumps(self.spill(batches))])})

    def spill(self, batches: Iterable[pa.RecordBatch]) -> Spill:
        """Judge and write batches of records."""
        context = TaskContext.get()
        told = Spill(task=context.partitionId() if context else 0)
        documents, rejected = GatheredPieces(self.documents), GatheredPieces(self.rejected)
        narrow, counts = GatheredFile(f"{self.folder}/narrow", ["source"]), Counter[bool]()
        for judged in self.judge(batches):
            _count(judged, told)
            records = without_broken(judged, told.broken, error="text")
            is_sound = pc.equal(pc.list_value_length(records["reasons"]), 0)
            sound, others = records.filter(is_sound), records.filter(pc.invert(is_sound))
            for is_kept, rows in ((True, sound), (False, others)):
                narrow.add(_narrow(rows, told.task, counts[is_kept], is_sound=is_kept))
                counts[is_kept] += len(rows)
            documents.add(sound.select([*DOCUMENTS.column_names, *self.judge.own]))
            rejected.add(others.select(REJECTED_DOCUMENTS.column_names))
            _tell_reasons(others["reasons"], told)
        told.documents, told.rejected = documents.close(), rejected.close()
        told.narrow, told.size = narrow.close(), narrow.size
        told.records = counts.total()
        return told


def _narrow(rows: pa.RecordBatch, task: int, first: int, *, is_sound: bool) -> pa.RecordBatch:
    """Return `NARROW` rows, which are numbered from `first`."""
    count = len(rows)
    made: dict[str, Any] = {
        "task": pa.repeat(pa.scalar(task, pa.int32()), count),
        "place": pa.array(np.arange(first, first + count)),
        "is_sound": pa.repeat(is_sound, count),
    }
    columns = [made[name] if name in made else rows[name] for name in NARROW.names]
    return pa.RecordBatch.from_arrays(columns, schema=NARROW)


def _count(judged: pa.RecordBatch, told: Spill) -> None:
    removed = judged["_removed_lines"][0].as_py()  # of the batch, in its first row
    told.removed_lines.update(dict(zip(REMOVING, removed, strict=True)))
    told.notes += count_notes(judged["notes"])


def _tell_reasons(reasons: pa.ListArray, told: Spill) -> None:
    for each in pc.value_counts(reasons.flatten().field("rule")).to_pylist():
        told.reasons[each["values"]] += each["counts"]
    missing = SAMPLES - len(told.samples)
    told.samples += [each[0] for each in reasons.slice(0, missing).to_pylist()]
