"""Columns of a table that tasks of Python read from its files themselves.

Through Spark's rows numbers take many times as long: it takes columns apart, copies each value into
a row, and makes columns of them again for Python.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame

from pipelines.errors import InputError
from pipelines.storage.arrow import resolve

_TASKS_PER_CORE = 2
_BATCH_ROWS = 1 << 20
_FOOTERS_AT_ONCE = 16
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

    def select(self, *names: str) -> "Columns":
        """Return some of the columns."""
        return Columns(self.frame.select(*names), self.files)

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


def sizes(files: Sequence[str], column: str = "") -> tuple[int, int]:
    """Return the rows of Parquet files, and the values of a column of lists, from their footers."""
    with ThreadPoolExecutor(_FOOTERS_AT_ONCE) as pool:
        found = list(pool.map(partial(_sizes, column=column), files))
    return sum(rows for rows, _ in found), sum(values for _, values in found)


def _sizes(file: str, column: str) -> tuple[int, int]:
    files, path = resolve(file)
    footer = pq.read_metadata(path, filesystem=files)
    groups = [footer.row_group(n) for n in range(footer.num_row_groups)]
    chunks = [group.column(n) for group in groups for n in range(group.num_columns)]
    inner = f"{column}."
    return footer.num_rows, sum(c.num_values for c in chunks if c.path_in_schema.startswith(inner))


def read_part(
    files: Sequence[str], part: int, parts: int, names: list[str]
) -> Iterator[pa.RecordBatch]:
    """Yield some columns of the row groups of files that are equal to `part` modulo `parts`."""
    for file in files:
        yield from _read(file, part, parts, names)


def _read(file: str, part: int, parts: int, names: list[str]) -> Iterator[pa.RecordBatch]:
    """Yield the row groups of a file that are equal to `part` modulo `parts`."""
    files, path = resolve(file)
    with files.open_input_file(path) as source, pq.ParquetFile(source) as stored:
        groups = list(range(part, stored.num_row_groups, parts))
        inside = [name for name in names if name in stored.schema_arrow.names]
        if groups:
            found = stored.iter_batches(_BATCH_ROWS, row_groups=groups, columns=inside)
            yield from (_completed(batch, file, names) for batch in found)


def _completed(batch: pa.RecordBatch, file: str, names: list[str]) -> pa.RecordBatch:
    """Return the columns asked for: those of the partition are told by the file's path."""
    columns = {name: batch.column(name) for name in batch.schema.names}
    for name in set(names) - set(columns):
        columns[name] = pa.repeat(_partition(file, name), batch.num_rows)
    return pa.RecordBatch.from_pydict({name: columns[name] for name in names})


def _partition(file: str, name: str) -> str:
    found = re.search(rf"/{re.escape(name)}=([^/]*)/", file)
    if found is None:
        raise InputError(f"{file}: no column {name!r}; run the job that writes the table again")
    return unquote(found[1])
