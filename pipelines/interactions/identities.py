"""Dense ids of users and items that stay the same from run to run."""

import hashlib
from collections.abc import Iterable
from typing import Literal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.ids import with_dense_ids
from schemas import USER_IDS

EntitySide = Literal["user", "item"]
_HASH_DIGITS = 15  # hexadecimal, of the hash of an id and its key


def count_training_events(train: DataFrame, *, entity: EntitySide) -> DataFrame:
    """Return `key, count`: each user or item of the training pairs with its training events."""
    return train.groupBy(F.col(entity).alias("key")).agg(F.sum("count").alias("count"))


def assign_ids(counts: DataFrame, *, known: DataFrame | None) -> DataFrame:
    """Keep the ids that are known and append new ones, most frequent first, then by key.

    Ids are never reused: a key that is gone keeps its id and is retired until it comes back.

    Args:
        counts: One row per key: `key, count`.
        known: Rows of `user_ids` or `item_ids` of the run before, or None.

    Returns:
        One row per key that ever had an id, in the columns of `user_ids`.
    """
    order = [F.desc("count"), F.asc("key")]
    if known is None:
        numbered = with_dense_ids(counts, order=order, name="id")
        return numbered.withColumn("is_retired", F.lit(False)).select(USER_IDS.column_names)
    last = known.agg(F.max("id")).collect()[0][0]
    appended = with_dense_ids(
        counts.join(known, "key", "left_anti"),
        order=order,
        name="id",
        start=0 if last is None else last + 1,
    ).withColumn("is_retired", F.lit(False))
    kept = (
        known.select("id", "key")
        .join(counts, "key", "left")
        .select(
            "id",
            "key",
            F.coalesce("count", F.lit(0)).cast("bigint").alias("count"),
            F.col("count").isNull().alias("is_retired"),
        )
    )
    return kept.unionByName(appended).select(USER_IDS.column_names)


def content_version(ids: DataFrame) -> str:
    """Return a version of the ids in use that is the same wherever and whenever they are assigned.

    Interactions follow from events, settings, and the ids that earlier runs gave; these stand for
    them in the fingerprint, so that building the same again changes no version.
    """
    text = F.concat_ws(":", F.col("id").cast("string"), "key")
    hashed = F.conv(F.substring(F.md5(text), 1, _HASH_DIGITS), 16, 10).cast("decimal(38,0)")
    in_use = ids.where(~F.col("is_retired"))
    count, total = in_use.agg(F.count(F.lit(1)), F.sum(hashed)).collect()[0]
    return f"{count}:{total}"


def digest_of_ids(ids: Iterable[int], keys: Iterable[str]) -> str:
    """Return what `content_version` does, of ids in use that Python holds."""
    texts = [f"{number}:{key}".encode() for number, key in zip(ids, keys, strict=True)]
    hashes = (hashlib.md5(text, usedforsecurity=False).hexdigest() for text in texts)
    total = sum(int(each[:_HASH_DIGITS], 16) for each in hashes)
    return f"{len(texts)}:{total if texts else None}"


def training_keys(train: DataFrame, ids: DataFrame, *, entity: EntitySide) -> DataFrame:
    """Return each key of the training pairs with its id, null where it is not in use."""
    in_use = ids.where(~F.col("is_retired")).select(
        F.col("key").alias(entity), F.col("id").alias(f"{entity}_id")
    )
    return train.select(entity).distinct().join(in_use, entity, "left")
