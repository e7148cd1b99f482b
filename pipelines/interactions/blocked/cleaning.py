"""Cleaning by buckets of users: the records are dealt, then each bucket is cleaned by one task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.arrays.chunks import taken, whole
from pipelines.interactions.blocked.hashing import buckets_of_keys, buckets_of_texts
from pipelines.interactions.config import EventSettings
from pipelines.interactions.packed.keys import CODES, keys_of
from pipelines.interactions.sifting.cleaning import Cleaned, write_cleaned
from pipelines.interactions.sifting.deciding import repeated_ids
from pipelines.interactions.sifting.held import Held, encoded, hold, judged_schema
from pipelines.interactions.sifting.place_ids import place_ids
from pipelines.storage.task_files.buckets import BucketFile, Buckets, read_batches, read_bucket
from pipelines.storage.task_files.pieces import PieceWriter

_PLACES = pa.schema([("source", CODES), ("position", pa.int64())])
_BEARERS = pa.schema(
    [("event_id", pa.string()), ("is_sound", pa.bool_()), *_PLACES, ("bucket", pa.uint16())]
)


@dataclass(frozen=True)
class Dealt:
    """What a task that deals has written; empty names where there are no rows.

    Args:
        records: File of the records by the bucket of their user.
        bearers: File of their ids and places by the bucket of the id.
    """

    records: str
    bearers: str


@dataclass(frozen=True)
class Dealing:
    """Deals the records of some files by user, and their ids by id; it is sent to tasks.

    Args:
        sound: Files of the plainly sound records; each is the work of one task.
        judged: Files of the others, as Spark has judged them; likewise.
        schema: Columns of the sound records.
        own: The user's own columns.
        folder: Where tasks write.
        buckets: Number of buckets.
        has_ids: Whether any record of the input brought an id.
    """

    sound: Sequence[str]
    judged: Sequence[str]
    schema: pa.Schema
    own: tuple[str, ...]
    folder: str
    buckets: int
    has_ids: bool

    def __call__(self, number: int) -> Dealt:
        """Deal the records of a file; those of `judged` follow those of `sound`."""
        is_sound = number < len(self.sound)
        file = [*self.sound, *self.judged][number]
        schema = encoded(self.schema) if is_sound else judged_schema(self.own)
        records, bearers = BucketFile(f"{self.folder}/dealt"), BucketFile(f"{self.folder}/bearers")
        for batch in read_batches(file, schema):
            rows = pa.Table.from_batches([batch])
            buckets = buckets_of_keys(batch["user"], self.buckets)
            records.add(rows, buckets)
            if self.has_ids:
                ids = whole(place_ids(rows, 1))
                bearers.add(_bearers(rows, ids, buckets), buckets_of_texts(ids, self.buckets))
        return Dealt(records.close(), bearers.close())


def _bearers(rows: pa.Table, ids: pa.Array, buckets: Buckets) -> pa.Table:
    """Return rows of `_BEARERS`; judged records are sound that have no reasons."""
    is_sound = pa.repeat(True, rows.num_rows)
    if "reasons" in rows.schema.names:
        is_sound = whole(pc.equal(pc.list_value_length(rows["reasons"]), 0))
    places = [whole(rows[name]) for name in _PLACES.names]
    return pa.table([ids, is_sound, *places, pa.array(buckets)], schema=_BEARERS)


@dataclass(frozen=True)
class FindingRepeated:
    """Finds the records whose ids others bear, a bucket of ids at a time; it is sent to tasks.

    Args:
        files: Files of bearers.
        folder: Where tasks write.
    """

    files: Sequence[str]
    folder: str

    def __call__(self, bucket: int) -> str:
        """Write the places of such records by the bucket of their user; return the file."""
        rows = read_bucket(self.files, bucket, _BEARERS)
        is_sound = rows["is_sound"].to_numpy().astype(bool)
        sources, positions = keys_of(rows["source"]).codes, rows["position"].to_numpy()
        lost = np.sort(repeated_ids(rows["event_id"], is_sound, sources, positions))
        file = BucketFile(f"{self.folder}/repeated")
        places = {name: taken(rows[name], lost) for name in _PLACES.names}
        file.add(pa.table(places), rows["bucket"].to_numpy()[lost])
        return file.close()


@dataclass(frozen=True)
class BucketCleaning:
    """Cleans the records of a bucket of users; it is sent to tasks.

    Args:
        sound: Files of the plainly sound records, dealt.
        judged: Files of the others, as Spark has judged them, dealt.
        repeated: Files of the places of records whose ids others bear, dealt.
        schema: Columns of the sound records.
        own: The user's own columns.
        writers: Writers of the tables, by table.
        settings: Settings.
    """

    sound: Sequence[str]
    judged: Sequence[str]
    repeated: Sequence[str]
    schema: pa.Schema
    own: tuple[str, ...]
    writers: Mapping[str, PieceWriter]
    settings: EventSettings

    def __call__(self, bucket: int) -> Cleaned:
        """Decide on the records, and write the events and the rejected ones."""
        sound = read_bucket(self.sound, bucket, encoded(self.schema))
        judged = read_bucket(self.judged, bucket, judged_schema(self.own))
        held = hold(sound, judged, self.settings, 1)
        lost = read_bucket(self.repeated, bucket, _PLACES)
        return write_cleaned(held, _rows_at(held, lost), self.writers, self.settings, 1)


def _rows_at(held: Held, places: pa.Table) -> NDArray[np.int64]:
    """Return the rows of records by their files and the places in them."""
    if not places.num_rows:
        return np.empty(0, np.int64)
    import polars as pl  # in the task: after the worker has forked

    wanted = keys_of(places["source"])
    known = pc.index_in(wanted.names, held.facts.sources.names).cast(pa.int32())
    sources = known.to_numpy(zero_copy_only=False).astype(np.int32)[wanted.codes]
    some = pl.DataFrame({"source": sources, "position": places["position"].to_numpy()})
    facts = held.facts
    every = pl.DataFrame({"source": facts.sources.codes, "position": facts.positions})
    found = every.with_row_index("row").join(some, ["source", "position"], "semi")["row"]
    return np.asarray(found.to_numpy(), np.int64)
