"""Spark MLlib's Word2Vec behind vectormill's tables: the reference to compare with."""

import time
from collections.abc import Mapping

from pyspark.ml.feature import Word2Vec
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.cluster import progress
from pipelines.training.rounds import Trained
from pipelines.word2vec.config import Word2VecSettings


def train(frames: Mapping[str, DataFrame], settings: Word2VecSettings) -> Trained:
    """Train skip-gram vectors with hierarchical softmax (Mikolov et al. 2013) in MLlib.

    Args:
        frames: `sentences` (`token_ids`) and `vocabulary` (`token_id, token`).
        settings: How vectors are trained.

    Returns:
        One row per token of the vocabulary that occurs: `entity, key, vector`; and measures.
    """
    texts = frames["sentences"].select(F.col("token_ids").cast("array<string>").alias("tokens"))
    trainer = Word2Vec(
        vectorSize=settings.vector_size,
        windowSize=settings.window_size,
        stepSize=settings.learning_rate,
        maxIter=settings.max_iter,
        numPartitions=settings.num_partitions,
        seed=settings.seed,
        minCount=0,
        maxSentenceLength=settings.max_sentence_length,
        inputCol="tokens",
        outputCol="vector",
    )
    progress.report(engine="mllib", passes=settings.max_iter)
    started = time.monotonic()
    with progress.step("training in MLlib"):
        trained = trainer.fit(texts).getVectors()
    seconds = time.monotonic() - started
    vectors = trained.select(
        F.col("word").cast("int").alias("token_id"),
        vector_to_array(F.col("vector"), dtype="float32").alias("vector"),
    )
    named = vectors.join(frames["vocabulary"].select("token_id", "token"), "token_id", "inner")
    keyed = named.select(
        F.lit(settings.entity).alias("entity"), F.col("token").alias("key"), "vector"
    )
    return Trained(keyed, [(settings.max_iter, "seconds", seconds)], {"seconds": seconds})
