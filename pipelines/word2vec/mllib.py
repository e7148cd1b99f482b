"""Spark MLlib's Word2Vec behind vectormill's tables: the reference to compare with."""

import time
from collections.abc import Mapping

from pyspark.ml.feature import Word2Vec
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.cluster import progress
from pipelines.training.rounds import RoundState, Trained
from pipelines.word2vec.config import TrainWord2VecConfig


def train(
    frames: Mapping[str, DataFrame],
    config: TrainWord2VecConfig,
    state: RoundState,  # noqa: ARG001  (what every trainer is given)
) -> Trained:
    """Train skip-gram vectors with hierarchical softmax (Mikolov et al. 2013) in MLlib.

    Args:
        frames: `sentences` (`token_ids`) and `vocabulary` (`token_id, token`).
        config: TrainerParameters.
        state: Not used: MLlib keeps nothing between passes.

    Returns:
        One row per token of the vocabulary that occurs: `entity, key, vector`; and measures.
    """
    texts = frames["sentences"].select(F.col("token_ids").cast("array<string>").alias("tokens"))
    trainer = Word2Vec(
        vectorSize=config.vector_size,
        windowSize=config.window_size,
        stepSize=config.first_rate,
        maxIter=config.max_iter,
        numPartitions=config.num_partitions,
        seed=config.seed,
        minCount=0,
        maxSentenceLength=config.max_sentence_length,
        inputCol="tokens",
        outputCol="vector",
    )
    progress.report(engine="mllib", passes=config.max_iter)
    started = time.monotonic()
    trained = trainer.fit(texts).getVectors()
    seconds = time.monotonic() - started
    vectors = trained.select(
        F.col("word").cast("int").alias("token_id"),
        vector_to_array(F.col("vector"), dtype="float32").alias("vector"),
    )
    named = vectors.join(frames["vocabulary"].select("token_id", "token"), "token_id", "inner")
    keyed = named.select(
        F.lit(config.entity).alias("entity"), F.col("token").alias("key"), "vector"
    )
    return Trained(keyed, [(config.max_iter, "seconds", seconds)], {"seconds": seconds})
