"""The item-KNN baseline: cosine similarity of items by the users they share (Sarwar et al. 2001).

Its cost is the sum over users of the square of their number of items, so that number is limited.
"""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

_MOST_ITEMS = 500  # most items per user that are used


def similar_items(train: DataFrame, *, neighbours: int, seed: int) -> DataFrame:
    """Return `item_id, other, score`: the most similar items of each item.

    The score of items i and j is |U_i ∩ U_j| / √(|U_i| |U_j|), U being the users of an item.

    Args:
        train: `user_id, item_id`, each pair once.
        neighbours: Similar items per item; of equal scores the lower ids.
        seed: Chooses the items of a user who has more than 500.
    """
    by_chance = Window.partitionBy("user_id").orderBy(F.xxhash64("item_id", F.lit(seed)), "item_id")
    place = F.row_number().over(by_chance)
    some = train.select("user_id", "item_id", place.alias("place")).where(
        F.col("place") <= _MOST_ITEMS
    )
    pairs = some.select("user_id", "item_id")
    others = pairs.withColumnRenamed("item_id", "other")
    shared = pairs.join(others, "user_id").where("item_id != other")
    counted = shared.groupBy("item_id", "other").agg(F.count(F.lit(1)).alias("both"))
    users = pairs.groupBy("item_id").agg(F.count(F.lit(1)).alias("users"))
    of_other = users.select(F.col("item_id").alias("other"), F.col("users").alias("other_users"))
    cosine = F.col("both") / F.sqrt(F.col("users") * F.col("other_users"))
    scored = counted.join(users, "item_id").join(of_other, "other").withColumn("score", cosine)
    nearest = Window.partitionBy("item_id").orderBy(F.desc("score"), "other")
    ranked = scored.withColumn("place", F.row_number().over(nearest))
    return ranked.where(F.col("place") <= neighbours).select("item_id", "other", "score")


def recommend(users: DataFrame, similar: DataFrame, *, k: int, column: str) -> DataFrame:
    """Return the users with a column of the items most similar to their own, best first.

    The score of an item is the sum of its similarities to the items of the user.

    Args:
        users: `user_id, seen` and more.
        similar: Frame of `similar_items`.
        k: Items per user; of equal scores the lower ids.
        column: Name of the column; null for users whose items have no neighbour.
    """
    has = users.select("user_id", F.explode("seen").alias("item_id"))
    scores = (
        has.join(similar, "item_id").groupBy("user_id", "other").agg(F.sum("score").alias("score"))
    )
    known = has.select("user_id", F.col("item_id").alias("other"))
    new = scores.join(known, ["user_id", "other"], "left_anti")
    best = Window.partitionBy("user_id").orderBy(F.desc("score"), "other")
    ranked = new.withColumn("place", F.row_number().over(best)).where(F.col("place") <= k)
    gathered = F.array_sort(F.collect_list(F.struct("place", "other")))
    lists = ranked.groupBy("user_id").agg(F.transform(gathered, lambda x: x["other"]).alias(column))
    return users.join(lists, "user_id", "left")
