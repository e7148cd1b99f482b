"""Ids of users and items: by one task from all training pairs, or by shuffles of these pairs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines import tables
from pipelines.arrays.chunks import whole
from pipelines.interactions import building, identities
from pipelines.interactions.blocked.hashing import buckets_of_texts
from pipelines.interactions.blocked.pairing import TRAINING
from pipelines.interactions.config import InteractionSettings
from pipelines.interactions.packed.keys import keys_of, read_table
from pipelines.interactions.packed.numbering import number_core
from pipelines.interactions.packed.writing import write_tables
from pipelines.storage.task_files.buckets import BucketFile
from pipelines.storage.task_files.pieces import Piece, PieceWriter
from pipelines.table_store import TableStore
from schemas import ITEM_IDS, USER_IDS

KEYED = pa.schema([("key", pa.string()), ("id", pa.int32())])
"""Columns of the keys that occur in training; the id is null where the core lacks the key."""
SIDES: tuple[tuple[str, identities.EntitySide], ...] = (
    (USER_IDS.name, "user"),
    (ITEM_IDS.name, "item"),
)


@dataclass
class NumberedKeys:
    """Ids of all keys that occur in training.

    Args:
        files: By table, files of `KEYED`: users by bucket, items in bucket 0.
        versions: By table, the version of the ids in use.
        pieces: By table, files of its rows that a task has written.
        frames: Where Spark has made them, persisted frames of the rows by table, and of the core.
    """

    files: dict[str, list[str]]
    versions: dict[str, str]
    pieces: dict[str, list[Piece]] = field(default_factory=dict)
    frames: dict[str, DataFrame] = field(default_factory=dict)


@dataclass(frozen=True)
class Numbering:
    """Finds the core and numbers its users and items; it is sent to a task.

    Args:
        pairs: Files of training pairs.
        known: Files of the ids of an earlier run, by table.
        writers: Writers of the tables, by table.
        settings: Least interactions.
        folder: Where tasks write.
        buckets: Number of buckets of users.
    """

    pairs: Sequence[str]
    known: Mapping[str, Sequence[str]]
    writers: Mapping[str, PieceWriter]
    settings: InteractionSettings
    folder: str
    buckets: int

    def __call__(self, threads: int) -> NumberedKeys:
        """Write the rows of both tables, and the ids for the tasks that write interactions.

        Raises:
            GateError: The core is empty.
        """
        rows = read_table(self.pairs, TRAINING, threads)
        users, items = keys_of(rows["user"]), keys_of(rows["item"])
        counts = rows["count"].to_numpy()
        numbered = number_core(users, items, counts, self.known, self.settings, threads)
        files = {}
        for (name, _), keys, buckets in zip(SIDES, (users, items), (self.buckets, 1), strict=True):
            ids = numbered[name].ids
            given = pa.array(ids, mask=ids < 0)
            keyed = pa.table([keys.names, given], schema=KEYED)
            files[name] = [_dealt(keyed, f"{self.folder}/{name}", buckets)]
        written = {name: each.table for name, each in numbered.items()}
        versions = {name: each.version for name, each in numbered.items()}
        return NumberedKeys(files, versions, write_tables(written, self.writers, threads))


def _dealt(keyed: pa.Table, name: str, buckets: int) -> str:
    file = BucketFile(name)
    file.add(keyed, buckets_of_texts(whole(keyed["key"]), buckets))
    return file.close()


def number_by_shuffles(
    store: TableStore,
    pairs: Sequence[str],
    settings: InteractionSettings,
    folder: str,
    buckets: int,
) -> NumberedKeys:
    """Find the core and number its users and items by Spark's shuffles of the training pairs.

    Args:
        store: The tables of the run.
        pairs: Files of training pairs, at least one.
        settings: Least interactions.
        folder: Where tasks write.
        buckets: Number of buckets of users.

    Raises:
        GateError: The core is empty.
    """
    train = store.spark.read.schema("user string, item string, count bigint").parquet(*pairs)
    core = building.core(train, settings)
    found = NumberedKeys({}, {}, frames={"pairs": core})
    for (name, entity), count in zip(SIDES, (buckets, 1), strict=True):
        table = USER_IDS if entity == "user" else ITEM_IDS
        uri = store.output(name)
        is_there = tables.exists(store.spark, uri)
        known = tables.read(store.spark, uri, table) if is_there else None
        counts = identities.count_training_events(core, entity=entity)
        ids = identities.assign_ids(counts, known=known).persist(StorageLevel.DISK_ONLY)
        found.frames[name] = ids
        found.versions[name] = identities.content_version(ids)
        keyed = identities.training_keys(train, ids, entity=entity)
        keyed = keyed.select(F.col(entity).alias("key"), F.col(f"{entity}_id").alias("id"))
        found.files[name] = _dealt_frame(keyed, f"{folder}/{name}", count)
    return found


def _dealt_frame(keyed: DataFrame, name: str, buckets: int) -> list[str]:
    def deal(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        file = BucketFile(name)
        for batch in batches:
            rows = pa.Table.from_batches([batch]).cast(KEYED)
            file.add(rows, buckets_of_texts(whole(rows["key"]), buckets))
        yield pa.record_batch({"file": [file.close()]})

    return [row[0] for row in keyed.mapInArrow(deal, "file string").collect()]  # one per task
