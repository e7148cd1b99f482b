"""Columns of a table that tasks of Python read from its files themselves.

Through Spark's rows numbers take many times as long: it takes columns apart, copies each value into
a row, and makes columns of them again for Python.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame

from pipelines.storage.arrow import resolve

_TASKS_PER_CORE = 2
_BATCH_ROWS = 1 << 20
Function = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]


@dataclass(frozen=True)
class Columns:
    """Some columns of all rows of a table.

    Args:
        frame: The columns.
        files: Parquet files that hold these rows and no others; none where only Spark can tell.
    """

    frame: DataFrame
    files: tuple[str, ...]

    def map_in_arrow(self, function: Function, schema: str) -> DataFrame:
        """Return what `DataFrame.mapInArrow` does, with larger batches.

        Args:
            function: Batches of the columns in, batches of the schema out; a task may call it more
                than once, each time with some of its rows.
            schema: Of what the function yields.
        """
        if not self.files:
            return self.frame.mapInArrow(function, schema)
        spark, names = self.frame.sparkSession, self.frame.columns
        wanted = _TASKS_PER_CORE * spark.sparkContext.defaultParallelism
        parts = -(-wanted // len(self.files))
        slices = [(file, part) for file in self.files for part in range(parts)]

        def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                for number in batch.column(0).to_pylist():
                    file, part = slices[number]
                    yield from function(_read(file, part, parts, names))

        return spark.range(0, len(slices), 1, len(slices)).mapInArrow(run, schema)


def _read(file: str, part: int, parts: int, names: list[str]) -> Iterator[pa.RecordBatch]:
    """Yield the row groups of a file that are equal to `part` modulo `parts`."""
    files, path = resolve(file)
    with files.open_input_file(path) as source, pq.ParquetFile(source) as stored:
        groups = list(range(part, stored.num_row_groups, parts))
        if groups:
            found = stored.iter_batches(_BATCH_ROWS, row_groups=groups, columns=names)
            yield from (batch.select(names) for batch in found)
