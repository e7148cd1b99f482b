"""Live progress of a job: its own step, tasks, rows, rate and elapsed time."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pyspark import SparkContext
from pyspark.sql import SparkSession
from rich.console import Console
from rich.status import Status

_DESCRIPTION = "spark.job.description"  # property of a thread: the text Spark shows of its jobs


class Progress:
    """Shows what a session is doing: a live line in a terminal, else one per `line_seconds`.

    Args:
        console: Where the line is shown.
        poll_seconds: Seconds between two queries of Spark's status.
        line_seconds: Seconds between two lines where the console is no terminal.
    """

    def __init__(
        self, console: Console, *, poll_seconds: float = 0.5, line_seconds: float = 30.0
    ) -> None:
        self.console = console
        self.note = ""
        self._poll_seconds, self._line_seconds = poll_seconds, line_seconds
        self._steps: list[str] = []
        self._lock = threading.Lock()

    @contextmanager
    def watch(self, title: str, spark: SparkSession) -> Iterator[None]:
        """Show the session's running step under a title while the block runs."""
        stop, before = threading.Event(), _WATCHING[:]
        self.note = ""
        _WATCHING[:] = [self]
        with Status(title, console=self.console, spinner="dots") as status:
            watcher = threading.Thread(
                target=self._poll, args=(title, spark, status, stop), daemon=True
            )
            watcher.start()
            try:
                yield
            finally:
                stop.set()
                watcher.join()
                _WATCHING[:] = before

    @contextmanager
    def stepping(self, name: str) -> Iterator[None]:
        """Count a step among those that run, in whatever thread, while the block runs."""
        with self._lock:
            self._steps.append(name)
        try:
            yield
        finally:
            with self._lock:
                self._steps.remove(name)

    def _poll(self, title: str, spark: SparkSession, status: Status, stop: threading.Event) -> None:
        store: Any = spark.sparkContext._jsc.sc().statusStore()
        started = time.monotonic()
        line_at = started + self._line_seconds
        while not stop.wait(self._poll_seconds):
            elapsed = f"{time.monotonic() - started:.0f} s"
            parts = [title, self._doing(_newest_stage(store)), self.note, elapsed]
            line = "  ".join(part for part in parts if part)
            if self.console.is_terminal:
                status.update(line)
            elif time.monotonic() >= line_at:
                self.console.print(line, highlight=False)
                line_at += self._line_seconds

    def _doing(self, stage: "Stage | None") -> str:
        with self._lock:
            steps = tuple(self._steps)
        counts = str(stage) if stage else ""
        return ": ".join(part for part in (_step_of(stage, steps), counts) if part)


_WATCHING: list[Progress] = []
"""The progress that is shown, if any; one per process, as steps run in several thread pools."""


@contextmanager
def step(name: str) -> Iterator[None]:
    """Name what a job does while the block runs, as "writing documents".

    The watched line and Spark's own pages show it for the Spark jobs that this thread starts.
    """
    context = SparkContext._active_spark_context
    before = context.getLocalProperty(_DESCRIPTION) if context else None
    _describe(context, name)
    try:
        if _WATCHING:
            with _WATCHING[0].stepping(name):
                yield
        else:
            yield
    finally:
        _describe(context, before)


def _describe(context: SparkContext | None, text: str | None) -> None:
    java: Any = getattr(context, "_jsc", None)  # None once the session is stopped
    if java is not None:
        java.setLocalProperty(_DESCRIPTION, text)


def report(**measures: float | int | str) -> None:
    """Show a trainer's measures, as `round=3, loss=2.31`, on the watched line until the next."""
    if _WATCHING:
        note = "  ".join(f"{name} {_short(value)}" for name, value in measures.items())
        _WATCHING[0].note = note


def _short(value: float | int | str) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _step_of(stage: "Stage | None", steps: Sequence[str]) -> str:
    """Return the step that a stage is of: the one that describes it, else the newest."""
    described = [name for name in steps if stage and name in stage.description]  # Delta adds to it
    return max(described, key=len) if described else next(reversed(steps), "")


@dataclass(frozen=True)
class Stage:
    """Spark's counts of an active stage."""

    description: str
    tasks_done: int
    tasks: int
    rows: int | None
    """Rows that its finished tasks read, else wrote; None where Spark counts something else."""
    seconds: float

    def __str__(self) -> str:
        done = f"{self.tasks_done}/{self.tasks} tasks"
        if self.rows is None:
            return done
        return f"{done}, {self.rows:,} rows, {self.rows / max(self.seconds, 0.1):,.0f} rows/s"


def _newest_stage(store: Any) -> Stage | None:
    """Return the newest active stage; None between stages."""
    try:
        stages = store.activeStages()
        if stages.isEmpty():
            return None
        stage = stages.head()
        described, began = stage.description(), stage.submissionTime().get().getTime() / 1000
        return Stage(
            description=described.get() if described.isDefined() else "",
            tasks_done=stage.numCompleteTasks(),
            tasks=stage.numTasks(),
            rows=_rows(stage, store),
            seconds=time.time() - began,
        )
    except Exception:  # the stage or the session ended between two calls
        return None


def _rows(stage: Any, store: Any) -> int | None:
    """Return a stage's rows; None where Spark does not count rows of data.

    It counts batches of a persisted frame, and the numbers of a range that numbers tasks.
    """
    read = stage.shuffleReadRecords()
    if not _reads_persisted(stage, store):
        read += stage.inputRecords()
    rows = int(read or stage.outputRecords())
    return rows if rows > stage.numTasks() else None


def _reads_persisted(stage: Any, store: Any) -> bool:
    persisted, own = store.rddList(True), set(stage.rddIds().mkString(",").split(","))
    kept = (persisted.apply(n) for n in range(persisted.size()))
    return any(
        str(rdd.id()) in own and rdd.numCachedPartitions() == rdd.numPartitions() for rdd in kept
    )
