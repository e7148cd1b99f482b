"""Users beside the items they have seen: pairs are cut by block of users before the shuffle.

Collecting each user's items in Spark took longer than ranking all items for them.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, PandasCogroupedOps
from pyspark.sql import functions as F

from pipelines.arrays.batches import by_class, gathered
from pipelines.arrays.matrices import Indices
from pipelines.arrays.ragged import Ragged
from pipelines.errors import InputError
from pipelines.storage.columns import Columns

_MOST_USERS, _LEAST_USERS = 16_384, 512  # of a block, and what a block of fewer would not be worth
MOST_PLACES = 2_000_000  # that the lists of a block have: some 100 MB while they are made
_BLOCKS_PER_CORE = 4
_CUT = "block int, users binary, items binary"
_PAIRS_PER_CUT = 4_000_000  # that a task holds before it cuts them: 32 MB


def beside_seen(
    users: DataFrame, pairs: Columns | None, user_ids: DataFrame, *, k: int
) -> PandasCogroupedOps:
    """Return users in blocks, `space_id, key, vector, place`, beside their pairs, `users, items`.

    A block has the ids equal modulo the blocks; places in it are what is left of the division.
    Every split counts as seen: what was held out for evaluation has happened all the same.

    Args:
        users: Vectors of users; those that have no id have seen nothing.
        pairs: `user_id, item_id` of all interactions; None where seen items do not matter.
        user_ids: Dense ids of users.
        k: Items that each user is to get.
    """
    count = user_ids.count()  # of whose pairs there may be any, told by the files' footers
    blocks = block_count(count, k, int(users.sparkSession.sparkContext.defaultParallelism))
    ids = user_ids.select("key", F.col("id").cast("int").alias("id"))
    known = users.select("space_id", "key", "vector").join(ids, "key", "left")
    block = F.coalesce(F.col("id"), F.pmod(F.hash("key"), F.lit(blocks))) % blocks
    place = F.floor(F.col("id") / blocks).cast("int")
    left = known.select("space_id", "key", "vector", place.alias("place"), block.alias("block"))
    if pairs is None:
        cut = users.sparkSession.createDataFrame([], _CUT)
    else:
        cut = pairs.map_in_arrow(_cutter(blocks), _CUT)
    spread = [_spread(frame, blocks).groupBy("block") for frame in (left, cut)]
    return spread[0].cogroup(spread[1])


def _spread(frame: DataFrame, blocks: int) -> DataFrame:
    """Give each block a task: a hash of their numbers puts several in one and none in others."""
    if hasattr(frame, "repartitionById"):  # since Spark 4.1
        return frame.repartitionById(blocks, "block")
    return frame.repartition(blocks, "block")


def block_count(count: int, k: int, cores: int) -> int:
    """Return into how many blocks users are cut, by their number, k and what works on them."""
    largest = max(1, min(_MOST_USERS, MOST_PLACES // k))
    enough = min(_BLOCKS_PER_CORE * cores, -(-count // _LEAST_USERS))
    blocks = max(-(-count // largest), enough, 1)
    return -(-blocks // cores) * cores if blocks > cores else blocks  # or cores wait for the last


def _cutter(blocks: int) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return what cuts pairs by block: rows of `block, users, items`, places in it and item ids."""

    def cut(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for table in gathered(batches, _PAIRS_PER_CUT):
            users, items = known_pairs(table)
            for block, places in by_class(users, blocks):
                yield pa.RecordBatch.from_pydict(
                    {
                        "block": pa.array([block], pa.int32()),
                        "users": [(users[places] // blocks).tobytes()],
                        "items": [items[places].tobytes()],
                    }
                )

    return cut


def known_pairs(table: pa.Table) -> tuple[Indices, Indices]:
    """Return the ids of users and of items of interactions.

    Raises:
        InputError: One is null.
    """
    if table["user_id"].null_count or table["item_id"].null_count:
        raise InputError(
            "inputs.interactions: a user_id or item_id is null; build_interactions gives every "
            "pair its ids"
        )
    return table["user_id"].to_numpy(), table["item_id"].to_numpy()


def seen_items(users: pa.Table, pairs: pa.Table) -> Ragged:
    """Return the item ids that each user of a block has seen.

    Args:
        users: Rows of a block, with `place`, null for none.
        pairs: Rows of `users`, by their places, and `items`, arrays of int32 of the same block.
    """
    places = pc.fill_null(users["place"], -1).to_numpy()
    owners, items = (_joined(pairs[name]) for name in ("users", "items"))
    rows_of = np.full(max(places.max(initial=-1), owners.max(initial=-1)) + 2, -1, np.int32)
    rows_of[places] = np.arange(len(places))  # those without an id are overwritten
    rows_of[-1] = -1
    rows = rows_of[owners]
    rows, items = rows[rows >= 0], items[rows >= 0]
    lengths = np.bincount(rows, minlength=len(places))
    order = np.argsort(rows.astype(np.min_scalar_type(len(places))), kind="stable")  # by radix
    return Ragged(np.concatenate([[0], np.cumsum(lengths)]), items[order].astype(np.int64))


def _joined(parts: pa.ChunkedArray) -> Indices:
    buffers = [np.frombuffer(part.as_buffer(), np.int32) for part in parts]
    return np.concatenate(buffers) if buffers else np.empty(0, np.int32)
