"""Where a fit runs: whole in one executor, or in half-sweeps over blocks on all of them."""

from dataclasses import dataclass

from pyspark.sql import SparkSession

from pipelines.als.cells.blocks import InteractionsSurvey
from pipelines.als.config import TrainAlsConfig
from pipelines.cluster.executors import executor_heap, executor_memory, executor_threads

_MARGIN = 1 << 29  # bytes of a worker beside cells and factors
_LEAST_HELD = 16_384
_PLACE = 6  # bytes of a row of the other side by which a task finds those it holds


@dataclass(frozen=True)
class FitLayout:
    """How a fit is laid out.

    Args:
        layout: `packed` or `blocked`.
        why: The reason, and what a task holds where that is not all, for the reader.
        threads: Threads of a task.
        tasks: Tasks of a half-sweep.
        held: Rows of the other side that a task holds at once; see `opposite.held_rows`.
    """

    layout: str
    why: str
    threads: int
    tasks: int
    held: int


def packed_bytes(found: InteractionsSurvey, dimension: int) -> int:
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


def choose_layout(
    spark: SparkSession, config: TrainAlsConfig, found: InteractionsSurvey, dimension: int,
    begun: str | None = None,
) -> FitLayout:  # fmt: skip
    """Decide the layout where it is `auto`, from measured bytes and an executor's memory.

    Where Python's memory is not configured, as on a standalone cluster, as much as the JVM has is
    taken for it. A fit that was begun in a layout goes on in it.
    """
    memory = executor_memory(spark) or executor_heap(spark)
    needed, larger = packed_bytes(found, dimension), max(found.users, found.items)
    layout, why = begun or str(config.layout), "as it began" if begun else "as configured"
    if layout == "auto":
        fits = needed <= memory
        layout = "packed" if fits else "blocked"
        told = "fit" if fits else "do not fit"
        why = f"{needed / 2**30:.1f} GiB {told} an executor's {memory / 2**30:.1f} GiB"
    cores = executor_threads(spark)
    if layout == "packed":
        return FitLayout(layout, why, config.threads or cores, 1, larger)
    threads = config.threads or 1
    held = _held(memory, max(1, cores // threads), larger, dimension)
    if config.threads is None and held < larger:  # rather once an executor than once a core
        threads, held = cores, _held(memory, 1, larger, dimension)
    if held < larger:
        why += f"; a task holds {held:,} rows of the larger side at once"
    tasks = max(1, int(spark.sparkContext.defaultParallelism) // threads)
    return FitLayout(layout, why, threads, min(found.blocks, tasks), held)


def _held(memory: int, side_by_side: int, larger: int, dimension: int) -> int:
    """Return the rows that each of some tasks holds: as they are stored, and turned."""
    room, row = (memory - _MARGIN) // side_by_side, 2 * dimension * 4
    return larger if larger * row <= room else max(_LEAST_HELD, (room - _PLACE * larger) // row)
