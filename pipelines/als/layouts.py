"""Where a fit runs: whole in one executor, or in half-sweeps over blocks on all of them."""

from dataclasses import dataclass

from pyspark.sql import SparkSession

from pipelines.als.config import TrainAlsConfig
from pipelines.als.packing import Survey
from pipelines.training.executors import executor_heap, executor_memory, executor_threads

_MARGIN = 1 << 29  # bytes of a worker beside cells and factors


@dataclass(frozen=True)
class Choice:
    """How a fit is laid out.

    Args:
        layout: `packed` or `blocked`.
        why: The reason, for the reader.
        threads: Threads of a task.
        tasks: Tasks of a half-sweep.
        is_whole: Whether a task holds all of the other side's factors.
    """

    layout: str
    why: str
    threads: int
    tasks: int
    is_whole: bool


def packed_bytes(found: Survey, dimension: int) -> int:
    """Return the bytes of a fit that one task holds: cells by both sides, factors, a margin."""
    cells, factors = found.pairs * 8, (found.users + found.items) * dimension * 4
    return 2 * cells + 3 * factors + _MARGIN


def packed_at_once(spark: SparkSession, needed: int) -> int:
    """Return how many fits of so many bytes one executor holds, one of its cores each; 0 for none.

    Where Python's memory is not configured, as on a standalone cluster, as much as the JVM has is
    taken for it.
    """
    memory = executor_memory(spark) or executor_heap(spark)
    return min(executor_threads(spark), memory // needed)


def choose(
    spark: SparkSession, config: TrainAlsConfig, found: Survey, dimension: int,
    begun: str | None = None,
) -> Choice:  # fmt: skip
    """Decide the layout where it is `auto`, from measured bytes and an executor's memory.

    Where Python's memory is not configured, as on a standalone cluster, as much as the JVM has is
    taken for it. A fit that was begun in a layout goes on in it.
    """
    cores, slots = executor_threads(spark), int(spark.sparkContext.defaultParallelism)
    memory = executor_memory(spark) or executor_heap(spark)
    needed = packed_bytes(found, dimension)
    layout, why = begun or str(config.layout), "as it began" if begun else "as configured"
    if layout == "auto":
        fits = needed <= memory
        layout = "packed" if fits else "blocked"
        told = "fit" if fits else "do not fit"
        why = f"{needed / 2**30:.1f} GiB {told} an executor's {memory / 2**30:.1f} GiB"
    if layout == "packed":
        return Choice(layout, why, config.threads or cores, 1, is_whole=True)
    threads = config.threads or 1
    side_by_side = max(1, cores // threads)
    larger = max(found.users, found.items) * dimension * 4
    is_whole = 2 * larger * side_by_side + _MARGIN <= memory
    tasks = min(found.blocks, max(1, slots // threads))
    return Choice(layout, why, threads, tasks, is_whole)
