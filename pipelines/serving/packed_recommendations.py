"""Recommendations by one task: it reads the tables itself and ranks with all of its threads.

Where all fits an executor nothing is shuffled, and one job of Spark's takes the place of a dozen.
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
from pipelines.ranking.catalogue import Catalogue, in_order, require_size
from pipelines.serving.config import RecommendItemsConfig
from pipelines.serving.recommendations import NO_ITEM_LEFT, best_items, discounted
from pipelines.serving.seen import block_count, known_pairs
from pipelines.spaces.registry import only_space
from pipelines.storage.columns import Columns, read_part
from pipelines.storage.pieces import Pieces
from schemas import TABLES

COLUMNS = {
    "vectors": ["space_id", "entity", "key", "vector"],
    "user_ids": ["key", "id", "is_retired"],
    "item_ids": ["key", "id", "is_retired"],
    "interactions": ["user_id", "item_id", "split"],
}
"""What a task reads of each table."""
_NOTHING = Ragged(np.zeros(1, np.int64), np.empty(0, np.int64))


@dataclass(frozen=True)
class Reader:
    """Reads the tables of a task: each thread some row groups of every file."""

    files: Mapping[str, Sequence[str]]
    pool: ThreadPoolExecutor
    threads: int

    def table(self, name: str, columns: list[str]) -> pa.Table:
        """Return some columns of all rows of a table, of the types of its contract."""
        contract = TABLES[name].schema()
        schema = to_arrow_schema(StructType([contract[each] for each in columns]))

        def part(number: int) -> list[pa.RecordBatch]:
            return list(read_part(self.files[name], number, self.threads, schema))

        found = self.pool.map(part, range(self.threads))
        return pa.Table.from_batches([batch for each in found for batch in each], schema)


def recommend(
    spark: SparkSession,
    columns: Mapping[str, Columns],
    config: RecommendItemsConfig,
    *,
    threads: int,
) -> Pieces:
    """Return the best unseen items of each user, as `recommendations.recommend` does.

    Args:
        spark: Session.
        columns: `COLUMNS` of the inputs, by their names.
        config: Settings of the job.
        threads: Threads of the task: all that an executor has.

    Raises:
        InputError: As `recommendations.choose_items`, `training.catalogue.collect_catalogue` and
            `spaces.require_one_space` have it, once the pieces are made.
    """
    files = {name: each.files for name, each in columns.items()}

    def apply(then: Callable[[pa.Table], pa.Table], schema: str) -> DataFrame:
        def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            deque(batches, 0)  # a worker that leaves some of its input is not used again
            with ThreadPoolExecutor(threads) as pool:
                blocks = _blocks(Reader(files, pool, threads), config)
                calls = (partial(_then, block, then) for block in blocks)
                for table in in_turn(pool, calls, threads):
                    yield from table.to_batches()

        profile = whole_executor(spark, threads)
        return spark.range(0, 1, 1, 1).mapInArrow(run, schema, profile=profile)

    return Pieces(apply)


def _then(block: Callable[[], pa.Table], then: Callable[[pa.Table], pa.Table]) -> pa.Table:
    return then(block())


def _blocks(reader: Reader, config: RecommendItemsConfig) -> Iterator[Callable[[], pa.Table]]:
    """Yield what makes the lists of each block of users, who come in the order of their keys.

    So a reader who looks for a user finds by the files' statistics which one has it.
    """
    users, items, seen = _read(reader, config)
    items.panels  # made here once, as threads would each make them  # noqa: B018
    count = block_count(users.num_rows, config.k, reader.threads)
    size = -(-users.num_rows // count)
    for first in range(0, users.num_rows, max(1, size)):
        yield partial(_lists, users.slice(first, size), seen, items, config.k)


def _read(reader: Reader, config: RecommendItemsConfig) -> tuple[pa.Table, Catalogue, Ragged]:
    """Return the users to rank for, what may be recommended, and the places of what they know."""
    vectors = reader.table("vectors", COLUMNS["vectors"])
    only_space(pc.unique(vectors["space_id"]).to_pylist())
    items = _offered(_of(vectors, "item"), reader, config)
    users = _with_ids(_of(vectors, "user", config.users), reader, "user_ids").sort_by("key")
    return users, items, _seen(reader, users, items) if config.exclude_seen else _NOTHING


def _lists(users: pa.Table, seen: Ragged, items: Catalogue, k: int) -> pa.Table:
    ids = users["id"].to_numpy()
    return best_items(users, seen.take(np.where(ids < len(seen.counts), ids, -1)), items, k)


def _seen(reader: Reader, users: pa.Table, items: Catalogue) -> Ragged:
    """Return the places in the catalogue of what each user has seen, by the users' ids."""
    owners, ids = known_pairs(reader.table("interactions", ["user_id", "item_id"]))
    size = (pc.max(users["id"]).as_py() or 0) + 1
    return items.positions(Ragged(*grouped(owners, ids, size)))


def _of(vectors: pa.Table, entity: str, keys: Sequence[str] = ()) -> pa.Table:
    found = vectors.filter(pc.equal(vectors["entity"], entity))
    if keys:
        found = found.filter(pc.is_in(found["key"], pa.array(keys)))
    return found.select(["space_id", "key", "vector"])


def _with_ids(vectors: pa.Table, reader: Reader, name: str) -> pa.Table:
    """Return vectors with their keys' dense ids, -1 where there is none, and what else is known."""
    known = reader.table(name, COLUMNS[name])
    places = pc.index_in(vectors["key"], known["key"].combine_chunks())
    ids = pc.fill_null(known["id"].take(places), -1).cast(pa.int64())
    retired = pc.fill_null(known["is_retired"].take(places), False)
    return vectors.append_column("id", ids).append_column("is_retired", retired)


def _offered(items: pa.Table, reader: Reader, config: RecommendItemsConfig) -> Catalogue:
    """Return the items that may be recommended."""
    items = _with_ids(_allowed(items, config), reader, "item_ids")
    width = pc.max(pc.list_value_length(items["vector"])).as_py() or 0
    require_size(
        items.num_rows, width, config.max_catalogue_megabytes,
        entity="item", setting="max_catalogue_megabytes",
    )  # fmt: skip
    items = items.filter(pc.invert(items["is_retired"]))
    catalogue = in_order(items, entity="item", is_normalised=config.metric == "cosine")
    if not config.popularity_discount:
        return catalogue
    pairs = reader.table("interactions", ["item_id", "split"])
    in_train = pairs["item_id"].filter(pc.equal(pairs["split"], "train")).to_numpy()
    ids, counts = np.unique(in_train, return_counts=True)
    counted = catalogue.totals(ids.astype(np.int64), counts)
    return discounted(catalogue, counted, config.popularity_discount)


def _allowed(items: pa.Table, config: RecommendItemsConfig) -> pa.Table:
    only, without = config.candidate_items, config.excluded_items
    if only:
        items = items.filter(pc.is_in(items["key"], pa.array(only)))
    if without:
        items = items.filter(pc.invert(pc.is_in(items["key"], pa.array(without))))
    if (only or without) and not items.num_rows:
        raise InputError(NO_ITEM_LEFT)
    return items
