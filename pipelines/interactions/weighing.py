"""What each event weighs, and where the global time split cuts."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import floor

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.errors import InputError
from pipelines.interactions.config import MOST_WEIGHT

_BUCKETS = 1 << 14


@dataclass(frozen=True)
class EventsSurvey:
    """What one pass over weighed events tells.

    Args:
        events: All events.
        kept: Events that have a weight.
        first: Time of the first kept event, microseconds since 1970.
        last: Time of the last kept event, microseconds since 1970.
        rejected: Events without a weight, by reason.
        unused_types: Types that have a weight of their own, and no events.
    """

    events: int
    kept: int
    first: int
    last: int
    rejected: dict[str, int]
    unused_types: list[str]

    def require_events(self) -> None:
        """Refuse events of which none has a weight.

        Raises:
            InputError: With the reasons.
        """
        if not self.kept:
            told = ", ".join(f"{count:,} for {name!r}" for name, count in self.rejected.items())
            raise InputError(f"inputs.events: no events to build from; left out: {told or 'none'}")

    @property
    def lines(self) -> list[str]:
        """Say which listed types no event has: most often a misspelt one."""
        return [f"event_weights: no event is of type {name!r}" for name in self.unused_types]


def weigh_events(
    events: DataFrame,
    *,
    event_weights: Mapping[str, float],
    unlisted_weight: float,
    use_value: bool,
    needs_time: bool = True,
) -> DataFrame:
    """Give each event its weight before decay, or the reason why it has none.

    Args:
        events: Rows of `events`.
        event_weights: Weight by type; 0 drops a type.
        unlisted_weight: Weight of types that are not listed.
        use_value: Whether the weight is multiplied by the value.
        needs_time: Whether an event without a time is left out.

    Returns:
        One row per event: `event_id, user, item, event_type, micros, weight, reason`; `micros` is
        the time in microseconds since 1970, `reason` is null where the weight counts. That is not
        so without user, item, time or value, and for weights not in (0, 1e12], which sums of many
        could not hold.
    """
    weight: Column = F.lit(float(unlisted_weight))
    for name, own in event_weights.items():
        weight = F.when(F.col("event_type") == name, float(own)).otherwise(weight)
    if use_value:
        weight = weight * F.col("value")
    return events.select(
        "event_id",
        "user",
        "item",
        "event_type",
        F.unix_micros("time").alias("micros"),
        weight.alias("weight"),
        _reason(weight, needs_time=needs_time).alias("reason"),
    )


def _reason(weight: Column, *, needs_time: bool) -> Column:
    """Return why an event has no weight; null where it has."""
    is_weight = (weight > 0) & (weight <= MOST_WEIGHT) & ~F.isnan(weight)
    return (
        F.when(F.coalesce(F.trim("user"), F.lit("")) == "", "has_user")
        .when(F.coalesce(F.trim("item"), F.lit("")) == "", "has_item")
        .when(F.isnull("time") & F.lit(needs_time), "has_time")
        .when(weight.isNull(), "has_value")
        .when(~is_weight, "event_weight")
    )


def survey_events(weighed: DataFrame, *, listed_types: list[str]) -> EventsSurvey:
    """Count weighed events by reason in one pass."""
    listed = F.when(F.col("event_type").isin(listed_types), F.col("event_type"))
    counted = (
        weighed.groupBy("reason", listed.alias("listed"))
        .agg(
            F.count(F.lit(1)).alias("events"),
            F.min("micros").alias("first"),
            F.max("micros").alias("last"),
        )
        .collect()
    )  # one row per reason and type that the configuration lists
    rejected: dict[str, int] = {}
    for row in counted:
        if row["reason"] is not None:
            rejected[row["reason"]] = rejected.get(row["reason"], 0) + row["events"]
    kept = [row for row in counted if row["reason"] is None]
    return EventsSurvey(
        events=sum(row["events"] for row in counted),
        kept=sum(row["events"] for row in kept),
        first=min((row["first"] or 0 for row in kept), default=0),
        last=max((row["last"] or 0 for row in kept), default=0),
        rejected=dict(sorted(rejected.items())),
        unused_types=sorted(set(listed_types) - {row["listed"] for row in counted}),
    )


def cut_times(
    weighed: DataFrame, survey: EventsSurvey, *, valid_share: float, test_share: float
) -> tuple[int, int]:
    """Return the last time of the training part and of the validation part.

    The latest `floor(n * test_share)` events are the test part, but for those at the very time of
    an event before them: ties go to the earlier part.

    Returns:
        Two times in microseconds since 1970, both of events.
    """
    # shares as they are written: in binary, 0.1 + 0.2 is more than 0.3
    test, later = Decimal(str(test_share)), Decimal(str(valid_share)) + Decimal(str(test_share))
    times = weighed.where(F.col("reason").isNull()).select("micros")
    train_end, valid_end = (
        _time_at(times, survey.kept - floor(survey.kept * share), survey.first, survey.last)
        for share in (later, test)
    )
    return train_end, valid_end


def split_events(weighed: DataFrame, *, train_end: int, valid_end: int) -> DataFrame:
    """Keep the events that have a weight and name the part of the time split each falls into."""
    micros = F.col("micros")
    is_train = micros.isNull() | (micros <= train_end)
    part = F.when(is_train, "train").when(micros <= valid_end, "valid")
    kept = weighed.where(F.col("reason").isNull()).drop("reason")
    return kept.withColumn("split", part.otherwise("test"))


def _time_at(times: DataFrame, rank: int, low: int, high: int) -> int:
    """Return the `rank`-th time from 1: exact, by counting in ever narrower buckets.

    Spark's exact percentile gathers all distinct times in one task.
    """
    while low < high:
        width = (high - low) // _BUCKETS + 1
        since = F.col("micros") - F.lit(low)
        bucket = (since - since % F.lit(width)).alias("bucket")
        counted = (
            times.where(F.col("micros").between(low, high))
            .groupBy(bucket)
            .agg(F.count(F.lit(1)), F.min("micros"), F.max("micros"))
            .collect()  # one row per bucket
        )
        for _, count, first, last in sorted(counted):
            if rank <= count:
                low, high = first, last
                break
            rank -= count
    return low
