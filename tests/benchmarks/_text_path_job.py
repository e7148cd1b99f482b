"""From raw text to a staged space by the vectormill of PYTHONPATH, in one session: `IN FOLDER`.

The path is run on the folder `warm` of IN before, so that code is warm, then on `whole`. Printed
are the seconds of each job. With a third argument, `SPACES FOLDER SEEDS`, today's trainer trains so
many spaces on the tables of FOLDER, which may be older ones, and keeps them as `<seed>.npz`.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from _processor import processor_seconds
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs import clean_corpus, tokenize_corpus, train_word2vec

try:
    from pipelines.cluster.session import open_session
except ImportError:  # of before
    from pipelines.session import open_session  # type: ignore[no-redef]

TABLES: dict[Any, tuple[dict[str, str], list[str]]] = {
    clean_corpus: ({"corpus": "raw"}, ["documents"]),
    tokenize_corpus: ({"documents": "documents"}, ["sentences", "vocabulary"]),
    train_word2vec: ({"sentences": "sentences", "vocabulary": "vocabulary"}, ["vectors"]),
}
"""Inputs and outputs of each job."""


def run(spark: SparkSession, job: Any, raw: Path, folder: Path, **settings: Any) -> Any:
    """Run a job on the tables of a folder."""
    inputs, outputs = TABLES[job]
    given = {
        "inputs": {n: str(raw if t == "raw" else folder / t) for n, t in inputs.items()},
        "outputs": {name: str(folder / name) for name in outputs},
    }
    return job.run(spark, job.CONFIG.model_validate(given | settings))


def path(spark: SparkSession, raw: Path, folder: Path) -> dict[str, dict[str, float]]:
    """Run the three jobs, and return the seconds of each."""
    found = {}
    for job in TABLES:
        spent, started = processor_seconds(), time.perf_counter()
        run(spark, job, raw, folder)
        seconds = {"wall": time.perf_counter() - started, "cpu": processor_seconds() - spent}
        found[job.__name__.removeprefix("jobs.")] = seconds
    return found


def spaces(spark: SparkSession, folder: Path, seeds: int) -> list[str]:
    """Train spaces, and keep each as its tokens and vectors."""
    kept = []
    for seed in range(1, seeds + 1):
        result = run(spark, train_word2vec, folder, folder, seed=seed)
        stored = spark.read.format("delta").load(str(folder / "vectors"))
        rows = stored.where(F.col("space_id") == result.space_id).select("key", "vector").toArrow()
        matrix = np.stack(rows["vector"].to_numpy())
        kept.append(str(folder / f"{seed}.npz"))
        np.savez(kept[-1], words=np.array(rows["key"].to_pylist()), matrix=matrix)
    return kept


def main() -> None:
    """Run the path, or train spaces."""
    settings = {"spark.driver.memory": "4g", "spark.eventLog.enabled": "false"}
    spark = open_session("path", master="local[2]", settings=settings)
    if sys.argv[1] == "SPACES":
        print(json.dumps({"kept": spaces(spark, Path(sys.argv[2]), int(sys.argv[3]))}))
        return
    raw, folder = map(Path, sys.argv[1:])
    path(spark, raw / "warm", folder / "warm")
    print(json.dumps(path(spark, raw / "whole", folder / "whole")))


if __name__ == "__main__":
    main()
