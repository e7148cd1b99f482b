"""Users are ranked in one task where files, memory and time allow it, and the reason is told."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.errors import ConfigError, InputError
from pipelines.serving import ranking_layout
from pipelines.serving.config import RecommendSettings
from pipelines.storage.task_files.columns import Columns, read_part, sizes

ROWS, DIMENSION, PAIRS = 30, 4, 500


@pytest.fixture
def columns(spark, tmp_path):
    """Columns of four tables in files of their own, vectors in two."""
    ids = pa.table({"key": [str(n) for n in range(ROWS)], "id": pa.array(range(ROWS), pa.int32())})
    lists = pa.array(np.zeros((ROWS, DIMENSION), np.float32).tolist(), pa.list_(pa.float32()))
    made = {
        "vectors": pa.table({"key": ids["key"], "vector": lists}),
        "user_ids": ids,
        "item_ids": ids,
        "interactions": pa.table({"user_id": pa.array(range(PAIRS), pa.int32())}),
    }
    found = {}
    for name, table in made.items():
        file = str(tmp_path / f"{name}.parquet")
        pq.write_table(table, file, row_group_size=7)
        found[name] = Columns(spark.read.parquet(file), (file,) * (2 if name == "vectors" else 1))
    return found


def choose_layout(columns, **settings):
    return ranking_layout.choose_layout(columns, RecommendSettings(**settings), stored_as="delta")


def test_footers_tell_rows_and_components(columns):
    assert sizes(columns["vectors"].files, "vector") == (2 * ROWS, 2 * ROWS * DIMENSION)
    assert sizes(columns["interactions"].files) == (PAIRS, 0)


def test_what_fits_is_ranked_in_one_task(spark, columns):
    choice = choose_layout(columns)
    assert (choice.layout, choice.threads) == ("packed", spark.sparkContext.defaultParallelism)
    assert choice.why.startswith("fits one executor: 0.")


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("executor_memory", lambda _: 1 << 29, "too large for one executor"),
        ("_OPERATIONS", ROWS * ROWS * DIMENSION / 100, "too long for one task: "),
        ("_MOST_BY_ONE", 1, "one task alone would write the lists into Delta"),
        ("_MOST_FILES", 4, "inputs of more than 4 files"),
    ],
)
def test_what_is_too_much_for_a_task_is_ranked_in_blocks(columns, monkeypatch, name, value, why):
    monkeypatch.setattr(ranking_layout, name, value)
    choice = choose_layout(columns)
    assert (choice.layout, choice.why[: len(why)]) == ("blocked", why)
    assert choose_layout(columns, layout="packed").layout == "packed"


def test_few_users_are_little_work(columns, monkeypatch):
    monkeypatch.setattr(ranking_layout, "_OPERATIONS", ROWS * ROWS * DIMENSION / 100)
    assert choose_layout(columns, users=["1"]).layout == "packed"


def test_tables_whose_files_are_not_their_rows_are_left_to_spark(columns):
    hidden = columns | {"interactions": Columns(columns["interactions"].frame, ())}
    assert choose_layout(hidden).why == "interactions has no files that tasks can read"
    with pytest.raises(ConfigError, match=r"inputs\.interactions has none.*set layout: blocked"):
        choose_layout(hidden, layout="packed")


def test_parts_of_files_are_all_of_their_rows_and_partitions_are_in_their_paths(tmp_path):
    folder = tmp_path / "space_id=a%20b"
    folder.mkdir()
    for name in ("one", "two"):
        pq.write_table(
            pa.table({"n": list(range(20))}), folder / f"{name}.parquet", row_group_size=3
        )
    files = [str(folder / "one.parquet"), str(folder / "two.parquet")]
    schema = pa.schema({"space_id": pa.string(), "n": pa.int32(), "is_new": pa.bool_()})
    batches = [batch for part in range(3) for batch in read_part(files, part, 3, schema)]
    table = pa.Table.from_batches(batches, schema)
    assert table["is_new"].null_count == 40, "a column that files lack is null"
    assert sorted(table["n"].to_pylist()) == sorted([*range(20)] * 2)
    assert set(table["space_id"].to_pylist()) == {"a b"}
    with pytest.raises(InputError, match="no column 'entity'"):
        list(read_part(files, 0, 1, pa.schema([pa.field("entity", pa.string(), nullable=False)])))
    assert [sum(1 for _ in read_part(files, part, 7, schema)) for part in range(7)] == [2] * 7


def test_other_writers_types_are_read_as_the_contract_has_them(tmp_path):
    folder = tmp_path / "day=1" / "day=__HIVE_DEFAULT_PARTITION__"
    folder.mkdir(parents=True)
    keys = [
        pa.array(["a", "b"], pa.large_string()),
        pa.array(["a", "b"]).dictionary_encode(),
        pa.array(["a", "b"], pa.string_view()),
    ]
    lists = [pa.large_list(pa.float64()), pa.list_(pa.float32(), 2), pa.list_(pa.float32())]
    files = []
    for n, (key, kind) in enumerate(zip(keys, lists, strict=True)):
        vectors = pa.array([[1, 2], [3, 4]], pa.list_(pa.float32())).cast(kind)
        files.append(str(folder / f"{n}.parquet"))
        pq.write_table(pa.table({"key": key, "vector": vectors, "id": [n, n]}), files[-1])
    kinds = {
        "day": pa.int32(),
        "key": pa.string(),
        "vector": pa.list_(pa.float32()),
        "id": pa.int32(),
    }
    schema = pa.schema(kinds)
    table = pa.Table.from_batches(read_part(files, 0, 1, schema))
    assert table.schema == schema
    assert table["key"].to_pylist() == ["a", "b"] * 3
    assert table["vector"].to_pylist() == [[1, 2], [3, 4]] * 3
    assert table["day"].to_pylist() == [None] * 6
