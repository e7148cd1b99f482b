"""Tasks over numbers, whose results go to the driver, or which write files themselves.

Rows that Spark writes are copied from Python to the JVM, into rows and into Parquet: that took half
of the time of an ALS half-sweep.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from pipelines.cluster.executors import whole_executor
from pipelines.storage.task_files.arrow import make_folder, resolve
from pipelines.training.stored_arrays import ARROW, Content, rows

Batches = Iterable[pa.RecordBatch]
NumbersTask = Callable[[list[int]], Iterable[Any]]
"""Takes the numbers of one part, yields any values."""


def run(
    spark: SparkSession, count: int, tasks: int, task: NumbersTask, *, threads: int = 1
) -> list[Any]:
    """Run a task for the numbers 0 to count - 1, in parts, and return what all of them yield.

    Args:
        spark: Session.
        count: How many numbers.
        tasks: Parts, at most; none is empty.
        task: Called once per part.
        threads: Cores per task.
    """
    numbers = spark.sparkContext.range(0, count, 1, min(count, tasks))
    profile = whole_executor(spark, threads)
    if profile is not None:
        numbers = numbers.withResources(profile)
    # small: a file name or a line of measures per part
    return numbers.mapPartitions(lambda part: task(list(part))).collect()


def writer(folder: str, task: Callable[[list[int]], Iterable[Content]]) -> NumbersTask:
    """Return a task that writes the rows of another to one file, and yields the file's name.

    The name is unique to the attempt: nothing reads what a failed one leaves. The folder exists.
    """

    def write(numbers: list[int]) -> Iterator[str]:
        yield _write(folder, (rows([content]) for content in task(numbers)))

    return write


def frame_writer(folder: str, task: Callable[[Batches], Batches]) -> Callable[[Batches], Batches]:
    """Return a task that writes the rows of `SCHEMA` of another, and yields the file's name."""

    def rows_of(batches: Batches) -> Iterator[pa.Table]:
        for batch in task(batches):
            table = pa.Table.from_batches([batch])
            yield from (table.slice(n, 1) for n in range(table.num_rows))

    def write(batches: Batches) -> Batches:
        yield pa.RecordBatch.from_pydict({"file": [_write(folder, rows_of(batches))]})

    return write


def part_writer(folder: str, part: Callable[[pa.Table], str]) -> Callable[[pa.Table], pa.Table]:
    """Return a function that writes rows of `SCHEMA` to a file, and returns the file's name.

    Args:
        folder: Folder of the frame.
        part: Returns the folder below it where the rows belong; one without rows is not written.
    """

    def write(table: pa.Table) -> pa.Table:
        names = []
        if table.num_rows:
            inner = part(table)
            make_folder(f"{folder}/{inner}")
            groups = (table.slice(n, 1) for n in range(table.num_rows))
            names.append(f"{inner}/{_write(f'{folder}/{inner}', groups)}")
        return pa.table({"file": pa.array(names, pa.string())})

    return write


def _write(folder: str, tables: Iterable[pa.Table]) -> str:
    """Write tables to a new file, one row group each, and return its name.

    Compression would take seconds and hardly shrink float32 vectors.
    """
    name = f"{uuid.uuid4().hex}.parquet"
    files, path = resolve(folder)
    with (
        files.open_output_stream(f"{path}/{name}") as sink,
        pq.ParquetWriter(
            sink,
            ARROW,
            compression="none",
            use_dictionary=False,
            write_statistics=["kind", "position"],
        ) as file,
    ):
        for table in tables:
            file.write_table(table)
    return name
