"""Spark MLlib's ALS behind vectormill's tables: the reference to compare with."""

import time
from collections.abc import Mapping

from pyspark.ml.recommendation import ALS
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.als.config import TrainAlsConfig
from pipelines.errors import InputError
from pipelines.training.progress import Progress


def train(
    frames: Mapping[str, DataFrame], config: TrainAlsConfig, progress: Progress | None = None
) -> tuple[DataFrame, dict[str, float]]:
    """Factorise the training interactions (Hu, Koren and Volinsky 2008, or explicit) in MLlib.

    Args:
        frames: `interactions`, `user_ids`, `item_ids`.
        config: Settings.
        progress: Told what is known while it trains: MLlib reports nothing itself.

    Returns:
        One row per user and item of the training split: `entity, key, vector`; and measures.

    Raises:
        InputError: There are no training interactions.
    """
    pairs = frames["interactions"].where(F.col("split") == "train")
    if pairs.isEmpty():
        raise InputError("interactions hold no pair of the split 'train'")
    trainer = ALS(
        rank=config.rank,
        maxIter=config.max_iter,
        regParam=config.reg_param,
        alpha=config.alpha,
        implicitPrefs=config.objective == "hu2008",
        nonnegative=config.is_nonnegative,
        seed=config.seed,
        userCol="user_id",
        itemCol="item_id",
        ratingCol="weight",
    )
    if progress is not None:
        progress.report(engine="mllib", passes=config.max_iter)
    started = time.monotonic()
    model = trainer.fit(pairs.select("user_id", "item_id", "weight"))
    measures = {"seconds": time.monotonic() - started}
    users = _named(model.userFactors, frames["user_ids"], "user")
    return users.unionByName(_named(model.itemFactors, frames["item_ids"], "item")), measures


def _named(factors: DataFrame, ids: DataFrame, entity: str) -> DataFrame:
    named = factors.join(ids.select("id", "key"), "id", "inner")
    return named.select(F.lit(entity).alias("entity"), "key", F.col("features").alias("vector"))
