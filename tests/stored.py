"""Tables written from rows that a test has and read as rows, without Spark jobs of a second."""

import shutil
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql.pandas.types import to_arrow_schema

from schemas import Table


def store(rows: Sequence[Sequence[Any]], table: Table, place: str | Path) -> str:
    """Replace a table, or those of its parts that the rows are in, by one file each.

    Args:
        rows: Values in the contract's order.
        table: The contract.
        place: Folder of the table.

    Returns:
        The place.
    """

    def folder_of(row: Sequence[Any]) -> Path:
        values = dict(zip(table.column_names, row, strict=True))
        return Path(place, *(f"{name}={values[name]}" for name in table.partitioning))

    for folder, part in groupby(sorted(rows, key=folder_of), key=folder_of):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        pq.write_table(_arrow(list(part), table), folder / "part-0.parquet")
    return str(place)


def _arrow(rows: Sequence[Sequence[Any]], table: Table) -> pa.Table:
    """Return rows as Arrow has them; where the contract allows no null, a test may have one."""
    schema = to_arrow_schema(table.schema(), timezone="UTC")
    nullable = pa.schema([field.with_nullable(True) for field in schema])
    records = [dict(zip(table.column_names, row, strict=True)) for row in rows]
    return pa.Table.from_pylist(records, schema=nullable).drop_columns(list(table.partitioning))


def read_rows(place: str | Path, table: Table) -> list[dict[str, Any]]:
    """Return the rows of a Delta or Parquet table by the contract's columns."""
    if Path(place, "_delta_log").exists():
        frame = pl.read_delta(str(place))
    else:
        options = {"hive_partitioning": True, "try_parse_hive_dates": False}
        frame = pl.read_parquet(f"{place}/**/*.parquet", **options)
    return frame.select(table.column_names).to_dicts()
