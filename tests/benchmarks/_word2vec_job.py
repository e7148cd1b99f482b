"""`train_word2vec` as a whole on `local[2]`, beside gensim's `train` and MLlib's `fit`."""

import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
from _measuring import REPETITIONS, peer
from _text8 import NEGATIVE, RATE, SAMPLE, WINDOW, Corpus, gensims, keyed, mean_ratio, quality
from _text8 import write_tables as write_corpus
from gensim.models import KeyedVectors
from pyspark.ml.feature import Word2Vec
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.train_word2vec import run
from pipelines import tables
from pipelines.cluster.session import open_session
from pipelines.word2vec.config import TrainWord2VecConfig, Word2VecInputs, Word2VecOutputs
from schemas import VECTORS

EPOCHS = 3


def config(folder: Path, **changes: Any) -> TrainWord2VecConfig:
    """Return the benchmark's settings."""
    places = {"sentences": str(folder / "sentences"), "vocabulary": str(folder / "vocabulary")}
    outputs = Word2VecOutputs(vectors=str(folder / changes.pop("name", "") / "vectors"))
    return TrainWord2VecConfig(
        inputs=Word2VecInputs(**places),
        outputs=outputs,
        window_size=WINDOW,
        negative=NEGATIVE,
        sample=SAMPLE,
        step_size=RATE,
        **{"max_iter": EPOCHS, "vector_size": 100} | changes,
    )


def train(
    spark: SparkSession, corpus: Corpus, folder: Path, **changes: Any
) -> tuple[float, KeyedVectors, dict[str, Any]]:
    """Run the job, from tables to the registry's row; return seconds, vectors and measures.

    `name` is the folder of what is written: the same settings are not trained again in one.
    """
    started = time.perf_counter()
    result = run(spark, config(folder, **changes))
    seconds = time.perf_counter() - started
    stored = tables.read(spark, str(folder / changes.get("name", "") / "vectors"), VECTORS)
    table = stored.where(F.col("space_id") == result.space_id).select("key", "vector").toArrow()
    rows = dict(zip(table["key"].to_pylist(), range(table.num_rows), strict=True))
    flat = table["vector"].combine_chunks().flatten().to_numpy()
    matrix = flat.reshape(table.num_rows, -1)[[rows[word] for word in corpus.words]]
    return seconds, keyed(corpus.words, matrix), dict(result.measures)


def mllibs(
    spark: SparkSession, corpus: Corpus, *, partitions: int, seed: int
) -> tuple[float, KeyedVectors]:
    """Fit MLlib's Word2Vec to the lines; return words per second and the vectors."""
    lines = spark.read.text(str(corpus.file)).select(F.split("value", " ").alias("words"))
    lines = lines.repartition(partitions).cache()
    lines.count()
    model = Word2Vec(
        inputCol="words",
        vectorSize=100,
        windowSize=WINDOW,
        minCount=5,
        stepSize=RATE,
        maxIter=EPOCHS,
        numPartitions=partitions,
        seed=seed,
    )
    started = time.perf_counter()
    fitted = model.fit(lines)
    speed = corpus.raw * EPOCHS / (time.perf_counter() - started)
    found = {row["word"]: row["vector"].toArray() for row in fitted.getVectors().collect()}
    lines.unpersist()
    return speed, keyed(corpus.words, np.array([found[w] for w in corpus.words], np.float32))


def job_rows(corpus: Corpus, folder: Path) -> list[dict[str, Any]]:
    """Return the whole job beside each peer, after the same epochs."""
    settings = {"spark.driver.memory": "6g", "spark.local.dir": str(folder / "local")}
    spark = open_session("benchmark", master="local[2]", settings=settings, log_folder=folder)
    write_corpus(spark, corpus, folder)
    train(spark, corpus, folder, max_iter=1, seed=99)  # compiled and warm, session included
    speeds, theirs, own, its = [], [], [], []
    for seed in range(1, REPETITIONS + 1):
        seconds, vectors, _ = train(spark, corpus, folder, seed=seed)
        speeds.append(corpus.raw * EPOCHS / seconds)
        own.append(quality(vectors))
        speed, vectors = gensims(corpus, 100, EPOCHS, seed, workers=2)
        theirs.append(speed)
        its.append(quality(vectors))
    speed, vectors = mllibs(spark, corpus, partitions=2, seed=1)
    spark.stop()
    mllib = [quality(vectors)]
    ours = statistics.median(speeds)
    gensim, spark_ml = f"{peer('gensim')}, workers=2, train()", f"{peer('pyspark')}'s MLlib, fit()"
    return [
        _row(corpus, ours, gensim, statistics.median(theirs), own, its, REPETITIONS),
        _row(corpus, ours, spark_ml, speed, own, mllib, 1),
    ]


def _row(
    corpus: Corpus,
    ours: float,
    name: str,
    value: float,
    own: list[dict[str, float]],
    its: list[dict[str, float]],
    runs: int,
) -> dict[str, Any]:
    scores = {"ours": own, "peer": its, "mean_ratio": mean_ratio(own, its)}
    return {
        "case": "local[2], whole job, d=100, three epochs",
        "metric": "words_per_second",
        "unit": "words/s",
        "ours": ours,
        "peer": name,
        "peer_value": value,
        "quality": scores,
        "rows": corpus.raw,
        "threads": 2,
        "runs": runs,
    }
