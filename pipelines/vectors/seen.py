"""Users beside the items they have seen: pairs are cut by block of users before the shuffle.

Collecting each user's items in Spark took longer than ranking all items for them.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, PandasCogroupedOps
from pyspark.sql import functions as F

from pipelines.errors import InputError
from pipelines.storage.columns import Columns
from pipelines.training.batches import by_class, gathered
from pipelines.training.top_k import Indices, Ragged

_MOST_USERS, _LEAST_USERS = 16_384, 512  # of a block, and what a block of fewer would not be worth
_MOST_PLACES = 2_000_000  # that the lists of a block have: some 100 MB while they are made
_BLOCKS_PER_CORE = 4
_CUT = "block int, users binary, items binary"
_PAIRS_PER_CUT = 4_000_000  # that a task holds before it cuts them: 32 MB


def beside_seen(
    users: DataFrame, pairs: Columns | None, user_ids: DataFrame, *, k: int
) -> PandasCogroupedOps:
    """Return users in blocks, `space_id, key, vector, id`, beside their pairs, `users, items`.

    Every split counts as seen: what was held out for evaluation has happened all the same.

    Args:
        users: Vectors of users; those that have no id have seen nothing.
        pairs: `user_id, item_id` of all interactions; None where seen items do not matter.
        user_ids: Dense ids of users.
        k: Items that each user is to get.
    """
    count = user_ids.count()  # of whose pairs there may be any, told by the files' footers
    blocks = _blocks(count, k, int(users.sparkSession.sparkContext.defaultParallelism))
    ids = user_ids.select("key", F.col("id").cast("int").alias("id"))
    known = users.select("space_id", "key", "vector").join(ids, "key", "left")
    block = F.coalesce(F.col("id"), F.pmod(F.hash("key"), F.lit(blocks))) % blocks
    if pairs is None:
        cut = users.sparkSession.createDataFrame([], _CUT)
    else:
        cut = pairs.map_in_arrow(_cutter(blocks), _CUT)
    left, right = (_spread(frame, blocks) for frame in (known.withColumn("block", block), cut))
    return left.groupBy("block").cogroup(right.groupBy("block"))


def _spread(frame: DataFrame, blocks: int) -> DataFrame:
    """Give each block a task: a hash of their numbers puts several in one and none in others."""
    if hasattr(frame, "repartitionById"):  # since Spark 4.1
        return frame.repartitionById(blocks, "block")
    return frame.repartition(blocks, "block")


def _blocks(count: int, k: int, cores: int) -> int:
    """Return into how many blocks users are cut, by their number, k and what works on them."""
    largest = max(1, min(_MOST_USERS, _MOST_PLACES // k))
    enough = min(_BLOCKS_PER_CORE * cores, -(-count // _LEAST_USERS))
    return max(-(-count // largest), enough, 1)


def _cutter(blocks: int) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def cut(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for table in gathered(batches, _PAIRS_PER_CUT):
            if table["user_id"].null_count or table["item_id"].null_count:
                raise InputError(
                    "inputs.interactions: a user_id or item_id is null; build_interactions gives "
                    "every pair its ids"
                )
            users, items = table["user_id"].to_numpy(), table["item_id"].to_numpy()
            for block, places in by_class(users, blocks):
                yield pa.RecordBatch.from_pydict(
                    {
                        "block": pa.array([block], pa.int32()),
                        "users": [users[places].tobytes()],
                        "items": [items[places].tobytes()],
                    }
                )

    return cut


def seen_items(users: pa.Table, pairs: pa.Table) -> Ragged:
    """Return the item ids that each user of a block has seen.

    Args:
        users: Rows of a block, with `id`, null for none.
        pairs: Rows of `users` and `items`, arrays of int32 of the same block.
    """
    ids = pc.fill_null(users["id"], -1).to_numpy()
    owners, items = (_joined(pairs[name]) for name in ("users", "items"))
    is_known = np.isin(owners, ids)
    owners, items = owners[is_known], items[is_known]
    order = np.argsort(ids, kind="stable")
    rows = order[np.searchsorted(ids, owners, sorter=order)]
    lengths = np.bincount(rows, minlength=len(ids))
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return Ragged(offsets, items[np.argsort(rows, kind="stable")].astype(np.int64))


def _joined(parts: pa.ChunkedArray) -> Indices:
    buffers = [np.frombuffer(part.as_buffer(), np.int32) for part in parts]
    return np.concatenate(buffers) if buffers else np.empty(0, np.int32)
