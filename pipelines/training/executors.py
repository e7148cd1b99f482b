"""What one executor has for a task that takes all of it: threads and memory."""

import re

import psutil
from pyspark.resource import ResourceProfile, ResourceProfileBuilder, TaskResourceRequests
from pyspark.sql import SparkSession

_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def executor_threads(spark: SparkSession) -> int:
    """Return the cores of one executor; in local mode those of the session."""
    conf = spark.sparkContext.getConf()
    master = str(spark.sparkContext.master)
    shape = re.fullmatch(r"local-cluster\[\s*\d+\s*,\s*(\d+)\s*,\s*\d+\s*\]", master)
    if shape:
        return int(shape[1])
    if is_local(spark):
        return int(spark.sparkContext.defaultParallelism)
    return int(conf.get("spark.executor.cores") or 1)


def is_local(spark: SparkSession) -> bool:
    """Tell whether driver and executor are one process."""
    return bool(re.match(r"local(\[|$)", str(spark.sparkContext.master)))


def whole_executor(spark: SparkSession, threads: int) -> ResourceProfile | None:
    """Return a profile whose tasks take that many cores; None in local mode, which has none."""
    if is_local(spark) or threads == 1:
        return None
    return ResourceProfileBuilder().require(TaskResourceRequests().cpus(threads)).build


def executor_memory(spark: SparkSession) -> int | None:
    """Return the bytes an executor has for Python beside its JVM; None where it is not known."""
    if is_local(spark):
        return int(psutil.virtual_memory().available)
    for name in ("spark.executor.pyspark.memory", "spark.executor.memoryOverhead"):
        found = _bytes(spark, name)
        if found is not None:
            return found
    return None


def executor_heap(spark: SparkSession) -> int:
    """Return the bytes of an executor's JVM; Spark's default where nothing is set."""
    return _bytes(spark, "spark.executor.memory") or 1 << 30


def _bytes(spark: SparkSession, name: str) -> int | None:
    """Read a setting such as `512m`; a number alone is MiB, as Spark has it for these."""
    value = spark.sparkContext.getConf().get(name)
    found = re.fullmatch(r"\s*(\d+)\s*([bkmgt]?)b?\s*", (value or "").lower())
    return int(found[1]) * (_UNITS[found[2]] if found[2] else 1 << 20) if found else None
