"""Layout of a fit: packed (in one executor) or blocked (half-sweeps on all executors)."""

from dataclasses import dataclass

from pyspark.sql import SparkSession

from pipelines.als.cells.blocks import InteractionsSurvey
from pipelines.als.config import AlsSettings
from pipelines.cluster.executors import executor_heap, executor_memory, executor_threads

_MARGIN = 1 << 29  # bytes of a Python worker besides cells and factors: 512 MiB
_LEAST_HELD = 16_384  # fewest rows of the other side that a task holds at once
_PLACE_BYTES = 6  # bytes per row of the other side: an int32 place and two flags, see `held_rows`


@dataclass(frozen=True)
class FitLayout:
    """How a fit is laid out.

    Args:
        layout: `packed` or `blocked`.
        why: Reason for the layout, and the rows a task holds if not all; the summary shows it.
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
    """Return the bytes of a packed fit: both sides' cells, three copies of factors, a margin."""
    cells, factors = survey.pairs * 8, (survey.users + survey.items) * dimension * 4
    return 2 * cells + 3 * factors + _MARGIN


def packed_at_once(spark: SparkSession, needed: int) -> int:
    """Return how many fits of `needed` bytes one executor holds, at most one per core."""
    return min(executor_threads(spark), _memory(spark) // needed)


def _memory(spark: SparkSession) -> int:
    """Return the bytes that an executor has for Python; the heap's size if not configured.

    A standalone cluster, for example, configures the JVM's heap only.
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
        begun: Layout of the run that continues, which is kept; None for a new run.
    """
    memory = _memory(spark)
    needed, larger = packed_bytes(survey, dimension), max(survey.users, survey.items)
    layout, why = begun or str(settings.layout), "as it began" if begun else "as configured"
    if layout == "auto":
        fits = needed <= memory
        layout = "packed" if fits else "blocked"
        sizes = f"{needed / 2**30:.1f} GiB", f"an executor's {memory / 2**30:.1f} GiB"
        why = f"{sizes[0]} {'fit' if fits else 'do not fit'} {sizes[1]}"
    cores = executor_threads(spark)
    if layout == "packed":
        return FitLayout(layout, why, settings.threads or cores, 1, larger)
    threads = settings.threads or 1
    held = _held_rows(memory, max(1, cores // threads), larger, dimension)
    if settings.threads is None and held < larger:  # one task per executor, instead of one per core
        threads, held = cores, _held_rows(memory, 1, larger, dimension)
    if held < larger:
        why += f"; a task holds {held:,} rows of the larger side at once"
    tasks = max(1, int(spark.sparkContext.defaultParallelism) // threads)
    return FitLayout(layout, why, threads, min(survey.blocks, tasks), held)


def _held_rows(memory: int, parallel_tasks: int, size: int, dimension: int) -> int:
    """Return how many of a side's `size` rows each task can hold in its share of the memory.

    A row is held twice in float32: as stored, and in the basis of the eigenvectors.
    """
    task_memory, row_bytes = (memory - _MARGIN) // parallel_tasks, 2 * dimension * 4
    if size * row_bytes <= task_memory:
        return size
    return max(_LEAST_HELD, (task_memory - _PLACE_BYTES * size) // row_bytes)
