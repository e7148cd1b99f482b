"""Checks of interactions, made before anything is computed."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from pipelines.als.sides import ENTITY, IDS, SIDES
from pipelines.errors import InputError

_LARGEST_ID, _IDS_PER_PAIR = 10_000_000, 100  # an id beyond 10 million + 100 per pair is not dense


def checked(pairs: DataFrame, objective: str) -> Row:
    """Return `pairs` (their number), `user` and `item` (largest ids) and the `mean` weight.

    Pairs of weight 0 count for `explicit` only.

    Args:
        pairs: `user_id, item_id, weight` of the training split.
        objective: Name of the objective.

    Raises:
        InputError: There are no pairs; a weight is not a number, or negative where the objective
            is of implicit feedback; an id is missing, negative, or much too large.
    """
    weight, is_bad = F.col("weight").cast("double"), is_bad_weight(objective)
    counts = pairs.agg(
        F.count_if(F.lit(True) if objective == "explicit" else weight > 0).alias("pairs"),
        F.max("user_id").alias("user"),
        F.max("item_id").alias("item"),
        F.avg(weight).alias("mean"),
        F.count_if(lacks_id()).alias("without_id"),
        F.count_if(is_bad).alias("bad"),
        F.min(F.when(is_bad, F.struct("user_id", "item_id", "weight"))).alias("example"),
    ).collect()[0]
    require_ids(counts["without_id"])
    if counts["bad"]:
        _refuse_weights(counts["bad"], counts["example"], objective)
    if not counts["pairs"]:
        raise InputError(
            "inputs.interactions: no pair of the split 'train' has a weight above 0; "
            "build_interactions makes them"
        )
    _require_dense("user_id", counts["user"], counts["pairs"])
    _require_dense("item_id", counts["item"], counts["pairs"])
    return counts


def _refuse_weights(bad: int, example: Row, objective: str) -> None:
    raise InputError(
        f"inputs.interactions: {bad:,} weights cannot be used, such as "
        f"{example['weight']} of user_id {example['user_id']}, item_id {example['item_id']}: "
        f"objective {objective} takes finite numbers"
        f"{'' if objective == 'explicit' else ' from 0'}; mend build_interactions' "
        "event_weights, or drop these pairs"
    )


def require_keys(frames: Mapping[str, DataFrame], sizes: Mapping[str, int]) -> None:
    """Refuse ids beyond those of the id tables: their vectors would have no key.

    Args:
        frames: `user_ids` and `item_ids`.
        sizes: Row ids of `users` and `items`: one more than the largest.

    Raises:
        InputError: There are such ids.
    """
    users, items = (
        frames[IDS[side]].agg(F.max("id").alias("id"), F.lit(side).alias("side")) for side in SIDES
    )
    for row in users.unionAll(items).collect():
        side, last = row["side"], -1 if row["id"] is None else row["id"]
        if sizes[side] - 1 > last:
            raise InputError(
                f"inputs.interactions: {ENTITY[side]}_id {sizes[side] - 1} is not in "
                f"inputs.{IDS[side]}, which ends at {last}; give tables of one build_interactions"
            )


def is_bad_weight(objective: str) -> Column:
    """Return whether `weight` is null, not finite or, for implicit feedback, negative."""
    weight = F.col("weight").cast("double")
    is_number = weight.isNotNull() & ~F.isnan(weight) & (F.abs(weight) < float("inf"))
    return ~is_number if objective == "explicit" else ~(is_number & (weight >= 0))


def lacks_id() -> Column:
    """Return whether `user_id` or `item_id` is null or negative."""
    return ~F.coalesce((F.col("user_id") >= 0) & (F.col("item_id") >= 0), F.lit(False))


def require_ids(missing: int) -> None:
    """Raise InputError unless `missing`, the number of pairs without valid ids, is 0."""
    if missing:
        raise InputError(
            f"inputs.interactions: {missing:,} rows without a user_id and an item_id from 0 on; "
            "build_interactions gives every row both"
        )


def _require_dense(name: str, largest: int, pairs: int) -> None:
    """Refuse ids that are not dense: memory grows with the largest id."""
    if largest > _LARGEST_ID + _IDS_PER_PAIR * pairs:
        raise InputError(
            f"inputs.interactions: {name} {largest:,} among {pairs:,} pairs; ids must be dense, as "
            "build_interactions numbers them, because every id up to the largest gets a row"
        )
