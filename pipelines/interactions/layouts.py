"""Where a step's events are held: `packed` by one task, `blocked` by tasks on all executors."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pipelines import tables
from pipelines.cluster.executors import executor_bytes, executor_threads
from pipelines.errors import ConfigError
from pipelines.interactions.config import Layout
from pipelines.storage.places import locate
from pipelines.storage.task_files.buckets import MOST_BUCKETS
from pipelines.storage.task_files.columns import unpacked
from pipelines.storage.task_files.pieces import PieceWriter
from pipelines.table_store import TableStore
from schemas import Table

LOG = logging.getLogger("vectormill")
MARGIN = 1 << 29
"""Bytes that a worker needs besides events."""
_UNEVEN = 4  # buckets differ in size, and a worker needs more than its events
_BUCKETS_PER_CORE = 2
_MOST_ROWS = 1 << 30  # events that one task holds, whatever its memory
_MOST_FILES = 1_000  # files whose footers the driver reads


@dataclass(frozen=True)
class Choice:
    """How a step is done.

    Args:
        layout: `packed` or `blocked`.
        why: The reason, for the log.
        writers: By table, what writes pieces of it in tasks; empty where tasks cannot reach all
            files, so that Spark itself reads, shuffles and writes the rows of `blocked`.
        known: By table of ids, the files of an earlier run; empty likewise.
    """

    layout: str
    why: str
    writers: Mapping[str, PieceWriter]
    known: Mapping[str, Sequence[str]]

    @property
    def is_packed(self) -> bool:
        """Tell whether one task does the step."""
        return self.layout == "packed"

    @property
    def is_by_tasks(self) -> bool:
        """Tell whether tasks read and write the files themselves."""
        return bool(self.writers)

    def log(self) -> None:
        """Tell the choice in the run's log."""
        LOG.info("layout %s: %s", self.layout, self.why)


@dataclass(frozen=True)
class Work:
    """What one task would hold.

    Args:
        rows: Events.
        memory: Bytes.
    """

    rows: int
    memory: int


def work_of(files: Sequence[str], columns: Sequence[str], *, per_row: int, copies: int) -> Work:
    """Return the work of files of events; of very many files, some stand for all.

    Args:
        files: Parquet files.
        columns: Columns of strings that are read.
        per_row: Bytes per event of numbers.
        copies: How often the strings are held.
    """
    some = files[:_MOST_FILES]
    rows, size = (len(files) * each // len(some) for each in unpacked(some, columns))
    return Work(rows, MARGIN + per_row * rows + copies * size)


def fitted(store: TableStore, choice: Choice, layout: Layout, work: Work) -> Choice:
    """Return the choice, or `blocked` where `layout` is `auto` and the work fits no executor."""
    if not choice.is_packed or layout == "packed":
        return choice
    available = executor_bytes(store.spark)
    told = f"{work.memory / 2**30:.1f} GiB of an executor's {available / 2**30:.1f}"
    if work.rows > _MOST_ROWS:
        return replace(choice, layout="blocked", why=f"too many for one task: {work.rows:,} events")
    if work.memory > available:
        return replace(choice, layout="blocked", why=f"too large for one executor: {told}")
    return replace(choice, why=f"fits one executor: {told}")


def bucket_count(store: TableStore, work: Work) -> int:
    """Return the number of buckets of users: each is to fit a core, beside other cores' buckets."""
    cores = int(store.spark.sparkContext.defaultParallelism)
    of_core = executor_bytes(store.spark) // executor_threads(store.spark)
    needed = -(-_UNEVEN * (work.memory - MARGIN) // max(1, of_core))
    return min(max(_BUCKETS_PER_CORE * cores, needed), MOST_BUCKETS)


def choose(
    store: TableStore,
    layout: Layout,
    outputs: Sequence[Table],
    files: Sequence[str] | None = None,
    ids: Sequence[Table] = (),
) -> Choice:
    """Return the layout that is set, else `packed` where tasks reach all files.

    Whether the events fit is for `fitted` to say.

    Args:
        store: The tables of the run.
        layout: The setting.
        outputs: Tables that tasks are to write.
        files: Files of the input that they are to read; None where they are not known yet.
        ids: Outputs whose earlier rows they are to read.

    Raises:
        ConfigError: `packed` is set, and a table cannot be read or written by Python tasks.
    """
    known = _known(store, ids)
    writers = {
        table.name: store.scratch.writer(locate(store.spark, store.output(table.name)), table)
        for table in outputs
    }
    lacking = [name for name, found in known.items() if not found]
    lacking += [name for name, writer in writers.items() if writer is None]
    if files is not None and not files:
        lacking.insert(0, "events")
    if lacking:
        why = f"tasks cannot reach the files of {lacking[0]}"
        if layout == "packed":
            raise ConfigError(f"layout: packed: {why}; set layout: blocked")
        return Choice("blocked", f"{why}, so Spark shuffles the rows", {}, {})
    found = {name: writer for name, writer in writers.items() if writer is not None}
    if layout == "auto" and len(files or ()) > _MOST_FILES:
        return Choice("blocked", f"an input of more than {_MOST_FILES:,} files", found, known)
    if layout == "auto":
        return Choice("packed", "fits one executor", found, known)
    return Choice(layout, "as configured", found, known)


def _known(store: TableStore, ids: Sequence[Table]) -> dict[str, Sequence[str]]:
    """Return the files of the tables of ids that exist."""
    found: dict[str, Sequence[str]] = {}
    for table in ids:
        uri = store.output(table.name)
        if tables.exists(store.spark, uri):
            found[table.name] = tables.read_with_files(store.spark, uri, table)[1]
    return found
