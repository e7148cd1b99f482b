"""Tables whose pieces are written where they are made: as Spark would have written them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet as pq
from pyspark.sql import SparkSession

from pipelines import tables
from pipelines.storage import parquet
from pipelines.storage.hadoop import Files
from pipelines.storage.pieces import PiecewiseTable
from schemas import RECOMMENDATIONS

ROWS = [("s", "ann", [("rose", 1.5), ("tulip", 0.5)]), ("s", "bob", []), ("s", "eve", [("saw", 2)])]


@dataclass(frozen=True)
class Made(PiecewiseTable):
    """Pieces of one row each, and one of none."""

    spark: SparkSession
    rows: Sequence[tuple[Any, ...]]
    is_broken: bool

    def map_pieces(self, function, schema):
        rows, is_broken = self.rows, self.is_broken

        def piece(group):
            number = group["number"][0].as_py()
            if is_broken and number == 2:
                raise ValueError("broken piece")
            some = rows[number : number + 1]
            pairs = [pair for row in some for pair in row[2]]
            keys = pa.array([k for k, _ in pairs], pa.string()).dictionary_encode()
            scores = pa.array([s for _, s in pairs], pa.float64())
            scored = pa.StructArray.from_arrays([keys, scores], ["key", "score"])
            ends = pa.array([0, *(len(row[2]) for row in some)], pa.int32())
            columns = {
                "items": pa.ListArray.from_arrays(ends, scored),
                "user": pa.array([r[1] for r in some], pa.string()),
                "space_id": pa.array([r[0] for r in some], pa.string()),
            }
            return function(pa.table(columns))

        numbers = self.spark.range(0, 4).selectExpr("cast(id as int) as number")
        return numbers.groupBy("number").applyInArrow(piece, schema)


def made(spark: SparkSession, rows=ROWS, *, is_broken: bool = False) -> Made:
    return Made(spark, rows, is_broken)


def content(spark, uri):
    rows = tables.read(spark, uri, RECOMMENDATIONS).collect()
    return sorted((r[0], r[1], [(i["key"], i["score"]) for i in r[2]]) for r in rows)


def test_pieces_are_the_table_spark_would_have_written(spark, tmp_path):
    uri = str(tmp_path / "t")
    count = parquet.replace_by_pieces(
        Files(spark), made(spark), RECOMMENDATIONS, uri, metadata={"run_id": "1"}, codec="gzip"
    )
    assert count == 3
    assert content(spark, uri) == ROWS
    files = sorted(tmp_path.glob("t/part-*.parquet"))
    assert len(files) == 3
    assert (tmp_path / "t" / "_SUCCESS").exists()
    assert json.loads((tmp_path / "t" / parquet.METADATA).read_text())["run_id"] == "1"
    stored = pq.ParquetFile(files[0])
    assert stored.metadata.row_group(0).column(0).compression == "GZIP"
    assert stored.metadata.row_group(0).column(3).path_in_schema == "items.list.element.score"
    assert "RLE_DICTIONARY" not in stored.metadata.row_group(0).column(3).encodings
    assert "RLE_DICTIONARY" in stored.metadata.row_group(0).column(2).encodings
    plain = spark.read.parquet(uri).schema
    assert plain["user"].metadata["comment"] == "Key of the user"
    items = pq.read_schema(files[0]).field("items").type  # and no dictionaries for other readers
    assert items.value_type.field("key").type == pa.string()


def test_a_piece_that_fails_leaves_the_table_as_it_was(spark, tmp_path):
    uri = str(tmp_path / "t")
    parquet.replace_by_pieces(Files(spark), made(spark), RECOMMENDATIONS, uri, metadata={})
    with pytest.raises(Exception, match="broken piece"):
        parquet.replace_by_pieces(
            Files(spark), made(spark, is_broken=True), RECOMMENDATIONS, uri, metadata={}
        )
    assert content(spark, uri) == ROWS
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


def test_files_of_other_attempts_are_left_out(spark, tmp_path, monkeypatch):
    """One is there when the first file is moved, one comes when the table is whole."""
    uri, move = str(tmp_path / "t"), Files.move

    def move_beside_strays(self, source, target):
        folder = Path(source).parent
        if folder.name.endswith(".pieces"):
            pq.write_table(pa.table({"a": [1]}), folder / "stray.parquet")
        move(self, source, target)

    monkeypatch.setattr(Files, "move", move_beside_strays)
    parquet.replace_by_pieces(Files(spark), made(spark), RECOMMENDATIONS, uri, metadata={})
    monkeypatch.undo()
    assert content(spark, uri) == ROWS
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


def test_no_piece_makes_an_empty_table(spark, tmp_path):
    uri = str(tmp_path / "t")
    pieces = made(spark, rows=[])
    assert parquet.replace_by_pieces(Files(spark), pieces, RECOMMENDATIONS, uri, metadata={}) == 0
    assert content(spark, uri) == []


def test_a_null_where_none_may_be_ends_the_job(spark, tmp_path):
    rows = [("s", None, [])]
    with pytest.raises(Exception, match="recommendations: column 'user' is null, its contract"):
        parquet.replace_by_pieces(
            Files(spark), made(spark, rows=rows), RECOMMENDATIONS, str(tmp_path / "t"), metadata={}
        )
    assert list(tmp_path.iterdir()) == []
