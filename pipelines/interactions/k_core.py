"""The k-core of the training pairs: users with enough items, items with enough users."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.errors import GateError

_MAX_ROUNDS = 200
_ONE_TASK_PAIRS = 5_000_000  # some hundred MB of keys in one Python worker


def keep_core(
    train: DataFrame, *, min_user: int, min_item: int, one_task_pairs: int = _ONE_TASK_PAIRS
) -> DataFrame:
    """Keep the pairs of users with enough items and items with enough users, to the fixpoint.

    Removing a user may leave an item short, and the other way round, so both are removed in rounds
    until a round removes nothing: the k-core, which does not depend on the order of removal. A
    round of many pairs is a Spark job; as soon as one task can hold them it does the other rounds.

    Args:
        train: One row per pair, with `user`, `item` and `count`.
        min_user: Items that a user needs.
        min_item: Users that an item needs.
        one_task_pairs: Pairs that one task may hold.

    Returns:
        The three columns of the pairs that are kept; persisted.

    Raises:
        GateError: Nothing is left, or rounds do not settle.
    """
    kept = train.select("user", "item", "count").persist(StorageLevel.DISK_ONLY)
    if min_user == 1 and min_item == 1:
        return kept
    pairs = kept.count()
    for _ in range(_MAX_ROUNDS):
        is_small = pairs <= one_task_pairs
        peel = _all_rounds if is_small else _one_round
        core = peel(kept, min_user=min_user, min_item=min_item)
        left = core.count()  # unchanged: the fixpoint
        kept.unpersist()
        if left == 0:
            raise nothing_left(min_user, min_item)
        if is_small or left == pairs:
            return core
        kept, pairs = core, left
    raise GateError(
        f"the k-core has not settled after {_MAX_ROUNDS} rounds; lower min_user_interactions or "
        "min_item_interactions"
    )


def nothing_left(min_user: int, min_item: int) -> GateError:
    """Return the error of a core without pairs."""
    return GateError(
        f"min_user_interactions: {min_user} and min_item_interactions: {min_item} leave "
        "no training pairs; lower them"
    )


def _one_round(pairs: DataFrame, *, min_user: int, min_item: int) -> DataFrame:
    for entity, minimum in (("user", min_user), ("item", min_item)):
        counted = pairs.groupBy(entity).agg(F.count(F.lit(1)).alias("_degree"))
        enough = counted.where(F.col("_degree") >= minimum).select(entity)
        pairs = pairs.join(enough, entity, "left_semi")
    # cut off from its past: a plan that holds the rounds before it doubles with every round
    return pairs.localCheckpoint(eager=False, storageLevel=StorageLevel.DISK_ONLY_2)


def _all_rounds(pairs: DataFrame, *, min_user: int, min_item: int) -> DataFrame:
    def peel(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        held = list(batches)
        if held:
            table = pa.Table.from_batches(held)
            kept = core_mask(table["user"], table["item"], min_user=min_user, min_item=min_item)
            yield from table.filter(pa.array(kept)).to_batches()

    found = pairs.coalesce(1).mapInArrow(peel, pairs.schema)
    return found.persist(StorageLevel.DISK_ONLY)


def core_mask(
    users: pa.ChunkedArray, items: pa.ChunkedArray, *, min_user: int, min_item: int
) -> NDArray[np.bool_]:
    """Tell for each distinct pair of user and item whether it is in the core."""
    return core_of_codes(_codes(users), _codes(items), min_user, min_item)


def core_of_codes(
    users: NDArray[np.integer], items: NDArray[np.integer], min_user: int, min_item: int
) -> NDArray[np.bool_]:
    """Tell for each distinct pair of codes whether it is in the core."""
    kept = np.ones(len(users), bool)
    if not kept.size or (min_user == 1 and min_item == 1):
        return kept
    before = -1
    while before != kept.sum():
        before = kept.sum()
        for code, minimum in ((users, min_user), (items, min_item)):
            degrees = np.bincount(code[kept], minlength=int(code.max()) + 1)
            kept &= degrees[code] >= minimum
    return kept


def _codes(keys: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(keys.combine_chunks().dictionary_encode().indices)
