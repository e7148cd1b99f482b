"""Word2Vec by many trainers: quality beside one trainer, cost of a round, growth, memory.

`CASES` of the environment names cases; `TRAINERS`, `ROUNDS`, `SEEDS`, `DIMENSION`, `THREADS` (of a
trainer) and `MERGES` (`equilibrium`, `mean`, `sum`) shape the grid of `trainers`. A cell of 48
rounds takes two to four minutes on two cores.
"""

import itertools
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from _measuring import ROOT
from _memory import peaks_of
from _text8 import Corpus, load, mean_ratio, quality, write_tables
from _word2vec_job import mllibs, train
from pyspark.sql import SparkSession

from pipelines.cluster.session import open_session
from pipelines.errors import ConfigError
from pipelines.word2vec.modes import merge, replicated_rounds

TRAINERS = [int(n) for n in os.environ.get("TRAINERS", "4,16,64").split(",")]
ROUNDS = int(os.environ["ROUNDS"]) if "ROUNDS" in os.environ else None  # by their own rule
SEEDS = int(os.environ.get("SEEDS", "3"))
DIMENSION = int(os.environ.get("DIMENSION", "100"))
THREADS = int(os.environ.get("THREADS", "1"))
MERGES = os.environ.get("MERGES", "equilibrium").split(",")
CASES = os.environ.get("CASES", "trainers,rotated,growth,threads,round,memory").split(",")
SHARES = {
    "mean": lambda stiffness, trainers: np.ones_like(stiffness) / trainers,
    "sum": lambda stiffness, trainers: np.ones_like(stiffness * trainers),
}
"""What is kept of trainers' summed moves, as `merge.relaxation_share` has it."""
RESULTS = ROOT / "build" / "bench" / "scaling.jsonl"


def session(folder: Path, master: str = "local[2]") -> SparkSession:
    """Open a session whose tables and logs lie in a folder."""
    settings = {"spark.driver.memory": "6g", "spark.local.dir": str(folder / "local")}
    return open_session("scaling", master=master, settings=settings, log_folder=folder)


def note(**content: Any) -> None:
    """Print a result and append it to `build/bench/scaling.jsonl`: long grids survive a cut."""
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    print(json.dumps(content), flush=True)
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(content) + "\n")


def trainers(spark: SparkSession, corpus: Corpus, folder: Path) -> None:
    """Train three epochs by one trainer (five seeds) and by many (three seeds each)."""
    ones = []
    for seed in range(1, SEEDS + 3):
        seconds, vectors, _ = train(
            spark, corpus, folder, seed=seed, mode="packed", threads=1, vector_size=DIMENSION
        )
        ones.append(quality(vectors))
        note(
            case="trainers",
            trainers=1,
            dimension=DIMENSION,
            seed=seed,
            **ones[-1],
            seconds=round(seconds),
        )
    for rule, count in itertools.product(MERGES, TRAINERS):
        own = {"trainers": count, "rounds": ROUNDS, "threads": THREADS, "vector_size": DIMENSION}
        cell = []
        with merging_by(rule):
            for seed in range(1, SEEDS + 1):
                told = {"case": "trainers", "merge": rule, "seed": seed, **own}
                try:
                    seconds, vectors, _ = train(
                        spark, corpus, folder, name=rule, seed=seed, mode="replicated", **own
                    )
                except ConfigError as error:  # it diverged
                    note(**told, error=str(error))
                    continue
                cell.append(quality(vectors))
                note(**told, **cell[-1], seconds=round(seconds))
        if cell:
            note(case="trainers", merge=rule, **own, mean_ratio=mean_ratio(cell, ones))


@contextmanager
def merging_by(rule: str) -> Iterator[None]:
    """Merge by another rule than ours: the mean of trainers' moves, as MLlib has it, or the sum."""
    original = replicated_rounds.merge_task

    def merge_task(job: replicated_rounds.MergedRound) -> replicated_rounds.Task:
        run = original(job)

        def ruled(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            ours, merge.relaxation_share = merge.relaxation_share, SHARES[rule]  # in the worker
            try:
                yield from run(batches)
            finally:
                merge.relaxation_share = ours

        return ruled

    if rule != "equilibrium":
        replicated_rounds.merge_task = merge_task
    try:
        yield
    finally:
        replicated_rounds.merge_task = original


def rotated(spark: SparkSession, corpus: Corpus, folder: Path) -> None:
    """Train three epochs of a model in parts that go around the trainers."""
    for count in TRAINERS:
        for seed in range(1, SEEDS + 1):
            seconds, vectors, found = train(
                spark,
                corpus,
                folder,
                seed=seed,
                mode="rotated",
                trainers=count,
                threads=1,
                vector_size=DIMENSION,
            )
            note(
                case="rotated",
                trainers=count,
                dimension=DIMENSION,
                seed=seed,
                **quality(vectors),
                seconds=round(seconds),
                **found,
            )


def growth(spark: SparkSession, folder: Path) -> None:
    """Train one epoch of 1, 2, 4 and 8 parts of the text."""
    for part in (1, 2, 4, 8):
        corpus = load(folder, words=2_000_000 * part)
        place = folder / f"part{part}"
        place.mkdir()
        write_tables(spark, corpus, place)
        train(spark, corpus, place, max_iter=1, seed=99)
        seconds, _, found = train(spark, corpus, place, max_iter=1, seed=1)
        note(case="growth", words=corpus.raw, seconds=round(seconds, 1), **found)


def threads(spark: SparkSession, corpus: Corpus, folder: Path) -> None:
    """Train one epoch by one thread and by two, five times in turn."""
    ratios = []
    for seed in range(1, 6):
        speeds = []
        for count in (1, 2):
            _, _, found = train(spark, corpus, folder, max_iter=1, seed=seed, threads=count)
            note(case="threads", threads=count, seed=seed, **found)
            speeds.append(found["tokens_per_second"])
        ratios.append(speeds[1] / speeds[0])
    note(case="threads", median_ratio=round(statistics.median(ratios), 2))


def cost_of_a_round(spark: SparkSession, folder: Path) -> None:
    """Train next to nothing in 4 and in 24 rounds: what a round costs beside its training."""
    corpus = load(folder, words=200_000)
    place = folder / "little"
    place.mkdir()
    write_tables(spark, corpus, place)
    for count in (2, 16):
        asked = {"mode": "replicated", "trainers": count, "max_iter": 1, "threads": 1}
        train(spark, corpus, place, seed=99, rounds=4, **asked)
        few, many = (train(spark, corpus, place, seed=1, rounds=n, **asked)[0] for n in (4, 24))
        note(
            case="round",
            trainers=count,
            vocabulary=len(corpus.words),
            seconds_per_round=round((many - few) / 20, 2),
        )


def isolated_mllib(corpus: Corpus, folder: Path) -> None:
    """Fit MLlib on four executors, where its trainers are isolated as ours are."""
    spark = session(folder, "local-cluster[4,1,1024]")
    speed, vectors = mllibs(spark, corpus, partitions=4, seed=1)
    note(case="mllib", executors=4, **quality(vectors), words_per_second=round(speed))
    spark.stop()


def memory(folder: Path) -> None:
    """Train two trainers on two executors, of ten thousand tokens' vectors to a million's."""
    for size in (10_000, 100_000, 1_000_000):
        place = folder / f"memory-{size}"
        place.mkdir()
        spark = session(folder)
        write_tables(spark, drawn(size), place)
        spark.stop()
        settings = {
            "inputs.sentences": place / "sentences",
            "inputs.vocabulary": place / "vocabulary",
            "outputs.vectors": place / "vectors",
            "mode": "replicated",
            "trainers": 2,
            "rounds": 4,
            "max_iter": 1,
            "vector_size": 100,
            "threads": 1,
        }
        peaks = peaks_of("train_word2vec", settings, folder)
        note(case="memory", vocabulary=size, model_megabytes=size * 100 * 2 * 4 >> 20, **peaks)


def drawn(size: int, tokens: int = 5_000_000) -> Corpus:
    """Return tokens drawn by Zipf's law, each of a vocabulary once at least."""
    rng = np.random.default_rng(1)
    chances = np.cumsum(1 / np.arange(1, size + 1))
    found = np.searchsorted(chances, rng.random(tokens - size) * chances[-1])
    found = rng.permutation(np.concatenate([found, np.arange(size)])).astype(np.int32)
    counts = np.bincount(found, minlength=size)
    order = np.argsort(-counts, kind="stable")
    places = np.empty(size, np.int32)
    places[order] = np.arange(size)
    words, offsets = [f"t{n}" for n in range(size)], np.arange(0, tokens + 1, 1000)
    return Corpus(places[found], offsets, words, counts[order], tokens, Path())


def main() -> None:
    """Run the cases that were asked for."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = load(folder)
        spark = session(folder)
        write_tables(spark, corpus, folder)
        runs = {
            "trainers": lambda: trainers(spark, corpus, folder),
            "rotated": lambda: rotated(spark, corpus, folder),
            "growth": lambda: growth(spark, folder),
            "threads": lambda: threads(spark, corpus, folder),
            "round": lambda: cost_of_a_round(spark, folder),
        }
        for case in [c for c in CASES if c in runs]:
            runs[case]()
        spark.stop()
        if "mllib" in CASES:
            isolated_mllib(corpus, folder)
        if "memory" in CASES:
            memory(folder)


if __name__ == "__main__":
    sys.exit(main())
