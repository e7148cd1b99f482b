"""How many threads one executor gives a task that takes all of it."""

import re

from pyspark.resource import ResourceProfile, ResourceProfileBuilder, TaskResourceRequests
from pyspark.sql import SparkSession


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
