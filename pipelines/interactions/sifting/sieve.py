"""The step of the tasks that read: plainly sound records to one file, all others to a second."""

import pickle
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql.types import BinaryType, StructType

from pipelines.interactions.config import EventColumns, EventSettings
from pipelines.interactions.times import micros_of
from pipelines.sources.notes import Broken, count_notes, without_broken
from pipelines.sources.values.text_values import only_finite
from pipelines.storage.task_files.gathered import GatheredFile

_BLANK = 0x20  # what begins with a byte above it is not blank
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$"
ENCODED = ("source", "user", "item", "event_type")
"""Columns of strings that repeat."""
OF_REFUSED = ("record", "problem", "notes")
"""Columns that the file of sound records lacks."""


@dataclass
class Sifted:
    """What a task tells of the records it has read.

    Args:
        sound: File of the records that are plainly sound; empty where there are none.
        others: File of the others, but for files that broke off.
        records: Records of both files.
        size: Bytes of all records in memory.
        with_id: Records that brought an id.
        notes: Records by note.
        broken: Source, size and error of files that broke off.
    """

    sound: str = ""
    others: str = ""
    records: int = 0
    size: int = 0
    with_id: int = 0
    notes: Counter[str] = field(default_factory=Counter)
    broken: list[Broken] = field(default_factory=list)


@dataclass(frozen=True)
class Sieve:
    """Sifts batches of records; it is sent to tasks.

    Args:
        settings: Bounds and allowed types.
        folder: Where tasks write their files.
    """

    settings: EventSettings
    folder: str

    @property
    def spark_schema(self) -> StructType:
        """Schema of what it makes: one row per task, a pickled `Sifted`."""
        return StructType().add("sifted", BinaryType())

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Write the records of a task to two files, and tell of them."""
        told = Sifted()
        sound = GatheredFile(f"{self.folder}/sound", ENCODED)
        others = GatheredFile(f"{self.folder}/others", ENCODED)
        for given in batches:
            batch = without_broken(given, told.broken)
            told.records += len(batch)
            told.notes += count_notes(batch["notes"])
            if "event_id" in batch.schema.names:
                told.with_id += len(batch) - batch["event_id"].null_count
            batch, is_sound = self.sift(batch)
            chosen = batch.drop_columns(list(OF_REFUSED))
            sound.add(chosen if is_sound.all() else chosen.filter(pa.array(is_sound)))
            if not is_sound.all():
                others.add(batch.filter(pa.array(~is_sound)))
        told.sound, told.others = sound.close(), others.close()
        told.size = sound.size + others.size
        yield pa.record_batch({"sifted": pa.array([pickle.dumps(told)], pa.binary())})

    def sift(self, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, NDArray[np.bool_]]:
        """Tell which records are sound beyond doubt; return the batch with all numbers read.

        What is not may still be sound: its time may be written in a way that Spark reads.
        """
        settings, names = self.settings, batch.schema.names
        is_sound = _is_null(batch["problem"]) & _is_null(batch["record"])
        for name in ("user", "item"):
            is_sound &= _begins_well(batch[name])
        for name in {"event_type", "event_id"} & set(names):
            is_sound &= _begins_well(batch[name]) | _is_null(batch[name])
        if "time" in names:
            bounds = settings.earliest_time, settings.latest_time
            low, high = (None if each is None else micros_of(each) for each in bounds)
            is_sound &= _is_within(batch["time_micros"], low, high)
        if "value" in names:
            batch = _with_numbers(batch)
            is_read = _is_null(batch["value"]) | pc.equal(batch["value"], "").fill_null(False)
            is_none = np.asarray(is_read) & _is_null(batch["value_number"])
            numbers = batch["value_number"]
            is_sound &= is_none | _is_within(numbers, settings.min_value, settings.max_value)
        if settings.event_types:
            is_sound &= self._is_of_type(batch)
        return batch, is_sound

    def _is_of_type(self, batch: pa.RecordBatch) -> NDArray[np.bool_]:
        kinds = pa.repeat(self.settings.default_event_type, len(batch))
        if "event_type" in batch.schema.names:
            kinds = pc.coalesce(batch["event_type"], kinds)
        return _flags(pc.is_in(kinds, pa.array(self.settings.event_types)))


def _flags(array: Any) -> NDArray[np.bool_]:
    return np.asarray(pc.fill_null(array, False).to_numpy(zero_copy_only=False), bool)


def _is_null(array: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(array.is_null().to_numpy(zero_copy_only=False))


def _begins_well(texts: pa.Array) -> NDArray[np.bool_]:
    """Tell which texts begin with a byte that is no white space and no control character."""
    rows, (_, offsets, data) = len(texts), texts.buffers()
    if not rows or data is None or not data.size:
        return np.zeros(rows, bool)
    ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + rows + 1]
    firsts = np.frombuffer(data, np.uint8)[np.minimum(ends[:-1], data.size - 1)]
    return np.asarray((firsts > _BLANK) & (np.diff(ends) > 0) & ~_is_null(texts))


def _is_within(values: pa.Array, low: float | None, high: float | None) -> NDArray[np.bool_]:
    """Tell which values are there and within the bounds."""
    found = ~_is_null(values)
    if low is not None:
        found &= _flags(pc.greater_equal(values, low))
    if high is not None:
        found &= _flags(pc.less_equal(values, high))
    return found


def _with_numbers(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Read plain numbers where one of the batch is none: then the reader has read none of them."""
    texts, numbers = batch["value"], batch["value_number"]
    if not np.any(~_is_null(texts) & _is_null(numbers)):
        return batch
    is_plain = pc.match_substring_regex(texts, _NUMBER)
    read = only_finite(pc.if_else(is_plain, texts, None).cast(pa.float64()))
    place = batch.schema.get_field_index("value_number")
    return batch.set_column(place, batch.schema.field(place), pc.coalesce(numbers, read))


def raw_fields(columns: Iterable[str]) -> list[str]:
    """Return the columns of raw records that an event consists of, in the order of a record."""
    return [name for name in EventColumns.model_fields if name in columns]
