"""Training events to sessions: what one user did without a long pause, as item ids in order."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from schemas import SESSIONS

_SECOND = 1_000_000  # microseconds


def cut_sessions(
    events: DataFrame, *, users: DataFrame, items: DataFrame, gap_seconds: float, max_length: int
) -> DataFrame:
    """Cut each user's training events into sessions, in the order of (time, event_id).

    A pause longer than the gap starts a session, and so does a session that is full. Events of
    users or items without an id, and those without a time, are left out before pauses are measured.

    Args:
        events: `event_id, user, item, micros, split`.
        users: `user, user_id`; the id is null where the user is not kept.
        items: `item, item_id` likewise.
        gap_seconds: Longest pause within a session.
        max_length: Most items of a session.

    Returns:
        Rows of `sessions`, of any length: one per session, numbered per user from 0.
    """
    in_order = Window.partitionBy("user").orderBy("micros", "event_id")
    so_far = in_order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    pause = F.col("micros") - F.lag("micros").over(in_order)
    is_first = F.coalesce(pause > round(gap_seconds * _SECOND), F.lit(True))
    kept_users = users.where(F.col("user_id").isNotNull())
    kept_items = items.where(F.col("item_id").isNotNull())
    placed = (
        events.where((F.col("split") == "train") & F.col("micros").isNotNull())
        .join(kept_users, "user", "left_semi")
        .join(kept_items, "item", "inner")
        .withColumn("_place", F.row_number().over(in_order))
        .withColumn("_start", F.max(F.when(is_first, F.col("_place"))).over(so_far))
        .withColumn("_begins", (F.col("_place") - F.col("_start")) % max_length == 0)
        .withColumn("_number", F.count_if("_begins").over(so_far) - 1)
    )
    ordered = F.array_sort(F.collect_list(F.struct("_place", "item_id")))
    return (
        placed.groupBy("user", "_number")
        .agg(ordered.alias("_items"))
        .select(
            F.format_string("%s:%06d", "user", "_number").alias("sentence_id"),
            F.col("user").alias("doc_id"),
            F.col("_items.item_id").alias("token_ids"),
        )
        .select(SESSIONS.column_names)
    )
