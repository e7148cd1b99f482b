"""Live progress of a job: stage, tasks, rows, rate and elapsed time, read from Spark itself."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from pyspark.sql import SparkSession
from rich.console import Console
from rich.status import Status

_POLL_SECONDS = 0.5
_PLAIN_LINE_SECONDS = 30.0


class Progress:
    """Shows what a session is doing: a line that changes in a terminal, else one every 30 s."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.note = ""

    @contextmanager
    def watch(self, title: str, spark: SparkSession) -> Iterator[None]:
        """Show the session's running stage under a title while the block runs."""
        stop, started = threading.Event(), time.monotonic()
        self.note = ""
        token = _CURRENT.set(self)
        with Status(title, console=self.console, spinner="dots") as status:
            watcher = threading.Thread(
                target=self._poll, args=(title, spark, status, stop, started), daemon=True
            )
            watcher.start()
            try:
                yield
            finally:
                stop.set()
                watcher.join()
                _CURRENT.reset(token)

    def _poll(
        self,
        title: str,
        spark: SparkSession,
        status: Status,
        stop: threading.Event,
        started: float,
    ) -> None:
        store: Any = spark.sparkContext._jsc.sc().statusStore()
        plain_at = started + _PLAIN_LINE_SECONDS
        while not stop.wait(_POLL_SECONDS):
            elapsed = time.monotonic() - started
            line = f"{title}  {_stage_line(store)}{self.note}  {elapsed:.0f} s"
            if self.console.is_terminal:
                status.update(line)
            elif time.monotonic() >= plain_at:
                self.console.print(line, highlight=False)
                plain_at += _PLAIN_LINE_SECONDS


_CURRENT: ContextVar[Progress | None] = ContextVar("progress", default=None)


def report(**measures: float | int | str) -> None:
    """Show a trainer's measures, as `round=3, loss=2.31`, on the watched line until the next."""
    current = _CURRENT.get()
    if current is not None:
        current.note = "  ".join(f"{name} {_short(value)}" for name, value in measures.items())


def _stage_line(store: Any) -> str:
    """Tell the newest active stage's tasks, rows and rows per second; empty between stages."""
    try:
        stages = store.activeStages()
        if stages.isEmpty():
            return ""
        stage = stages.head()
        rows = stage.inputRecords() + stage.shuffleReadRecords()
        began = stage.submissionTime().get().getTime() / 1000
    except Exception:
        return ""
    described = stage.description()
    what = described.get() if described.isDefined() else stage.name().split(" at ")[0]
    rate = rows / max(time.time() - began, 0.1)
    done = f"{stage.numCompleteTasks()}/{stage.numTasks()} tasks"
    return f"{what}: {done}, {rows:,} rows, {rate:,.0f} rows/s  "


def _short(value: float | int | str) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
