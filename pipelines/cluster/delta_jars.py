"""Delta's jars: their coordinates for the installed Spark, and where a session has put them."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import IO

import pyspark
from pyspark.sql import SparkSession

from pipelines.cluster.class_archive import cache_folder

_MOST_SECONDS = 180  # seconds to wait for another process that resolves the jars
_POLL_SECONDS = 0.2  # seconds between two attempts to take the lock


def coordinates() -> str:
    """Return Delta's Maven coordinates for the installed Spark and delta-spark."""
    spark_minor = ".".join(pyspark.__version__.split(".")[:2])
    return f"io.delta:delta-spark_{spark_minor}_2.13:{version('delta-spark')}"


def remembered() -> str | None:
    """Return the jars that an earlier session resolved: faster, and works offline."""
    listed = _list()
    jars = listed.read_text(encoding="utf-8").split() if listed.is_file() else []
    return ",".join(jars) if jars and all(Path(jar).is_file() for jar in jars) else None


def remember(spark: SparkSession) -> None:
    """Store the paths of the jars, if this session's Spark resolved them."""
    if spark.conf.get("spark.jars.packages", "") != coordinates():
        return
    jars = [
        jar.removeprefix("file://") for jar in (spark.conf.get("spark.jars", "") or "").split(",")
    ]
    listed = _list()
    listed.parent.mkdir(parents=True, exist_ok=True)
    listed.write_text("\n".join(jar for jar in jars if jar), encoding="utf-8")


@contextmanager
def resolved_once() -> Iterator[None]:
    """Let one process at a time start a session while no jars are remembered.

    Two of Spark's resolvers that fill one cache at a time corrupt it, and both sessions fail.
    """
    if remembered():
        yield
        return
    listed = _list()
    listed.parent.mkdir(parents=True, exist_ok=True)
    with listed.with_suffix(".lock").open("w") as lock:
        _wait_for(lock)
        yield


def _wait_for(lock: IO[str]) -> None:
    """Take a lock; go on without it after `_MOST_SECONDS`, or where the file system has none."""
    until = time.monotonic() + _MOST_SECONDS
    while time.monotonic() < until:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_POLL_SECONDS)
        except OSError:
            return
        else:
            return


def _list() -> Path:
    return cache_folder() / f"{coordinates().replace(':', '_')}.jars"
