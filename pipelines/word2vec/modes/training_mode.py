"""How many executors train a model together: decided from its size, the corpus and the cluster."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import SparkSession

from pipelines.cluster.executors import executor_memory, executor_threads
from pipelines.errors import ConfigError
from pipelines.word2vec.config import Word2VecSettings

_TOKENS_PER_SECOND = 1_000_000  # tokens per second of one thread at d = 100
_SHORT = 180  # seconds: training that one executor does faster is not shared
_MARGIN = 1 << 30  # bytes of a Python worker beside its copies of the model
_COPIES = {"packed": 1, "replicated": 2, "rotated": 1}  # of the model or part, per executor


@dataclass(frozen=True)
class TrainingMode:
    """How a model is trained.

    Args:
        mode: `packed`, `replicated` or `rotated`.
        why: The reason, for the summary.
        threads: Threads of a trainer.
        trainers: Copies of the model (replicated), or parts of it (rotated).
        tasks: Spark tasks that they are spread over.
    """

    mode: str
    why: str
    threads: int
    trainers: int = 1
    tasks: int = 1

    @property
    def described(self) -> str:
        """Return the trainers, threads and reason as text for the summary."""
        who = f"{self.trainers} trainers, " if self.mode != "packed" else ""
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return f"{who}{threads}, {self.why}"


def choose_mode(
    spark: SparkSession,
    settings: Word2VecSettings,
    *,
    vocabulary_size: int,
    tokens: int,
    is_new: bool = True,
    begun: Mapping[str, Any] | None = None,
) -> TrainingMode:
    """Decide the mode where it is `auto`, and how many trainers and threads there are.

    Args:
        spark: Session.
        settings: How vectors are trained.
        vocabulary_size: Token ids.
        tokens: Tokens of all sentences.
        is_new: Whether the model begins at random, not from earlier vectors.
        begun: `mode` and `trainers` of a run that goes on: it keeps them.

    Raises:
        ConfigError: What an executor must hold of the model does not fit its memory.
    """
    cores, slots = executor_threads(spark), int(spark.sparkContext.defaultParallelism)
    executors = max(1, slots // cores)
    model = vocabulary_size * settings.vector_size * 2 * 4
    memory = executor_memory(spark)
    mode, why = str(settings.mode), "as configured"
    if begun:
        mode, why = begun["mode"], "as it began"
        settings = settings.model_copy(update=dict(begun))
    if mode == "auto":
        mode, why = _decide(settings, cores, executors, tokens)
        whole = model * _COPIES[mode] + _MARGIN
        if memory and whole > memory and is_new and settings.architecture == "skip_gram":
            mode, why = "rotated", f"{mode} would take {_of_memory(whole, memory)}"
    trainers = settings.trainers or executors
    if mode == "rotated":
        parts = math.ceil(model / max(memory - _MARGIN, 1)) if memory else 1
        trainers = min(vocabulary_size, settings.trainers or max(executors, parts))
    needed = model * _COPIES[mode] // (trainers if mode == "rotated" else 1) + _MARGIN
    if memory and needed > memory:
        raise ConfigError(
            f"vector_size: the model of {vocabulary_size:,} tokens by {settings.vector_size} takes "
            f"{_of_memory(needed, memory)} in mode {mode}; raise spark.executor.memoryOverhead, or "
            "lower vector_size or the vocabulary (min_count of tokenize_corpus)"
        )
    if mode == "packed":
        return TrainingMode("packed", why, settings.threads or cores)
    threads = settings.threads or (1 if trainers > executors and mode == "replicated" else cores)
    return TrainingMode(mode, why, threads, trainers, min(trainers, max(1, slots // threads)))


def _of_memory(needed: int, memory: int) -> str:
    return f"{needed / 2**30:.1f} GiB of an executor, which has {memory / 2**30:.1f}"


def _decide(settings: Word2VecSettings, cores: int, executors: int, tokens: int) -> tuple[str, str]:
    threads = settings.threads or cores
    speed = threads * _TOKENS_PER_SECOND * min(1.0, 100 / settings.vector_size)
    alone = tokens * settings.max_iter / speed
    if executors == 1:
        return "packed", "one executor"
    if alone < _SHORT:
        return "packed", f"one executor alone takes about {max(1, round(alone))} s"
    return "replicated", f"one executor alone would take about {alone / 60:.0f} min"
