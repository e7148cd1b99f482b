"""Where users are ranked: in one task of one executor, or in blocks by tasks on all of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import SparkSession

from pipelines.cluster.executors import executor_heap, executor_memory, executor_threads
from pipelines.errors import ConfigError
from pipelines.serving.config import RecommendItemsConfig
from pipelines.serving.seen import MOST_PLACES
from pipelines.storage.columns import Columns, sizes

_MARGIN = 1 << 29  # bytes of a worker beside tables and lists
_PAIR, _KEY = 40, 100  # bytes of a pair while it is cut, and of a row beside its vector
_PLACE = 100  # bytes of a place of a list while it is made and written
_OPERATIONS = 2e10  # multiplications a thread does in a second, at the least
_LONGEST = 30  # seconds; longer work is better done, watched and retried in parts
_MOST_FILES = 1_000  # whose footers are read
_MOST_COMPONENTS, _MOST_ROWS = 2**31 - 1, 10_000_000  # that Arrow sorts: offsets of 32 bits
_MOST_BY_ONE = 20_000_000  # places that one task of Spark's writes


@dataclass(frozen=True)
class RankingLayout:
    """How users are ranked.

    Args:
        layout: `packed` or `blocked`.
        why: The reason, for the reader.
        threads: Threads of the one task of `packed`.
    """

    layout: str
    why: str
    threads: int


def choose_layout(
    spark: SparkSession, columns: Mapping[str, Columns], config: RecommendItemsConfig
) -> RankingLayout:
    """Decide the layout where it is `auto`, from the footers of files and an executor's memory.

    Args:
        spark: Session.
        columns: `vectors`, `interactions`, `user_ids` and `item_ids` as they were read.
        config: Settings of the job.

    Raises:
        ConfigError: `packed` is asked for, and tasks of Python cannot read a table's files.
    """
    threads = executor_threads(spark)
    hidden = [name for name, each in columns.items() if not each.files]
    if config.layout == "packed" and hidden:
        raise ConfigError(
            f"layout: packed needs files that Python can read, and inputs.{hidden[0]} has none: it "
            "is empty, its files hold other rows too, or pyarrow has no such store; set layout: "
            "blocked"
        )
    if config.layout != "auto":
        return RankingLayout(config.layout, "as configured", threads)
    if hidden:
        return RankingLayout("blocked", f"{hidden[0]} has no files that tasks can read", threads)
    if sum(len(each.files) for each in columns.values()) > _MOST_FILES:
        return RankingLayout("blocked", f"inputs of more than {_MOST_FILES:,} files", threads)
    return _measured(spark, columns, config, threads)


def _measured(
    spark: SparkSession, columns: Mapping[str, Columns], config: RecommendItemsConfig, threads: int
) -> RankingLayout:
    rows, components = sizes(columns["vectors"].files, "vector")
    pairs, users, items = (
        sizes(columns[name].files)[0] for name in ("interactions", "user_ids", "item_ids")
    )
    users = len(config.users) or users
    lists = _PLACE * min(3 * threads * MOST_PLACES, users * config.k)
    needed = _MARGIN + 4 * 4 * components + _KEY * (rows + users + items) + _PAIR * pairs + lists
    memory = executor_memory(spark) or executor_heap(spark)
    seconds = users * items * components / max(rows, 1) / (threads * _OPERATIONS)
    told = f"{needed / 2**30:.1f} GiB of an executor's {memory / 2**30:.1f}, about {seconds:.0f} s"
    if components > _MOST_COMPONENTS or rows > _MOST_ROWS:
        return RankingLayout("blocked", f"too many for one task: {rows:,} vectors", threads)
    if needed > memory:
        return RankingLayout("blocked", f"too large for one executor: {told}", threads)
    if seconds > _LONGEST:
        return RankingLayout("blocked", f"too long for one task: {told}", threads)
    if config.format == "delta" and users * config.k > _MOST_BY_ONE:
        return RankingLayout("blocked", "one task alone would write the lists into Delta", threads)
    return RankingLayout("packed", f"fits one executor: {told}", threads)
