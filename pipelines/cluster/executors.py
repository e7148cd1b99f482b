"""Threads and memory of one executor, for a task that takes all of it."""

import re
from pathlib import Path

import psutil
from pyspark.resource import ResourceProfile, ResourceProfileBuilder, TaskResourceRequests
from pyspark.sql import SparkSession

_CGROUP = Path("/sys/fs/cgroup")  # control group of a container
_LEAST_OVERHEAD = 384 << 20  # bytes: Spark's minimum of spark.executor.memoryOverhead
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def executor_threads(spark: SparkSession) -> int:
    """Return the cores of one executor; in local mode those of the session."""
    conf = spark.sparkContext.getConf()
    master = str(spark.sparkContext.master)
    shape = re.fullmatch(r"local-cluster\[\s*\d+\s*,\s*(\d+)\s*,\s*\d+\s*\]", master)
    if shape:
        return int(shape[1])
    if is_local(spark):
        cores = re.match(r"local\[\s*(\d+)", master)
        return int(cores[1]) if cores else int(spark.sparkContext.defaultParallelism)
    return int(conf.get("spark.executor.cores") or 1)


def is_local(spark: SparkSession) -> bool:
    """Return whether driver and executor are one process."""
    return bool(re.match(r"local(\[|$)", str(spark.sparkContext.master)))


def whole_executor(spark: SparkSession, threads: int) -> ResourceProfile | None:
    """Return a profile whose tasks take that many cores; None in local mode."""
    if is_local(spark) or threads == 1:
        return None
    return ResourceProfileBuilder().require(TaskResourceRequests().cpus(threads)).build


def executor_memory(spark: SparkSession) -> int | None:
    """Return the bytes that Python has beside the JVM, in a task that takes a whole executor.

    None where they are not known: a standalone worker limits the JVM alone. Spark divides
    `spark.executor.pyspark.memory` evenly among the workers of the cores.
    """
    if is_local(spark):
        return _free_here()
    configured = _bytes(spark, "spark.executor.pyspark.memory")
    if configured is not None:
        return configured // executor_threads(spark)
    configured = _bytes(spark, "spark.executor.memoryOverhead")
    if configured is None and re.match("yarn|k8s", str(spark.sparkContext.master)):
        share = spark.sparkContext.getConf().get("spark.executor.memoryOverheadFactor") or "0.1"
        return max(_LEAST_OVERHEAD, int(float(share) * executor_heap(spark)))
    return configured


def _free_here() -> int:
    """Return the bytes that are free on this machine, or in this container.

    A container counts cached files as used memory; the kernel frees them when memory is needed.
    """
    free = int(psutil.virtual_memory().available)
    try:
        limit, used = (int((_CGROUP / f"memory.{n}").read_text()) for n in ("max", "current"))
        stat = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):  # no such file, or no limit: "max"
        return free
    cached = int(stat.get("active_file", 0)) + int(stat.get("inactive_file", 0))
    return min(free, max(0, limit - used + cached))


def executor_bytes(spark: SparkSession) -> int:
    """Return the bytes that Python may hold in a task that takes a whole executor.

    Where they are not known, those of the heap.
    """
    return executor_memory(spark) or executor_heap(spark)


def executor_heap(spark: SparkSession) -> int:
    """Return the bytes of an executor's heap; Spark's default, 1 GiB, if not configured."""
    return _bytes(spark, "spark.executor.memory") or 1 << 30


def _bytes(spark: SparkSession, name: str) -> int | None:
    """Return the bytes of a setting such as `512m`; a number alone counts MiB, as in Spark."""
    value = spark.sparkContext.getConf().get(name)
    match = re.fullmatch(r"\s*(\d+)\s*([bkmgt]?)b?\s*", (value or "").lower())
    return int(match[1]) * (_UNITS[match[2]] if match[2] else 1 << 20) if match else None
