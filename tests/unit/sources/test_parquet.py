"""Parquet files: the same rows and positions whatever row groups, dictionaries and parts."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.sources.config import SourceSettings
from pipelines.sources.formats import parquet
from pipelines.sources.request import Field, Request
from pipelines.sources.split import Split

ROWS = 200_000
TABLE = pa.table(
    {
        "kind": pa.array([None if n % 7 == 0 else f"kind {n % 5}" for n in range(ROWS)]),
        "name": pa.array([f"name {n}" for n in range(ROWS)]),
        "group": pa.array([f"group {n % 3}" for n in range(ROWS)]).dictionary_encode(),
    }
)


@pytest.mark.parametrize("group_rows", [1_000, 30_000, 1_000_000])
@pytest.mark.parametrize("use_dictionary", [True, False])
def test_rows_and_positions_are_the_files(
    tmp_path: Path, group_rows: int, use_dictionary: bool
) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(TABLE, path, row_group_size=group_rows, use_dictionary=use_dictionary)
    fields = tuple(Field(name, name) for name in TABLE.column_names)
    request = Request(fields, SourceSettings())
    groups = pq.ParquetFile(path).num_row_groups
    for first, last in ((0, None), (groups // 2, groups)):
        part = Split(str(path), path.name, path.stat().st_size, start=first, end=last)
        found = pa.Table.from_batches(parquet.read(part, request))
        start = min(first * group_rows, ROWS)
        assert found["position"].to_pylist() == list(range(start, ROWS))
        for name in TABLE.column_names:
            assert found[name].to_pylist() == TABLE[name][start:].to_pylist(), name
    assert found.schema.field("kind").type == pa.string()
