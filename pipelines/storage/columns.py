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
from pyspark.sql.pandas.types import to_arrow_schema

from pipelines.errors import InputError
from pipelines.storage.arrow import resolve

_TASKS_PER_CORE = 2
_BATCH_ROWS = 1 << 20
_FOOTERS_AT_ONCE = 16
_NULL = "__HIVE_DEFAULT_PARTITION__"  # Spark's folder of nulls
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
        spark, wanted_schema = self.frame.sparkSession, to_arrow_schema(self.frame.schema)
        wanted = _TASKS_PER_CORE * spark.sparkContext.defaultParallelism
        parts = -(-wanted // len(self.files))
        slices = [(file, part) for file in self.files for part in range(parts)]

        def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                for number in batch.column(0).to_pylist():
                    file, part = slices[number]
                    yield from function(_read(file, part, parts, wanted_schema))

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
    files: Sequence[str], part: int, parts: int, schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """Yield some columns of a part of all row groups, as a schema has them.

    Row groups are dealt out in turn, those of the next file from the next part on: files of one
    group each are not all read by the first.

    Args:
        files: Parquet files.
        part: Number of the part.
        parts: How many there are.
        schema: Of the columns; other writers' types of text and lists are cast to its own. A column
            that a file lacks is told by its path, or null.

    Raises:
        InputError: A column that may not be null is not there.
    """
    for number, file in enumerate(files):
        yield from _read(file, (part - number) % parts, parts, schema)


def _read(file: str, part: int, parts: int, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield the row groups of a file that are equal to `part` modulo `parts`."""
    files, path = resolve(file)
    with files.open_input_file(path) as source, pq.ParquetFile(source) as stored:
        groups = list(range(part, stored.num_row_groups, parts))
        inside = [name for name in schema.names if name in stored.schema_arrow.names]
        if groups:
            found = stored.iter_batches(_BATCH_ROWS, row_groups=groups, columns=inside)
            yield from (_completed(batch, file, schema) for batch in found)


def _completed(batch: pa.RecordBatch, file: str, schema: pa.Schema) -> pa.RecordBatch:
    """Return the columns asked for: those of the partition are told by the file's path."""
    columns = {name: batch.column(name) for name in batch.schema.names}
    for field in schema:
        if field.name not in columns:
            columns[field.name] = pa.repeat(_partition(file, field), batch.num_rows)
    arrays = [columns[field.name].cast(field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _partition(file: str, field: pa.Field) -> pa.Scalar:
    """Return a column's value in the path of a file; null where it is not there."""
    found = re.findall(rf"/{re.escape(field.name)}=([^/]*)(?=/)", file)
    value = None if not found or found[-1] == _NULL else unquote(found[-1])
    if value is None and not field.nullable:
        raise InputError(
            f"{file}: no column {field.name!r}; run the job that writes the table again"
        )
    return pa.scalar(value, pa.string())
