"""Blocks of users, each cogrouped with the pairs of user and item of these users.

Python tasks cut the pairs: collecting each user's items in Spark took longer than the ranking.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, PandasCogroupedOps
from pyspark.sql import functions as F

from pipelines.arrays.batches import by_class, gathered
from pipelines.arrays.matrices import Indices
from pipelines.arrays.offsets import offsets_of
from pipelines.arrays.ragged import Ragged
from pipelines.errors import InputError
from pipelines.storage.task_files.columns import Columns

_MOST_USERS = 16_384  # most users per block
_LEAST_USERS = 512  # users that a block should have before more blocks are made
MOST_PLACES = 2_000_000
"""Most recommended items per block: about 100 MB while its lists are built."""
_BLOCKS_PER_CORE = 4  # blocks per core
_CUT = "block int, users binary, items binary"  # columns of cut pairs
_PAIRS_PER_CUT = 4_000_000  # pairs that a task holds before it cuts them: 32 MB


def beside_seen(
    users: DataFrame, pairs: Columns | None, user_ids: DataFrame, *, k: int
) -> PandasCogroupedOps:
    """Return users in blocks, `space_id, key, vector, place`, beside their pairs, `users, items`.

    With B blocks, the user of id i has place i // B in block i % B. Items of every split count as
    seen, held-out ones too.

    Args:
        users: Vectors of users; those that have no id have seen nothing.
        pairs: `user_id, item_id` of all interactions; None where seen items may be recommended.
        user_ids: Dense ids of users.
        k: Items per user.
    """
    count = user_ids.count()  # read from the files' footers
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
    """Give each block a task of its own; a hash of its number would give some tasks several."""
    if hasattr(frame, "repartitionById"):  # since Spark 4.1
        return frame.repartitionById(blocks, "block")
    return frame.repartition(blocks, "block")


def block_count(count: int, k: int, cores: int) -> int:
    """Return the number of blocks for `count` users with k recommended items each."""
    largest = max(1, min(_MOST_USERS, MOST_PLACES // k))
    enough = min(_BLOCKS_PER_CORE * cores, -(-count // _LEAST_USERS))
    blocks = max(-(-count // largest), enough, 1)
    return -(-blocks // cores) * cores if blocks > cores else blocks  # all cores end together


def _cutter(blocks: int) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return a function that cuts pairs: rows of `block`, places of users in it, and item ids."""

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
        users: Rows of a block, with `place`, null where a user has no id.
        pairs: Rows of the same block: `users` (places) and `items` (ids), int32 arrays as bytes.
    """
    places = pc.fill_null(users["place"], -1).to_numpy()
    owners, items = (_joined(pairs[name]) for name in ("users", "items"))
    row_of_place = np.full(max(places.max(initial=-1), owners.max(initial=-1)) + 2, -1, np.int32)
    row_of_place[places] = np.arange(len(places))  # place -1 writes the last element
    row_of_place[-1] = -1
    rows = row_of_place[owners]
    rows, items = rows[rows >= 0], items[rows >= 0]
    counts = np.bincount(rows, minlength=len(places))
    # NumPy sorts integers of 16 bits by radix
    order = np.argsort(rows.astype(np.min_scalar_type(len(places))), kind="stable")
    return Ragged(offsets_of(counts), items[order].astype(np.int64))


def _joined(parts: pa.ChunkedArray) -> Indices:
    buffers = [np.frombuffer(part.as_buffer(), np.int32) for part in parts]
    return np.concatenate(buffers) if buffers else np.empty(0, np.int32)
