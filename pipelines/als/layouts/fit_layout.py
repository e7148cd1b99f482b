"""Where a fit runs: whole in one executor, or in half-sweeps over blocks on all of them."""

from dataclasses import dataclass

from pyspark.sql import SparkSession

from pipelines.als.cells.blocks import InteractionsSurvey
from pipelines.als.config import AlsSettings
from pipelines.cluster.executors import executor_heap, executor_memory, executor_threads

_MARGIN = 1 << 29  # bytes of a worker besides cells and factors
_LEAST_HELD = 16_384  # rows of the other side that a task holds at least
_PLACE_BYTES = 6  # bytes per row of the other side to find the rows that a task holds


@dataclass(frozen=True)
class FitLayout:
    """How a fit is laid out.

    Args:
        layout: `packed` or `blocked`.
        why: The reason, and how much a task holds where that is not all, for the summary.
        threads: Threads of a task.
        tasks: Tasks of a half-sweep.
        held: Rows of the other side that a task holds at once; see `held_rows.held_rows`.
    """

    layout: str
    why: str
    threads: int
    tasks: int
    held: int


def packed_bytes(survey: InteractionsSurvey, dimension: int) -> int:
    """Return the bytes of a fit that one task holds: cells of both sides, factors, a margin."""
    cells, factors = survey.pairs * 8, (survey.users + survey.items) * dimension * 4
    return 2 * cells + 3 * factors + _MARGIN


def packed_at_once(spark: SparkSession, needed: int) -> int:
    """Return how many fits of so many bytes one executor holds, at most one per core."""
    return min(executor_threads(spark), _memory(spark) // needed)


def _memory(spark: SparkSession) -> int:
    """Return the bytes that an executor has for Python.

    Where they are not configured, as on a standalone cluster, the size of the JVM's heap is taken.
    """
    return executor_memory(spark) or executor_heap(spark)


def choose_layout(
    spark: SparkSession,
    settings: AlsSettings,
    survey: InteractionsSurvey,
    dimension: int,
    begun: str | None = None,
) -> FitLayout:
    """Return the layout; `auto` is decided by the fit's bytes and an executor's memory.

    Args:
        spark: Session.
        settings: Settings.
        survey: Counts of the interactions.
        dimension: Columns of the factors.
        begun: Layout that the fit was begun in, if it goes on: it keeps this layout.
    """
    memory = _memory(spark)
    needed, larger = packed_bytes(survey, dimension), max(survey.users, survey.items)
    layout, why = begun or str(settings.layout), "as it began" if begun else "as configured"
    if layout == "auto":
        fits = needed <= memory
        layout = "packed" if fits else "blocked"
        verb = "fit" if fits else "do not fit"
        why = f"{needed / 2**30:.1f} GiB {verb} an executor's {memory / 2**30:.1f} GiB"
    cores = executor_threads(spark)
    if layout == "packed":
        return FitLayout(layout, why, settings.threads or cores, 1, larger)
    threads = settings.threads or 1
    held = _held(memory, max(1, cores // threads), larger, dimension)
    if settings.threads is None and held < larger:  # one task per executor, instead of one per core
        threads, held = cores, _held(memory, 1, larger, dimension)
    if held < larger:
        why += f"; a task holds {held:,} rows of the larger side at once"
    tasks = max(1, int(spark.sparkContext.defaultParallelism) // threads)
    return FitLayout(layout, why, threads, min(survey.blocks, tasks), held)


def _held(memory: int, side_by_side: int, larger: int, dimension: int) -> int:
    """Return the rows that each of some tasks holds, each twice: as stored, and in the basis."""
    room, row = (memory - _MARGIN) // side_by_side, 2 * dimension * 4
    if larger * row <= room:
        return larger
    return max(_LEAST_HELD, (room - _PLACE_BYTES * larger) // row)
