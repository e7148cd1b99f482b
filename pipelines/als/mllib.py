"""Spark MLlib's ALS behind vectormill's tables: the reference to compare with."""

import time
from collections.abc import Mapping

from pyspark.ml.recommendation import ALS
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.als.cells.checks import checked, require_keys
from pipelines.als.config import TrainAlsConfig
from pipelines.als.vectors import known_key
from pipelines.cluster import progress
from pipelines.training.rounds import RoundState, Trained


def train(
    frames: Mapping[str, DataFrame],
    config: TrainAlsConfig,
    state: RoundState,  # noqa: ARG001  (what every trainer is given)
) -> Trained:
    """Factorise the training interactions (Hu, Koren and Volinsky 2008, or explicit) in MLlib.

    Args:
        frames: `interactions`, `user_ids`, `item_ids`.
        config: Settings.
        state: Whose session trains; MLlib keeps nothing between passes.

    Returns:
        One row per user and item of the training split: `entity, key, vector`; and measures.

    Raises:
        InputError: Interactions cannot be trained on, as `checks` has it.
    """
    pairs = frames["interactions"].where(F.col("split") == "train")
    found = checked(pairs, config.objective)
    require_keys(frames, {"users": found["user"] + 1, "items": found["item"] + 1})
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
    progress.report(engine="mllib", passes=config.max_iter)
    started = time.monotonic()
    model = trainer.fit(pairs.select("user_id", "item_id", "weight"))
    seconds = time.monotonic() - started
    users = _named(model.userFactors, frames["user_ids"], "user")
    items = _named(model.itemFactors, frames["item_ids"], "item")
    history = [(config.max_iter, "seconds", seconds)]
    return Trained(users.unionByName(items), history, {"seconds": seconds})


def _named(factors: DataFrame, ids: DataFrame, entity: str) -> DataFrame:
    named = factors.join(ids.select("id", "key"), "id", "left")
    key = known_key(f"{entity}_ids").alias("key")
    return named.select(F.lit(entity).alias("entity"), key, F.col("features").alias("vector"))
