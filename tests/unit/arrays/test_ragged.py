"""Lists that lie end to end, and where each begins."""

import numpy as np

from pipelines.arrays.offsets import offsets_of


def test_offsets_begin_at_zero_and_end_at_the_total():
    assert offsets_of(np.array([2, 0, 3], np.int32)).tolist() == [0, 2, 2, 5]
    assert offsets_of(np.array([], np.int64)).tolist() == [0]
    assert offsets_of(np.array([True, False, True])).tolist() == [0, 1, 1, 2]


def test_offsets_of_small_counts_are_int64_and_do_not_overflow():
    offsets = offsets_of(np.full(300, 127, np.int8))
    assert (offsets.dtype, offsets[-1]) == (np.int64, 300 * 127)
