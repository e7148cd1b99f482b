"""Rows of columns in chunks, beside Arrow's own `take`, which small columns survive."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from pipelines.arrays.chunks import taken


@pytest.mark.parametrize("kind", [pa.string(), pa.dictionary(pa.int32(), pa.string())])
def test_rows_are_those_that_arrow_takes(kind: pa.DataType) -> None:
    draw = np.random.default_rng(1)
    texts = [None if n % 5 == 0 else f"text {n % 7}" for n in range(100)]
    for count in (0, 1, 17, 100):
        cuts = [0, *sorted(draw.integers(0, 100, 6)), 100]
        chunks = [pa.array(texts[low:high], pa.string()).cast(kind) for low, high in pairwise(cuts)]
        column = pa.chunked_array(chunks, kind)
        rows = np.sort(draw.choice(100, count, replace=False))
        assert taken(column, rows).to_pylist() == [texts[row] for row in rows]


def test_strings_of_more_than_two_gigabytes() -> None:
    chunk = pa.array(["x" * (300 << 20)] * 2)  # its bytes are held once
    column = pa.chunked_array([chunk] * 4)
    with pytest.raises(pa.ArrowInvalid, match="overflow"):
        column.take(pa.array([0]))
    assert [len(text) for text in taken(column, np.array([7])).to_pylist()] == [300 << 20]
