"""How many executors train a model together: decided from its size, the corpus and the cluster."""

import re
from dataclasses import dataclass

import psutil
from pyspark.sql import SparkSession

from pipelines.errors import ConfigError
from pipelines.training.executors import executor_threads, is_local
from pipelines.word2vec.config import TrainWord2VecConfig

_TOKENS_PER_SECOND = 1_000_000  # of one thread, d = 100
_SHORT = 180  # seconds that one executor may train alone before others are worth their merges
_MARGIN = 1 << 30  # bytes of a worker beside the model's two copies and its slice
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


@dataclass(frozen=True)
class Choice:
    """How a model is trained.

    Args:
        mode: `packed` or `replicated`.
        why: The reason, for the reader.
        threads: Threads of a trainer.
        trainers: Trainers that begin a round from the same model.
        tasks: Spark tasks that they are spread over.
    """

    mode: str
    why: str
    threads: int
    trainers: int = 1
    tasks: int = 1

    @property
    def described(self) -> str:
        """Say it for the summary."""
        who = f"{self.trainers} trainers, " if self.mode != "packed" else ""
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return f"{who}{threads}, {self.why}"


def choose(
    spark: SparkSession, config: TrainWord2VecConfig, *, vocabulary_size: int, tokens: int
) -> Choice:
    """Decide the mode where it is `auto`, and how many trainers and threads there are.

    Raises:
        ConfigError: Two copies of the model do not fit the memory of an executor.
    """
    cores, slots = executor_threads(spark), int(spark.sparkContext.defaultParallelism)
    executors = max(1, slots // cores)
    model = vocabulary_size * config.vector_size * 2 * 4
    memory = executor_memory(spark)
    mode, why = str(config.mode), "as configured"
    if mode == "auto":
        mode, why = _decide(config, cores, executors, tokens)
    needed = model * (2 if mode == "replicated" else 1) + _MARGIN
    if memory and needed > memory:
        raise ConfigError(
            f"vector_size: the model of {vocabulary_size:,} tokens by {config.vector_size} takes "
            f"{needed / 2**30:.1f} GiB of an executor in mode {mode}, which has "
            f"{memory / 2**30:.1f}; raise spark.executor.memoryOverhead, or lower vector_size or "
            "the vocabulary (min_count of tokenize_corpus)"
        )
    if mode == "packed":
        return Choice("packed", why, config.threads or cores)
    trainers = config.trainers or executors
    threads = config.threads or (1 if trainers > executors else cores)
    return Choice("replicated", why, threads, trainers, min(trainers, max(1, slots // threads)))


def _decide(
    config: TrainWord2VecConfig, cores: int, executors: int, tokens: int
) -> tuple[str, str]:
    threads = config.threads or cores
    rate = threads * _TOKENS_PER_SECOND * min(1.0, 100 / config.vector_size)
    alone = tokens * config.max_iter / rate
    if executors == 1:
        return "packed", "one executor"
    if alone < _SHORT:
        return "packed", f"one executor alone takes about {max(1, round(alone))} s"
    return "replicated", f"one executor alone would take about {alone / 60:.0f} min"


def executor_memory(spark: SparkSession) -> int | None:
    """Return the bytes an executor has for Python beside its JVM; None where it is not known."""
    if is_local(spark):
        return int(psutil.virtual_memory().available)
    conf = spark.sparkContext.getConf()
    for name in ("spark.executor.pyspark.memory", "spark.executor.memoryOverhead"):
        value = conf.get(name)
        found = re.fullmatch(r"\s*(\d+)\s*([bkmgt]?)b?\s*", (value or "").lower())
        if found:
            return int(found[1]) * (_UNITS[found[2]] if found[2] else 1 << 20)
    return None
