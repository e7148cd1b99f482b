"""Spark MLlib's ALS behind vectormill's tables: the reference to compare with."""

import time
from collections.abc import Mapping

from pyspark.ml.recommendation import ALS
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.als.cells.checks import checked, require_keys
from pipelines.als.config import AlsSettings
from pipelines.als.vectors import known_key
from pipelines.cluster import progress
from pipelines.training.rounds import Trained


def train(frames: Mapping[str, DataFrame], settings: AlsSettings) -> Trained:
    """Factorise the training interactions (Hu, Koren and Volinsky 2008, or explicit) in MLlib.

    Args:
        frames: `interactions`, `user_ids`, `item_ids`.
        settings: Settings.

    Returns:
        One row per user and item of the training split: `entity, key, vector`; and the seconds.

    Raises:
        InputError: Interactions cannot be trained on, see `checks`.
    """
    pairs = frames["interactions"].where(F.col("split") == "train")
    counts = checked(pairs, settings.objective)
    require_keys(frames, {"users": counts["user"] + 1, "items": counts["item"] + 1})
    trainer = ALS(
        rank=settings.rank,
        maxIter=settings.max_iter,
        regParam=settings.reg_param,
        alpha=settings.alpha,
        implicitPrefs=settings.objective == "hu2008",
        nonnegative=settings.is_nonnegative,
        seed=settings.seed,
        userCol="user_id",
        itemCol="item_id",
        ratingCol="weight",
    )
    progress.report(engine="mllib", passes=settings.max_iter)
    started = time.monotonic()
    model = trainer.fit(pairs.select("user_id", "item_id", "weight"))
    seconds = time.monotonic() - started
    users = _named(model.userFactors, frames["user_ids"], "user")
    items = _named(model.itemFactors, frames["item_ids"], "item")
    history = [(settings.max_iter, "seconds", seconds)]
    return Trained(users.unionByName(items), history, {"seconds": seconds})


def _named(factors: DataFrame, ids: DataFrame, entity: str) -> DataFrame:
    keyed = factors.join(ids.select("id", "key"), "id", "left")
    key = known_key(f"{entity}_ids").alias("key")
    return keyed.select(F.lit(entity).alias("entity"), key, F.col("features").alias("vector"))
