"""One task that takes a whole executor, for work that fits its memory."""

import os
import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import pyarrow as pa
from pyspark.sql import SparkSession

from pipelines.cluster.executors import executor_threads, whole_executor
from pipelines.errors import VectormillError

_T = TypeVar("_T")


def in_one_task(spark: SparkSession, work: Callable[[int], _T]) -> _T:
    """Do some work in one task and return what it returns, which is to be small.

    Args:
        spark: The session.
        work: Called with the number of threads it may use; it is pickled.

    Raises:
        VectormillError: As the work raised it.
    """
    threads = executor_threads(spark)

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        deque(batches, 0)  # Spark reuses a worker only if it has read all of its input
        os.environ.setdefault("POLARS_MAX_THREADS", str(threads))  # read when polars is imported
        pa.set_cpu_count(threads)
        try:
            found: object = work(threads)
        except VectormillError as error:
            found = error
        yield pa.record_batch({"found": [pickle.dumps(found)]})

    profile = whole_executor(spark, threads)
    task = spark.range(0, 1, 1, 1).mapInArrow(run, "found binary", profile=profile)
    found = pickle.loads(task.collect()[0][0])  # noqa: S301  (our own task wrote it)
    if isinstance(found, VectormillError):
        raise found
    return found  # type: ignore[no-any-return]
