"""Columns of a table that Python tasks read from its Parquet files themselves.

Through Spark, columns become rows and Arrow columns again, which takes many times as long for
numbers.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import to_arrow_schema

from pipelines.errors import InputError
from pipelines.storage.task_files.arrow import resolve

_TASKS_PER_CORE = 2  # tasks per core
_BATCH_ROWS = 1 << 20  # rows per Arrow batch
_FOOTERS_AT_ONCE = 16  # threads of the driver that read footers
_NULL = "__HIVE_DEFAULT_PARTITION__"  # value of a null in the folder name of a partition
Function = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]


@dataclass(frozen=True)
class Columns:
    """Some columns of all rows of a table.

    Args:
        frame: The columns.
        files: Parquet files that hold exactly these rows; empty where only Spark can read them.
    """

    frame: DataFrame
    files: tuple[str, ...]

    def select(self, *names: str) -> "Columns":
        """Return some of the columns."""
        return Columns(self.frame.select(*names), self.files)

    def map_in_arrow(
        self, function: Function, schema: str, *, rows: int = _BATCH_ROWS
    ) -> DataFrame:
        """Return what `DataFrame.mapInArrow` returns, from larger batches.

        Args:
            function: Takes batches of the columns, yields batches of the schema; a task may call
                it several times, each time with some of its rows.
            schema: Schema of what the function yields.
            rows: Most rows of a batch that a task reads itself.
        """
        if not self.files:
            return self.frame.mapInArrow(function, schema)
        spark, schema_in = self.frame.sparkSession, to_arrow_schema(self.frame.schema)
        tasks = _TASKS_PER_CORE * spark.sparkContext.defaultParallelism
        parts = -(-tasks // len(self.files))  # per file
        slices = [(file, part) for file in self.files for part in range(parts)]

        def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                for number in batch.column(0).to_pylist():
                    file, part = slices[number]
                    yield from function(_read(file, part, parts, schema_in, rows))

        return spark.range(0, len(slices), 1, len(slices)).mapInArrow(run, schema)


def sizes(files: Sequence[str], column: str = "") -> tuple[int, int]:
    """Return the numbers of rows of Parquet files and of values in a list column, from footers."""
    with ThreadPoolExecutor(_FOOTERS_AT_ONCE) as pool:
        counts = list(pool.map(partial(_sizes, column=column), files))
    return sum(rows for rows, _ in counts), sum(values for _, values in counts)


def _sizes(file: str, column: str) -> tuple[int, int]:
    files, path = resolve(file)
    footer = pq.read_metadata(path, filesystem=files)
    groups = [footer.row_group(n) for n in range(footer.num_row_groups)]
    chunks = [group.column(n) for group in groups for n in range(group.num_columns)]
    inner = f"{column}."
    return footer.num_rows, sum(c.num_values for c in chunks if c.path_in_schema.startswith(inner))


def unpacked(files: Sequence[str], columns: Sequence[str]) -> tuple[int, int]:
    """Return the rows of Parquet files, and the bytes of some columns, decompressed."""

    def of_file(file: str) -> tuple[int, int]:
        filesystem, path = resolve(file)
        footer = pq.read_metadata(path, filesystem=filesystem)
        groups = [footer.row_group(n) for n in range(footer.num_row_groups)]
        chunks = [group.column(n) for group in groups for n in range(group.num_columns)]
        found = [c.total_uncompressed_size for c in chunks if c.path_in_schema in columns]
        return footer.num_rows, sum(found)

    with ThreadPoolExecutor(_FOOTERS_AT_ONCE) as pool:
        counts = list(pool.map(of_file, files))
    return sum(rows for rows, _ in counts), sum(size for _, size in counts)


def read_part(
    files: Sequence[str], part: int, parts: int, schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """Yield the columns of a schema from one part of the row groups of some files.

    Row group g of file f belongs to part (g + f) modulo `parts`: files of one row group each are
    spread over the parts.

    Args:
        files: Parquet files.
        part: Number of the part.
        parts: Number of parts.
        schema: Columns, to whose types those of the file are cast; strings may be dictionaries,
            which are read as such. A column that a file lacks has the value of the partition in
            its path, else null.

    Raises:
        InputError: A file lacks a column that is not nullable.
    """
    for number, file in enumerate(files):
        yield from _read(file, (part - number) % parts, parts, schema)


def _read(
    file: str, part: int, parts: int, schema: pa.Schema, rows: int = _BATCH_ROWS
) -> Iterator[pa.RecordBatch]:
    """Yield the row groups of a file whose numbers are equal to `part` modulo `parts`."""

    def chosen(footer: Any) -> list[int]:
        return list(range(part, footer.num_row_groups, parts))

    return read_groups(file, chosen, schema, rows)


def read_groups(
    file: str,
    chosen: Callable[[Any], list[int]],
    schema: pa.Schema,
    rows: int = _BATCH_ROWS,
) -> Iterator[pa.RecordBatch]:
    """Yield the columns of a schema from some row groups of a file; see `read_part`.

    Args:
        file: A Parquet file.
        chosen: Returns the numbers of the row groups; called with the file's footer.
        schema: Columns.
        rows: Most rows of a batch.
    """
    files, path = resolve(file)
    held = [field.name for field in schema if pa.types.is_dictionary(field.type)]
    how: Any = {"read_dictionary": held, "coerce_int96_timestamp_unit": "us"}  # ns end in 2262
    with files.open_input_file(path) as source, pq.ParquetFile(source, **how) as stored:
        groups = chosen(stored.metadata)
        inside = [name for name in schema.names if name in stored.schema_arrow.names]
        if groups:
            batches = stored.iter_batches(rows, row_groups=groups, columns=inside)
            yield from (_completed(batch, file, schema) for batch in batches)


def _completed(batch: pa.RecordBatch, file: str, schema: pa.Schema) -> pa.RecordBatch:
    """Return the columns of the schema; partition columns are taken from the file's path."""
    columns = {name: batch.column(name) for name in batch.schema.names}
    for field in schema:
        if field.name not in columns:
            columns[field.name] = pa.repeat(_partition(file, field), batch.num_rows)
    arrays = [columns[field.name].cast(field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _partition(file: str, field: pa.Field) -> pa.Scalar:
    """Return the value of a partition column in the path of a file, else null."""
    values = re.findall(rf"/{re.escape(field.name)}=([^/]*)(?=/)", file)
    value = None if not values or values[-1] == _NULL else unquote(values[-1])
    if value is None and not field.nullable:
        raise InputError(
            f"{file}: no column {field.name!r}; run the job that writes the table again"
        )
    return pa.scalar(value, pa.string())
