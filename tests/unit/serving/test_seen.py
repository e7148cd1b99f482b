"""Pairs cut by block of users, and joined to the users of a block."""

import numpy as np
import pyarrow as pa
import pytest

from pipelines.arrays.batches import by_class, gathered
from pipelines.errors import InputError
from pipelines.serving.seen import _cutter, block_count, seen_items


def batches(*sizes):
    return (pa.RecordBatch.from_pydict({"n": pa.array(range(size), pa.int32())}) for size in sizes)


@pytest.mark.parametrize(
    ("sizes", "found"),
    [((3, 3, 3), [6, 3]), ((6,), [6]), ((), []), ((1, 0), [1]), ((4, 4, 4, 4), [8, 8])],
)
def test_batches_are_gathered_until_there_are_enough(sizes, found):
    assert [table.num_rows for table in gathered(batches(*sizes), 5)] == found


def test_places_of_a_class_stay_in_order_and_no_class_is_empty():
    ids = np.array([7, 300, 1, 4, 601, 301], np.int32)
    assert {n: places.tolist() for n, places in by_class(ids, 300)} == {
        0: [1],
        1: [2, 4, 5],
        4: [3],
        7: [0],
    }
    assert list(by_class(np.empty(0, np.int32), 4)) == []


def users(*places):
    return pa.table({"place": pa.array(places, pa.int32())})


def pairs(*parts):
    packed = [[np.array(ids, np.int32).tobytes() for ids in part] for part in parts]
    users, items = ([part[n] for part in packed] for n in (0, 1))
    return pa.table({"users": pa.array(users, pa.binary()), "items": pa.array(items, pa.binary())})


def test_each_user_has_their_own_items_of_all_parts():
    found = seen_items(users(8, None, 4, 12), pairs(([4, 8, 4], [1, 2, 3]), ([8, 20], [5, 6])))
    lists = [found.part(n, n + 1).values.tolist() for n in range(4)]
    assert lists == [[2, 5], [], [1, 3], []]  # 20 has no vector, None no id


def test_users_without_pairs_and_pairs_without_users():
    assert seen_items(users(1, 2), pairs()).counts.tolist() == [0, 0]
    assert seen_items(users(), pairs(([4], [1]))).counts.tolist() == []


@pytest.mark.parametrize(
    ("count", "k", "cores", "blocks"),
    [
        (60_000, 100, 2, 8),
        (5_000, 100, 200, 10),
        (1_000_000, 100, 2, 62),
        (1_000_000, 1_000, 2, 500),
        (0, 10, 2, 1),
        (240_000, 100, 2, 16),
        (5_000, 100, 3, 12),
    ],
)
def test_blocks_are_bounded_by_users_and_by_places(count, k, cores, blocks):
    assert block_count(count, k, cores) == blocks


def test_pairs_are_cut_by_block_and_know_their_place_in_it():
    batch = pa.RecordBatch.from_pydict(
        {"user_id": pa.array([7, 3, 4], pa.int32()), "item_id": pa.array([1, 2, 5], pa.int32())}
    )
    found = {
        row["block"]: [np.frombuffer(row[name], np.int32).tolist() for name in ("users", "items")]
        for cut in _cutter(3)([batch])
        for row in cut.to_pylist()
    }
    assert found == {0: [[1], [2]], 1: [[2, 1], [1, 5]]}


def test_a_pair_without_an_id_is_refused():
    batch = pa.RecordBatch.from_pydict(
        {"user_id": pa.array([1, None], pa.int32()), "item_id": pa.array([1, 2], pa.int32())}
    )
    with pytest.raises(InputError, match=r"inputs\.interactions: a user_id or item_id is null"):
        list(_cutter(2)([batch]))
