"""Tables whose pieces are written where they are made: as Spark would have written them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable
from pyarrow import parquet as pq
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from pipelines import tables
from pipelines.storage import parquet
from pipelines.storage.hadoop import Files
from pipelines.storage.places import locate
from pipelines.storage.staging import stage_pieces
from pipelines.storage.task_files.pieces import PiecewiseTable
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


class Listed(Made):
    """The same pieces, of which users without items are left out."""

    @staticmethod
    def divide(piece):
        kept = piece.filter(pc.greater(pc.list_value_length(piece["items"]), 0))
        return kept, piece.num_rows - kept.num_rows

    def observed(self, table):
        has_items = F.size("items") > 0
        frame = self.frame(table)
        return frame.where(has_items), lambda: frame.where(~has_items).count()


def staged(spark, uri, stored, rows=ROWS, *, is_broken=False):
    pieces = Listed(spark, rows, is_broken)
    place = locate(spark, uri)
    return stage_pieces(spark, pieces, RECOMMENDATIONS, place, format=stored)


LISTED = [row for row in ROWS if row[2]]


@pytest.mark.parametrize("stored", ["delta", "parquet"])
def test_staged_pieces_are_the_table_once_committed(spark, tmp_path, stored):
    uri = str(tmp_path / "t")
    first, left_out = staged(spark, uri, stored)
    assert (first.rows, left_out) == (2, 1)
    assert locate(spark, uri).stored_as is None
    first.commit({"run_id": "1"})
    assert content(spark, uri) == LISTED
    second, left_out = staged(spark, uri, stored, ROWS[:1])
    assert (content(spark, uri), left_out) == (LISTED, 0)
    second.commit({"run_id": "2"})
    assert content(spark, uri) == ROWS[:1]
    lost, _ = staged(spark, uri, stored)
    lost.discard()
    assert content(spark, uri) == ROWS[:1]
    nothing, left_out = staged(spark, uri, stored, ROWS[1:2])
    assert (nothing.rows, left_out) == (0, 1)
    nothing.commit({"run_id": "3"})
    assert content(spark, uri) == []
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


def test_a_delta_log_knows_rows_and_bounds_of_pieces(spark, tmp_path):
    uri = str(tmp_path / "t")
    staged(spark, uri, "delta", [*ROWS, ("s", "z" * 33, [("saw", 1.0)])])[0].commit({"run_id": "1"})
    assert tables.commit(spark, uri)["rows"] == 3
    assert tables.commit(spark, uri)["metadata"] == {"run_id": "1"}
    known = pa.table(DeltaTable(uri).get_add_actions(flatten=True)).to_pylist()
    found = {(row["num_records"], row["min.user"], row["max.user"]) for row in known}
    assert found == {(1, "ann", "ann"), (1, "eve", "eve"), (1, None, None)}
    assert all(row["size_bytes"] == (tmp_path / "t" / row["path"]).stat().st_size for row in known)
    assert spark.read.format("delta").load(uri).where("user = 'eve'").count() == 1


def test_a_piece_that_fails_leaves_a_delta_table_as_it_was(spark, tmp_path):
    uri = str(tmp_path / "t")
    staged(spark, uri, "delta")[0].commit({})
    before = sorted(path.name for path in (tmp_path / "t").rglob("*.parquet"))
    with pytest.raises(Exception, match="broken piece"):
        staged(spark, uri, "delta", is_broken=True)
    assert content(spark, uri) == LISTED
    assert sorted(path.name for path in (tmp_path / "t").rglob("*.parquet")) == before
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


def test_spark_writes_pieces_of_delta_tables_with_newer_features(spark, tmp_path):
    uri = str(tmp_path / "t")
    staged(spark, uri, "delta")[0].commit({})
    spark.sql(
        f"ALTER TABLE delta.`{uri}` SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name', "
        "'delta.minReaderVersion' = '2', 'delta.minWriterVersion' = '5')"
    )
    again, left_out = staged(spark, uri, "delta", ROWS[1:])
    assert (again.rows, left_out) == (1, 1)
    again.commit({})
    assert content(spark, uri) == ROWS[2:]
