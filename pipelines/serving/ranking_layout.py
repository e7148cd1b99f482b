"""Where users are ranked: `packed` by one task, `blocked` by tasks on all executors."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import SparkSession

from pipelines.cluster.executors import executor_heap, executor_memory, executor_threads
from pipelines.errors import ConfigError
from pipelines.serving.config import RecommendSettings
from pipelines.serving.seen import MOST_PLACES
from pipelines.storage.task_files.columns import Columns, sizes

_MARGIN = 1 << 29  # bytes that a worker needs besides tables and lists
_PAIR = 40  # bytes per interaction while pairs are grouped by user
_KEY = 100  # bytes per vector and per id for its key
_PLACE = 100  # bytes per recommended item while lists are made and written
_COPIES = 4  # of all components held at once: the table, the matrix, the panels, the queries
_COMPONENT = 4  # bytes of a float32
_OPERATIONS = 2e10  # multiplications per second of a thread, a low estimate
_LONGEST = 30  # seconds of one task; longer work gets tasks that can be watched and retried
_MOST_FILES = 1_000  # files whose footers the driver reads
_MOST_COMPONENTS = 2**31 - 1  # components per column: Arrow's list offsets have 32 bits
_MOST_ROWS = 10_000_000  # vectors that one task sorts
_MOST_BY_ONE = 20_000_000  # recommended items that one Spark task writes into Delta


@dataclass(frozen=True)
class RankingLayout:
    """How users are ranked.

    Args:
        layout: `packed` or `blocked`.
        why: The reason, for the job's summary.
        threads: Threads of the one task of `packed`.
    """

    layout: str
    why: str
    threads: int


def choose_layout(
    tables: Mapping[str, Columns], settings: RecommendSettings, *, stored_as: str
) -> RankingLayout:
    """Return the layout that is set, else choose by the files' footers and an executor's memory.

    Args:
        tables: `vectors`, `interactions`, `user_ids` and `item_ids` as they were read.
        settings: Settings.
        stored_as: Format of the table that is written, `delta` or `parquet`.

    Raises:
        ConfigError: `packed` is set, and Python cannot read a table's files.
    """
    spark = tables["vectors"].frame.sparkSession
    threads = executor_threads(spark)
    fileless = [name for name, each in tables.items() if not each.files]
    if settings.layout == "packed" and fileless:
        raise ConfigError(
            f"layout: packed needs files that Python can read, and inputs.{fileless[0]} has none: "
            "it is empty, its files hold other rows too, or pyarrow has no such store; set layout: "
            "blocked"
        )
    if settings.layout != "auto":
        return RankingLayout(settings.layout, "as configured", threads)
    if fileless:
        return RankingLayout("blocked", f"{fileless[0]} has no files that tasks can read", threads)
    if sum(len(each.files) for each in tables.values()) > _MOST_FILES:
        return RankingLayout("blocked", f"inputs of more than {_MOST_FILES:,} files", threads)
    work = _measure(spark, tables, settings, threads)
    obstacle = _obstacle(work, is_delta=stored_as == "delta")
    if obstacle:
        return RankingLayout("blocked", obstacle, threads)
    return RankingLayout("packed", f"fits one executor: {work}", threads)


@dataclass(frozen=True)
class _Work:
    """The work of ranking in one task.

    Args:
        vectors: Vectors read.
        components: Components of all vectors together.
        places: Recommended items, all users together.
        memory: Bytes needed.
        available: Bytes of memory of an executor; of its heap where only that is known.
        seconds: Seconds of ranking, by all threads.
    """

    vectors: int
    components: int
    places: int
    memory: int
    available: int
    seconds: float

    def __str__(self) -> str:
        needed, available = self.memory / 2**30, self.available / 2**30
        return f"{needed:.1f} GiB of an executor's {available:.1f}, about {self.seconds:.0f} s"


def _measure(
    spark: SparkSession, tables: Mapping[str, Columns], settings: RecommendSettings, threads: int
) -> _Work:
    vectors, components = sizes(tables["vectors"].files, "vector")
    pairs, users, items = (
        sizes(tables[name].files)[0] for name in ("interactions", "user_ids", "item_ids")
    )
    users = len(settings.users) or users
    lists = _PLACE * min(3 * threads * MOST_PLACES, users * settings.k)
    matrices = _COPIES * _COMPONENT * components
    memory = _MARGIN + matrices + _KEY * (vectors + users + items) + _PAIR * pairs + lists
    seconds = users * items * components / max(vectors, 1) / (threads * _OPERATIONS)
    available = executor_memory(spark) or executor_heap(spark)
    return _Work(vectors, components, users * settings.k, memory, available, seconds)


def _obstacle(work: _Work, *, is_delta: bool) -> str:
    """Return why one task cannot do the work; an empty text where it can."""
    if work.components > _MOST_COMPONENTS or work.vectors > _MOST_ROWS:
        return f"too many for one task: {work.vectors:,} vectors"
    if work.memory > work.available:
        return f"too large for one executor: {work}"
    if work.seconds > _LONGEST:
        return f"too long for one task: {work}"
    if is_delta and work.places > _MOST_BY_ONE:
        return "one task alone would write the lists into Delta"
    return ""
