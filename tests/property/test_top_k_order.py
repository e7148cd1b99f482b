"""Top-k equals a full sort by (score descending, index), whatever the tiles."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipelines.ranking import top_k as kernel

_SMALL = st.integers(-3, 3).map(float)  # few values: many ties, and products exact in float32


@given(st.data(), st.integers(1, 12), st.integers(1, 15), st.integers(1, 5), st.integers(1, 20))
def test_top_k_is_the_head_of_a_full_sort(data, n, m, tile, k):
    queries = data.draw(arrays.arrays(np.float32, (n, 2), elements=_SMALL))
    items = data.draw(arrays.arrays(np.float32, (m, 2), elements=_SMALL))
    lists = data.draw(st.lists(st.sets(st.integers(0, m - 1)), min_size=n, max_size=n))
    offsets = np.cumsum([0, *(len(hidden) for hidden in lists)])
    values = np.array([item for hidden in lists for item in hidden], dtype=np.int64)
    before = kernel._TILE, kernel._QUERIES
    kernel._TILE, kernel._QUERIES = tile, 3
    try:
        found, scores = kernel.top_k(queries, items, k=k, masked=kernel.Ragged(offsets, values))
    finally:
        kernel._TILE, kernel._QUERIES = before
    for row, hidden in enumerate(lists):
        ranked = sorted((-float(queries[row] @ items[i]), i) for i in range(m) if i not in hidden)
        best = ranked[:k]
        assert found[row].tolist() == [i for _, i in best] + [-1] * (k - len(best))
        assert [-s for s, _ in best] == scores[row, : len(best)].tolist()
