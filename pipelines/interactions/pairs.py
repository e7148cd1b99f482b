"""Weighed events to pairs of user and item: aggregated, cored, labelled, accounted for."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.errors import VectormillError
from schemas import INTERACTIONS

SPLITS = ("train", "valid", "test")
_DAY = 86_400_000_000  # microseconds
_FRACTION = 1 << 40


def aggregate_pairs(
    events: DataFrame, *, train_end: int, half_life_days: float | None, max_weight: float | None
) -> DataFrame:
    """Aggregate events to pairs; a pair belongs to the part in which it first occurs.

    Args:
        events: What `split_events` returns.
        train_end: Time to which weights decay, microseconds since 1970; later events are whole.
        half_life_days: Age at which an event counts half; None never decays.
        max_weight: Cap of a pair.

    Returns:
        One row per pair: `user, item, split, weight, count, first_time, last_time` of that part,
        and `later_count`, its events in later parts.
    """
    weight = F.col("weight")
    if half_life_days is not None:
        age = F.greatest(F.lit(train_end) - F.col("micros"), F.lit(0)) / (_DAY * half_life_days)
        weight = weight * F.pow(F.lit(0.5), age)
    sums: list[Column] = [F.min("micros").alias("first"), F.count(F.lit(1)).alias("all")]
    for part in SPLITS:
        is_here = F.col("split") == part
        sums += [
            _exact_sum(F.when(is_here, weight)).alias(f"weight_{part}"),
            F.count(F.when(is_here, 1)).alias(f"count_{part}"),
            F.max(F.when(is_here, F.col("micros"))).alias(f"last_{part}"),
        ]
    total = F.coalesce(*(f"weight_{part}" for part in SPLITS))
    if max_weight is not None:
        total = F.least(total, F.lit(max_weight))
    count = _first_part("count")
    return (
        events.groupBy("user", "item")
        .agg(*sums)
        .select(
            "user",
            "item",
            _first_part("part").alias("split"),
            F.greatest(total, F.lit(1 / _FRACTION)).cast("float").alias("weight"),
            count.alias("count"),
            (F.col("all") - count).alias("later_count"),
            F.timestamp_micros("first").alias("first_time"),
            F.timestamp_micros(F.coalesce(*(f"last_{part}" for part in SPLITS))).alias("last_time"),
        )
    )


def _first_part(name: str) -> Column:
    """Return a value of the first part that has events, or that part's name."""
    values = {part: F.lit(part) if name == "part" else F.col(f"{name}_{part}") for part in SPLITS}
    found = [F.when(F.col(f"count_{part}") > 0, value) for part, value in values.items()]
    return F.coalesce(*found)


def _exact_sum(weight: Column) -> Column:
    """Sum the whole parts and the fractions in units of 2^-40: integers add up in any order."""
    whole = F.floor(weight)
    fraction = F.rint((weight - whole) * _FRACTION).cast("bigint")
    return F.sum(whole) + F.sum(fraction) / F.lit(_FRACTION)


def training_pairs(pairs: DataFrame) -> DataFrame:
    """Return the pairs that first occur in training."""
    return pairs.where(F.col("split") == "train")


def label_pairs(pairs: DataFrame, *, users: DataFrame, items: DataFrame) -> DataFrame:
    """Give each pair its ids, or the reason why the result leaves it out.

    Args:
        pairs: What `aggregate_pairs` returns.
        users: `user, user_id` of every training user; the id is null where the k-core dropped it.
        items: `item, item_id` likewise.

    Returns:
        The pairs with `user_id, item_id, reason`; `reason` is null where both ids are known.
    """
    is_kept = F.col("user_id").isNotNull() & F.col("item_id").isNotNull()
    is_known = F.col("_user").isNotNull() & F.col("_item").isNotNull()
    reason = F.when(is_kept, None).when(is_known, "k_core").otherwise("not_in_train")
    return (
        pairs.join(users.withColumn("_user", F.lit(1)), "user", "left")
        .join(items.withColumn("_item", F.lit(1)), "item", "left")
        .withColumn("reason", reason)
        .drop("_user", "_item")
    )


def select_interactions(labelled: DataFrame) -> DataFrame:
    """Return the kept pairs as rows of `interactions`."""
    return labelled.where(F.col("reason").isNull()).select(INTERACTIONS.column_names)


def count_events(labelled: DataFrame) -> tuple[int, dict[str, int]]:
    """Count the events in kept pairs, and the other events by reason, `repeated_pair` among them.

    Events of a kept pair in a later part than its own are repetitions: whoever knows the pair from
    training has nothing to predict.
    """
    counted = labelled.groupBy("reason").agg(F.sum("count"), F.sum("later_count")).collect()
    kept, rejected = 0, {}  # at most one row per reason
    for reason, count, later in counted:
        if reason is None:
            kept, rejected["repeated_pair"] = count, later
        else:
            rejected[reason] = count + later
    return kept, {reason: count for reason, count in sorted(rejected.items()) if count}


def require_balance(events: int, kept: int, rejected: dict[str, int]) -> None:
    """Assert that every event is in a kept pair or has one reason.

    Raises:
        VectormillError: The counts differ.
    """
    if events != kept + sum(rejected.values()):
        raise VectormillError(
            f"events were lost or made up: {events} in, {kept} kept, {rejected} left out"
        )
