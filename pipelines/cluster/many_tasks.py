"""Work in equal parts, each of which one task of one core does."""

import os
import pickle
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import pyarrow as pa
from pyspark.sql import SparkSession

from pipelines.cluster.executors import executor_threads
from pipelines.errors import VectormillError

_T = TypeVar("_T")


def in_tasks(spark: SparkSession, work: Callable[[int], _T], count: int) -> list[_T]:
    """Do the parts of a work in a task each, and return what they return, which is to be small.

    Args:
        spark: The session.
        work: Called with the number of a part; it is pickled.
        count: Number of parts.

    Raises:
        VectormillError: As the first part that failed raised it.
    """
    threads = executor_threads(spark)

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        # polars reads it when it is imported, and later work in this process may have all threads
        os.environ.setdefault("POLARS_MAX_THREADS", str(threads))
        pa.set_cpu_count(1)
        for number in [n for batch in batches for n in batch.column(0).to_pylist()]:
            try:
                found: object = work(number)
            except VectormillError as error:
                found = error
            yield pa.record_batch({"found": [pickle.dumps(found)]})

    if not count:
        return []
    rows = spark.range(0, count, 1, count).mapInArrow(run, "found binary").collect()
    parts = [pickle.loads(row[0]) for row in rows]  # noqa: S301  (our own tasks wrote it)
    for part in parts:
        if isinstance(part, VectormillError):
            raise part
    return parts
