"""What tasks write themselves: whole or absent, whatever failed attempts leave behind."""

import pytest
from pyarrow import parquet as pq

from pipelines.training.rounds import FILE, RoundState
from pipelines.training.stored_arrays import SCHEMA, StoredArrays
from pipelines.training.stored_arrays import rows as rows_of


@pytest.fixture
def numbered():
    """A function that workers are sent, as they cannot import this module."""

    def content(numbers):
        for number in numbers:
            yield ("block", number, bytes([number]), b"")
            if number == 0:
                yield ("measures", number, b"{}", b"")

    return content


def test_tasks_are_told_the_absolute_place(spark, tmp_path):
    """A worker has another folder, and no default file system."""
    assert RoundState(spark, f"{tmp_path}/a b").folder == f"file:{tmp_path}/a b"
    relative = RoundState(spark, "work/train").folder
    assert relative.startswith("file:/")
    assert relative.endswith("/work/train")


def test_rows_of_tasks_are_read_by_tasks_and_by_spark(spark, tmp_path, numbered):
    state = RoundState(spark, str(tmp_path))
    state.write_by_tasks("round=1", 5, 2, numbered)
    assert len(list((tmp_path / "round=1").iterdir())) == 2
    stored = StoredArrays(state.folder)
    found = [(n, first.as_py()) for n, first, _ in stored.rows("round=1", "", kind="block")]
    assert found == [(n, bytes([n])) for n in range(5)]
    (one,) = stored.rows("round=1", "", kind="block", only=range(3, 4))
    assert one[1].as_py() == b"\3"
    rows = {(r["kind"], r["position"]) for r in state.read("round=1", SCHEMA).collect()}
    assert rows == {("measures", 0), *(("block", n) for n in range(5))}


def test_rows_that_a_frame_ends_in_are_each_a_row_group_and_a_task_may_have_none(spark, tmp_path):
    def doubled(batches):
        for batch in batches:
            numbers = batch.column(0).to_pylist()
            both = [(kind, n, bytes([n]), b"") for n in numbers for kind in ("block", "other")]
            yield from rows_of(both).to_batches()

    state = RoundState(spark, str(tmp_path))
    numbers = spark.range(0, 3, 1, 4)  # four tasks
    state.write_by_frame("a", lambda wrap: numbers.mapInArrow(wrap(doubled), FILE))
    stored = StoredArrays(state.folder)
    for kind in ("block", "other"):
        found = [(n, first.as_py()) for n, first, _ in stored.rows("a", "", kind=kind)]
        assert sorted(found) == [(n, bytes([n])) for n in range(3)]
    assert state.read("a", SCHEMA).count() == 6


@pytest.mark.parametrize("writer", ["tasks", "spark"])
def test_each_row_is_a_row_group_with_statistics(spark, tmp_path, numbered, writer):
    state = RoundState(spark, str(tmp_path))
    if writer == "tasks":
        state.write_by_tasks("a", 3, 1, numbered)
    else:
        rows = [("block", n, bytes([n]), b"") for n in (0, 0, 1, 2)]
        state.write("a", spark.createDataFrame(rows, SCHEMA).coalesce(1))
    (file,) = (tmp_path / "a").glob("*.parquet")
    metadata = pq.read_metadata(file)
    groups = [metadata.row_group(n) for n in range(metadata.num_row_groups)]
    assert [group.num_rows for group in groups] == [1, 1, 1, 1]
    assert [group.column(1).statistics.min for group in groups] == [0, 0, 1, 2]


def test_files_that_failed_attempts_left_behind_are_not_read(spark, tmp_path, numbered):
    state = RoundState(spark, str(tmp_path))
    state.write_by_tasks("a", 3, 1, numbered)
    (file,) = (tmp_path / "a").iterdir()
    (tmp_path / "a" / "other.parquet").write_bytes(file.read_bytes())
    assert len(list(StoredArrays(state.folder).rows("a", "", kind="block"))) == 3
    assert state.read("a", SCHEMA).where("kind = 'block'").count() == 3


def test_a_frame_whose_tasks_fail_is_not_there(spark, tmp_path, numbered):
    state = RoundState(spark, str(tmp_path))
    state.write_by_tasks("a", 3, 1, numbered)

    def failing(numbers):
        yield from numbered(numbers)
        raise ValueError("broken")

    with pytest.raises(Exception, match="broken"):
        state.write_by_tasks("a", 3, 1, failing)
    assert not state.has("a")
    assert not StoredArrays(state.folder).has("a")
    assert list(StoredArrays(state.folder).rows("a", "")) == []
