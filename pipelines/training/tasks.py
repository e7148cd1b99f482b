"""Tasks over numbers: what each one finds goes to the driver, or by its own hand to storage.

A model's rows written by Spark would be copied from Python to the JVM, into rows and into Parquet;
that took half of the time of a half-sweep of ALS.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from pipelines.cluster.executors import whole_executor
from pipelines.storage.arrow import resolve
from pipelines.training.stored_arrays import ARROW, Content, rows

Batches = Iterable[pa.RecordBatch]
Task = Callable[[list[int]], Iterable[Any]]
"""What a task does: the numbers that are its own in, any values out."""


def run(spark: SparkSession, count: int, tasks: int, task: Task, *, threads: int = 1) -> list[Any]:
    """Run a task for the numbers from 0, in so many parts, and return what all of them yield.

    Args:
        spark: Session.
        count: How many numbers.
        tasks: Parts, none of which is empty.
        task: What is run of each part.
        threads: Cores that one takes.
    """
    numbers = spark.sparkContext.range(0, count, 1, min(count, tasks))
    profile = whole_executor(spark, threads)
    if profile is not None:
        numbers = numbers.withResources(profile)
    # a name or a line of measures a part: small
    return numbers.mapPartitions(lambda part: task(list(part))).collect()


def writer(folder: str, task: Callable[[list[int]], Iterable[Content]]) -> Task:
    """Return the task that writes what another yields to one file of a folder, and yields its name.

    The name is of this attempt alone: what a failed one leaves behind is nobody's. The folder is
    there.
    """

    def write(numbers: list[int]) -> Iterator[str]:
        yield _write(folder, (rows([content]) for content in task(numbers)))

    return write


def frame_writer(folder: str, task: Callable[[Batches], Batches]) -> Callable[[Batches], Batches]:
    """Return the task that writes rows of `stored.SCHEMA`, which another yields, as `writer` does.

    It yields the name of its file in a column.
    """

    def rows_of(batches: Batches) -> Iterator[pa.Table]:
        for batch in task(batches):
            table = pa.Table.from_batches([batch])
            yield from (table.slice(n, 1) for n in range(table.num_rows))

    def write(batches: Batches) -> Batches:
        yield pa.RecordBatch.from_pydict({"file": [_write(folder, rows_of(batches))]})

    return write


def _write(folder: str, tables: Iterable[pa.Table]) -> str:
    """Write tables to a new file, a row group each, and return its name.

    Nothing is compressed, which would take seconds and hardly shrink it.
    """
    name = f"{uuid.uuid4().hex}.parquet"
    files, path = resolve(folder)
    with (
        files.open_output_stream(f"{path}/{name}") as sink,
        pq.ParquetWriter(
            sink, ARROW, compression="none", use_dictionary=False,
            write_statistics=["kind", "position"],
        ) as file,
    ):  # fmt: skip
        for table in tables:
            file.write_table(table)
    return name
