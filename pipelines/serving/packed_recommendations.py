"""Layout `packed`: one task reads the tables' files itself and ranks with all its threads.

It is for tables that fit one executor: nothing is shuffled, and one Spark job replaces about 12.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from pipelines.arrays.grouping import grouped
from pipelines.arrays.ragged import Ragged
from pipelines.cluster.executors import whole_executor
from pipelines.cluster.threads import in_turn
from pipelines.errors import InputError
from pipelines.ranking.keyed_vectors import KeyedVectors, by_key, require_size
from pipelines.serving.config import RecommendSettings
from pipelines.serving.recommendations import NO_ITEM_LEFT, best_items, discounted
from pipelines.serving.seen import block_count, known_pairs
from pipelines.space_rows import only_space
from pipelines.storage.task_files.columns import read_part
from pipelines.storage.task_files.pieces import PiecewiseTable
from schemas import TABLES

COLUMNS = {
    "vectors": ["space_id", "entity", "key", "vector"],
    "user_ids": ["key", "id", "is_retired"],
    "item_ids": ["key", "id", "is_retired"],
    "interactions": ["user_id", "item_id", "split"],
}
"""Columns that recommending reads of each table."""
_NOTHING_SEEN = Ragged(np.zeros(1, np.int64), np.empty(0, np.int64))


@dataclass(frozen=True)
class PackedRecommendations(PiecewiseTable):
    """Rows of `recommendations`: a piece per block of users, all computed by one task.

    Errors of the input are raised by the task: see `PackedRanking.pieces`.
    """

    spark: SparkSession
    task: "PackedRanking"

    def map_pieces(self, function: Callable[[pa.Table], pa.Table], schema: str) -> DataFrame:
        """See `PiecewiseTable`."""
        task = self.task  # not `self`: a session cannot be sent to a task

        def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            deque(batches, 0)  # Spark reuses a worker only if it has read all of its input
            for piece in task.pieces(function):
                yield from piece.to_batches()

        profile = whole_executor(self.spark, task.threads)
        return self.spark.range(0, 1, 1, 1).mapInArrow(run, schema, profile=profile)


@dataclass(frozen=True)
class PackedRanking:
    """The task that ranks all items for all users.

    Args:
        files: Parquet files of each table of `COLUMNS`.
        settings: Settings.
        threads: Threads of the task: all that an executor has.
    """

    files: Mapping[str, Sequence[str]]
    settings: RecommendSettings
    threads: int

    def pieces(self, function: Callable[[pa.Table], pa.Table]) -> Iterator[pa.Table]:
        """Rank a block of users per thread; yield what the function returns for each, in order.

        Raises:
            InputError: No item is left, the items do not fit, or the table mixes spaces.
        """
        with ThreadPoolExecutor(self.threads) as pool:
            ranking = read_ranking(Reader(self.files, pool, self.threads), self.settings)

            def rank(users: pa.Table) -> pa.Table:
                return function(ranking.recommend(users))

            blocks = ranking.blocks(self.threads)
            yield from in_turn(pool, (partial(rank, users) for users in blocks), self.threads)


@dataclass(frozen=True)
class Ranking:
    """The tables of the task, as arrays.

    Args:
        users: Users to recommend to, sorted by key: `space_id, key, vector, id`.
        items: Items that may be recommended.
        seen: By user id the rows of `items` that the user has seen.
        k: Items per user.
    """

    users: pa.Table
    items: KeyedVectors
    seen: Ragged
    k: int

    def blocks(self, threads: int) -> Iterator[pa.Table]:
        """Yield the users in blocks, in the order of keys.

        A query for one user then finds its file by the statistics of the files' keys.
        """
        count = block_count(self.users.num_rows, self.k, threads)
        size = -(-self.users.num_rows // count)
        for first in range(0, self.users.num_rows, max(1, size)):
            yield self.users.slice(first, size)

    def recommend(self, users: pa.Table) -> pa.Table:
        """Return rows of `recommendations` of a block of users."""
        ids = users["id"].to_numpy()
        seen = self.seen.take(np.where(ids < len(self.seen.counts), ids, -1))
        return best_items(users, seen, self.items, self.k)


@dataclass(frozen=True)
class Reader:
    """Reads tables in a task: each thread reads some row groups of every file."""

    files: Mapping[str, Sequence[str]]
    pool: ThreadPoolExecutor
    threads: int

    def table(self, name: str, columns: list[str]) -> pa.Table:
        """Return some columns of all rows of a table, typed as in its contract."""
        contract = TABLES[name].schema()
        schema = to_arrow_schema(StructType([contract[each] for each in columns]))

        def part(number: int) -> list[pa.RecordBatch]:
            return list(read_part(self.files[name], number, self.threads, schema))

        parts = self.pool.map(part, range(self.threads))
        return pa.Table.from_batches([batch for batches in parts for batch in batches], schema)


def read_ranking(reader: Reader, settings: RecommendSettings) -> Ranking:
    """Read the rows that the task needs of its tables."""
    vectors = reader.table("vectors", COLUMNS["vectors"])
    only_space(pc.unique(vectors["space_id"]).to_pylist())
    items = _read_items(_of_entity(vectors, "item"), reader, settings)
    chosen = _of_entity(vectors, "user", settings.users)
    users = _with_ids(chosen, reader, "user_ids").sort_by("key")
    seen = _read_seen(reader, users, items) if settings.exclude_seen else _NOTHING_SEEN
    items.panels  # cached here, else each thread packs them  # noqa: B018
    return Ranking(users, items, seen, settings.k)


def _read_seen(reader: Reader, users: pa.Table, items: KeyedVectors) -> Ragged:
    """Return by user id the rows of `items` that each user has seen."""
    owners, ids = known_pairs(reader.table("interactions", ["user_id", "item_id"]))
    size = (pc.max(users["id"]).as_py() or 0) + 1
    return items.positions(Ragged(*grouped(owners, ids, size)))


def _of_entity(vectors: pa.Table, entity: str, keys: Sequence[str] = ()) -> pa.Table:
    chosen = vectors.filter(pc.equal(vectors["entity"], entity))
    if keys:
        chosen = chosen.filter(pc.is_in(chosen["key"], pa.array(keys)))
    return chosen.select(["space_id", "key", "vector"])


def _with_ids(vectors: pa.Table, reader: Reader, name: str) -> pa.Table:
    """Add `id`, -1 where the key has none, and `is_retired`."""
    known = reader.table(name, COLUMNS[name])
    places = pc.index_in(vectors["key"], known["key"].combine_chunks())
    ids = pc.fill_null(known["id"].take(places), -1).cast(pa.int64())
    retired = pc.fill_null(known["is_retired"].take(places), False)
    return vectors.append_column("id", ids).append_column("is_retired", retired)


def _read_items(vectors: pa.Table, reader: Reader, settings: RecommendSettings) -> KeyedVectors:
    """Return the items that may be recommended."""
    table = _with_ids(_candidates(vectors, settings), reader, "item_ids")
    width = pc.max(pc.list_value_length(table["vector"])).as_py() or 0
    most, setting = settings.max_catalogue_megabytes, "max_catalogue_megabytes"
    require_size(table.num_rows, width, most, entity="item", setting=setting)
    table = table.filter(pc.invert(table["is_retired"]))
    items = by_key(table, entity="item", is_normalised=settings.metric == "cosine")
    if not settings.popularity_discount:
        return items
    pairs = reader.table("interactions", ["item_id", "split"])
    in_train = pairs["item_id"].filter(pc.equal(pairs["split"], "train")).to_numpy()
    ids, counts = np.unique(in_train, return_counts=True)
    totals = items.totals(ids.astype(np.int64), counts)
    return discounted(items, totals, settings.popularity_discount)


def _candidates(items: pa.Table, settings: RecommendSettings) -> pa.Table:
    only, without = settings.candidate_items, settings.excluded_items
    if only:
        items = items.filter(pc.is_in(items["key"], pa.array(only)))
    if without:
        items = items.filter(pc.invert(pc.is_in(items["key"], pa.array(without))))
    if (only or without) and not items.num_rows:
        raise InputError(NO_ITEM_LEFT)
    return items
