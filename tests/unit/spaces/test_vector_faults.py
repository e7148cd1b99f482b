"""Faults of single vectors, as Spark's own comparisons would find them."""

import pyarrow as pa
import pytest

from pipelines.spaces.vector_faults import FAULTS, find_faults

NAN, INFINITE = float("nan"), float("inf")
CASES = {
    "sound": ([3.0, 4.0], 5.0, set()),
    "short": ([5.0], 5.0, {"wrong_dimension"}),
    "empty": ([], 0.0, {"wrong_dimension", "zero_vectors"}),
    "zero": ([0.0, 0.0], 0.0, {"zero_vectors"}),
    "not a number": ([NAN, NAN], NAN, {"non_finite"}),
    "not a number, with a norm": ([NAN, 1.0], 1.0, {"non_finite", "wrong_norm"}),
    "infinite": ([-INFINITE, 0.0], INFINITE, {"non_finite", "wrong_norm"}),
    "wrong norm": ([3.0, 4.0], 5.1, {"wrong_norm"}),
    "norm within tolerance": ([3.0, 4.0], 5.004, set()),
    "null": ([None, 1.0], 1.0, {"null_components"}),
}


@pytest.mark.parametrize("name", CASES)
def test_each_fault_is_found_in_its_row_of_a_slice(name):
    rows = [*CASES.values()]
    batch = pa.record_batch(
        [
            pa.array([row[0] for row in rows], pa.list_(pa.float32())),
            pa.array([row[1] for row in rows], pa.float32()),
        ],
        names=["vector", "norm"],
    )
    place = [*CASES].index(name)
    for start in {0, place}:
        found = find_faults(batch.slice(start), 2)
        assert {fault for fault in FAULTS if found[fault][place - start]} == CASES[name][2]
