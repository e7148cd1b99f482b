"""What interactions must be for a fit, told before anything is computed."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from pipelines.errors import InputError

_STRANGE, _STRANGE_PER_PAIR = 10_000_000, 100


def checked(pairs: DataFrame, objective: str) -> Row:
    """Return `pairs` (those that weigh), `user` and `item` (largest ids) and the `mean` weight.

    Args:
        pairs: `user_id, item_id, weight` of the training split.
        objective: Name of the objective.

    Raises:
        InputError: There are no pairs; a weight is not a number, or negative where the objective
            is of implicit feedback; an id is missing, negative, or much too large.
    """
    weight, is_bad = F.col("weight").cast("double"), is_bad_weight(objective)
    found = pairs.agg(
        F.count_if(F.lit(True) if objective == "explicit" else weight > 0).alias("pairs"),
        F.max("user_id").alias("user"),
        F.max("item_id").alias("item"),
        F.avg(weight).alias("mean"),
        F.count_if(is_nobody()).alias("nobody"),
        F.count_if(is_bad).alias("bad"),
        F.min(F.when(is_bad, F.struct("user_id", "item_id", "weight"))).alias("example"),
    ).collect()[0]
    require_ids(found["nobody"])
    if found["bad"]:
        one = found["example"]
        raise InputError(
            f"inputs.interactions: {found['bad']:,} weights cannot be used, such as "
            f"{one['weight']} of user_id {one['user_id']}, item_id {one['item_id']}: "
            f"objective {objective} takes finite numbers"
            f"{'' if objective == 'explicit' else ' from 0'}; mend build_interactions' "
            "event_weights, or drop these pairs"
        )
    if not found["pairs"]:
        raise InputError(
            "inputs.interactions: no pair of the split 'train' has a weight above 0; "
            "build_interactions makes them"
        )
    require_dense("user_id", found["user"], found["pairs"])
    require_dense("item_id", found["item"], found["pairs"])
    return found


def require_keys(frames: Mapping[str, DataFrame], sizes: Mapping[str, int]) -> None:
    """Refuse ids beyond those of the id tables: their vectors could not be named.

    Args:
        frames: `user_ids` and `item_ids`.
        sizes: Ids of `users` and `items`: one more than the largest.
    """
    sides = {"user_ids": sizes["users"], "item_ids": sizes["items"]}
    largest = [
        frames[name].agg(F.max("id").alias("id"), F.lit(name).alias("name")) for name in sides
    ]
    for row in largest[0].unionAll(largest[1]).collect():
        end = -1 if row["id"] is None else row["id"]
        if sides[row["name"]] - 1 > end:
            raise InputError(
                f"inputs.interactions: {row['name'][:4]}_id {sides[row['name']] - 1} is not in "
                f"inputs.{row['name']}, which ends at {end}; give tables of one build_interactions"
            )


def is_bad_weight(objective: str) -> Column:
    """Tell whether column `weight` is no finite number or, of implicit feedback, negative."""
    weight = F.col("weight").cast("double")
    is_number = weight.isNotNull() & ~F.isnan(weight) & (F.abs(weight) < float("inf"))
    return ~is_number if objective == "explicit" else ~(is_number & (weight >= 0))


def is_nobody() -> Column:
    """Tell whether a pair lacks a user's or an item's id."""
    return ~F.coalesce((F.col("user_id") >= 0) & (F.col("item_id") >= 0), F.lit(False))


def require_ids(missing: int) -> None:
    """Refuse pairs of which so many have no user or no item, or one below zero."""
    if missing:
        raise InputError(
            f"inputs.interactions: {missing:,} rows without a user_id and an item_id from 0 on; "
            "build_interactions gives every row both"
        )


def require_dense(name: str, largest: int, pairs: int) -> None:
    """Refuse ids that cannot be a dictionary's: memory goes by the largest."""
    if largest > _STRANGE + _STRANGE_PER_PAIR * pairs:
        raise InputError(
            f"inputs.interactions: {name} {largest:,} among {pairs:,} pairs; ids must be dense, as "
            "build_interactions numbers them, for there are vectors up to the largest"
        )
