"""Rows dealt into buckets, and times by rank, beside numpy and Python's own sets."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.interactions.blocked import ranks
from pipelines.interactions.blocked.build_tables import sliced
from pipelines.interactions.blocked.hashing import buckets_of_keys
from pipelines.interactions.packed.keys import CODES
from pipelines.storage.task_files import buckets
from pipelines.storage.task_files.buckets import BucketFile, read_batches, read_bucket

COUNT = 5
SCHEMA = pa.schema([("user", CODES), ("row", pa.int64()), ("text", pa.string())])
USERS = ["ann", "b", None, "c\u00e9\u6f22", "", *(f"user {n}" for n in range(40)), "x" * 50]


def test_each_row_is_in_the_bucket_of_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "_HELD_BYTES", 4_000)  # several row groups of a bucket
    random, files, rows = np.random.default_rng(1), [], 0
    for _ in range(3):
        file = BucketFile(f"{tmp_path}/dealt")
        for _ in range(10):
            users = pa.array(random.choice(USERS, 30).tolist(), pa.string()).dictionary_encode()
            numbers = pa.array(range(rows, rows + 30))
            rows += 30
            table = pa.table([users, numbers, numbers.cast(pa.string())], schema=SCHEMA)
            file.add(table, buckets_of_keys(users, COUNT))
        files.append(file.close())
    files.append(BucketFile(f"{tmp_path}/none").close())
    assert files[-1] == ""
    dealt = [read_bucket(files, bucket, SCHEMA) for bucket in range(COUNT)]
    every = [batch for name in files[:3] for batch in read_batches(name, SCHEMA)]
    assert pa.Table.from_batches(every, SCHEMA).num_rows == rows
    assert sorted(row for part in dealt for row in part["row"].to_pylist()) == [*range(rows)]
    assert all(part["row"].cast(pa.string()) == part["text"] for part in dealt)
    owners = [set(part["user"].to_pylist()) - {None} for part in dealt]
    assert sum(map(len, owners)) == len(set().union(*owners)) == len(USERS) - 1
    nobody = pa.array(["ann", *[None] * 9]).dictionary_encode()
    assert {*buckets_of_keys(nobody, COUNT)} == {*range(COUNT)}  # rows without a user are spread


TIMES = st.lists(st.one_of(st.integers(0, 9), st.integers(-(10**12), 10**12)), max_size=60)


@given(st.lists(TIMES, min_size=1, max_size=5), st.data())
def test_the_time_of_a_rank_is_that_of_all_times_sorted(
    tasks: Sequence[Sequence[int]], data: st.DataObject
) -> None:
    ordered = sorted(time for times in tasks for time in times)
    if not ordered:
        return
    rank = data.draw(st.integers(1, len(ordered)))
    held = [np.array(times, np.int64) for times in tasks]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranks, "_MOST_POINTS", 4)
        within, looks = None, 0
        while within is None or within[0] < within[1]:
            within = ranks.bounds_of([ranks.points_of(each, within) for each in held], rank)
            assert within[0] <= ordered[rank - 1] <= within[1]
            looks += 1
            assert looks <= 6


def test_parts_of_files_are_each_read_once() -> None:
    few = sliced(["a", "b"], 3)
    assert sorted(each for task in few for each in task) == [
        *(("a", n, 2) for n in range(2)),
        *(("b", n, 2) for n in range(2)),
    ]
    many = sliced([*"abcde"], 2)
    assert [len(task) for task in many] == [3, 2]
