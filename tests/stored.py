"""Tables of rows that a test has: written and read without a Spark job, which takes a second."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from pipelines import tables
from schemas import Table


def store(
    spark: SparkSession,
    rows: Sequence[Sequence[Any]],
    table: Table,
    place: str | Path,
    *,
    stored_as: str = "parquet",
    metadata: Mapping[str, Any] | None = None,
) -> str:
    """Replace the parts of a table that the rows are in, one file each, and return its place."""

    def part_of(row: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(row[table.column_names.index(name)] for name in table.partitioning)

    for values, part in groupby(sorted(rows, key=part_of), key=part_of):
        tables.write_rows(
            spark,
            list(part),
            table,
            str(place),
            format=stored_as,
            part=dict(zip(table.partitioning, values, strict=True)),
            metadata=metadata or {},
        )
    return str(place)
