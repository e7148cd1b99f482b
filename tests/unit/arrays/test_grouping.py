"""Values by their owners, against a plain dictionary."""

from itertools import pairwise

import numpy as np
import pytest

from pipelines.arrays.grouping import grouped
from pipelines.arrays.ragged import Ragged


@pytest.mark.parametrize("pairs", [0, 1, 200])
def test_each_owner_gets_its_values_in_their_order(pairs):
    rng = np.random.default_rng(pairs)
    owners = rng.integers(-2, 12, pairs).astype(np.int32)
    values = rng.integers(0, 1000, pairs).astype(np.int32)
    offsets, found = grouped(owners, values, 10)
    assert found.dtype == np.int32
    assert [found[a:b].tolist() for a, b in pairwise(offsets)] == [
        [value for owner, value in zip(owners, values, strict=True) if owner == n]
        for n in range(10)
    ]


def test_lists_are_taken_by_their_places():
    lists = Ragged(np.array([0, 2, 2, 5]), np.array([7, 8, 1, 2, 3]))
    taken = lists.take(np.array([2, -1, 0, 1, 2]))
    assert taken.counts.tolist() == [3, 0, 2, 0, 3]
    assert taken.values.tolist() == [1, 2, 3, 7, 8, 1, 2, 3]
    assert lists.take(np.empty(0, np.int64)).counts.tolist() == []
    assert Ragged(np.zeros(1, np.int64), lists.values[:0]).take(np.array([-1])).counts.tolist() == [
        0
    ]
