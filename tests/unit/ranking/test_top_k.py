"""Exact top-k: ties, masks, tiles and Arrow columns against values derived by hand."""

import numpy as np
import pyarrow as pa
import pytest

from pipelines.arrays.matrices import as_matrix, normalised
from pipelines.arrays.ragged import Ragged, as_ragged
from pipelines.errors import InputError
from pipelines.ranking import top_k as kernel
from pipelines.ranking.top_k import top_k

ITEMS = np.array([[1, 0], [0, 1], [1, 1], [2, 0], [1, 0]], dtype=np.float32)
# scores of (1, 0): 1 0 1 2 1; of (0, 1): 0 1 1 0 0
QUERIES = np.eye(2, dtype=np.float32)


@pytest.mark.parametrize("tile", [1, 2, 3, 8])
def test_best_items_come_first_and_ties_go_by_index(tile, monkeypatch):
    monkeypatch.setattr(kernel, "_TILE", tile)
    monkeypatch.setattr(kernel, "_QUERIES", 1)
    indices, scores = top_k(QUERIES, ITEMS, k=3)
    assert indices.tolist() == [[3, 0, 2], [1, 2, 0]]
    assert scores.tolist() == [[2, 1, 1], [1, 1, 0]]


@pytest.mark.parametrize("tile", [2, 8])
def test_masked_items_are_left_out_and_short_lists_are_padded(tile, monkeypatch):
    monkeypatch.setattr(kernel, "_TILE", tile)
    monkeypatch.setattr(kernel, "_QUERIES", 1)
    masked = Ragged(np.array([0, 2, 6]), np.array([3, 0, -1, 1, 2, 4]))
    indices, scores = top_k(QUERIES, ITEMS, k=4, masked=masked)
    assert indices.tolist() == [[2, 4, 1, -1], [0, 3, -1, -1]]
    assert np.isneginf(scores[indices < 0]).all()


def test_k_beyond_the_catalogue_and_a_catalogue_of_none():
    assert top_k(QUERIES, ITEMS, k=7)[0].tolist() == [
        [3, 0, 2, 4, 1, -1, -1],
        [1, 2, 0, 3, 4, -1, -1],
    ]
    assert top_k(QUERIES, ITEMS[:0], k=2)[0].tolist() == [[-1, -1], [-1, -1]]


def test_a_score_that_is_not_a_number_is_never_chosen():
    items = np.array([[np.nan, 0], [1, 0], [0.5, 0]], dtype=np.float32)
    indices, scores = top_k(QUERIES[:1], items, k=3)
    assert indices.tolist() == [[1, 2, -1]]
    assert scores[0, :2].tolist() == [1, 0.5]


def best_columns(scores, k):
    """Ask for the best of each row of given scores."""
    one = np.ones((1, 1), np.float32)
    return [top_k(one, row[:, None], k=k)[0][0].tolist() for row in scores]


def test_ties_at_the_edge_go_by_index():
    assert best_columns(np.array([[5, 1, 5, 5, 7, 5]], np.float32), 3) == [[4, 0, 2]]


@pytest.mark.parametrize("tile", [7, 150, 4096])
def test_the_best_equal_a_full_sort_of_many_ties_and_gaps(tile, monkeypatch):
    monkeypatch.setattr(kernel, "_TILE", tile)
    scores = np.random.default_rng(5).integers(0, 60, (20, 900)).astype(np.float32)
    scores[:, ::13] = np.sort(scores[:, ::13])  # ever better ones: candidates are cut often
    scores[scores == 59] = np.nan
    order = np.lexsort((np.broadcast_to(np.arange(900), scores.shape), -np.fmax(scores, -1)))
    for k in (1, 20, 300):
        assert best_columns(scores, k) == order[:, :k].tolist()


def test_the_best_of_a_large_catalogue_are_those_of_float64():
    rng = np.random.default_rng(8)
    queries, items = rng.normal(size=(150, 24)), rng.normal(size=(9000, 24))
    queries, items = queries.astype(np.float32), items.astype(np.float32)
    masked = Ragged(np.arange(0, 151 * 5, 5), rng.integers(0, 9000, 150 * 5))
    found, scores = top_k(queries, items, k=50, masked=masked)
    exact = queries.astype(np.float64) @ items.astype(np.float64).T
    exact[masked.rows, masked.values] = -np.inf
    wanted = np.argsort(-exact, axis=1, kind="stable")[:, :50]
    differs = found != wanted
    gaps = np.take_along_axis(exact, found, 1) - np.take_along_axis(exact, wanted, 1)
    assert np.abs(gaps[differs]).max(initial=0) < 1e-5
    np.testing.assert_allclose(scores, np.take_along_axis(exact, found, 1), atol=1e-5)


def test_ragged_lists_read_a_null_as_empty_and_are_cut_by_rows():
    lists = as_ragged(pa.array([[3, 1], None, [2]], pa.list_(pa.int32())))
    assert lists.counts.tolist() == [2, 0, 1]
    assert lists.rows.tolist() == [0, 0, 2]
    part = lists.part(1, 3)
    assert (part.offsets.tolist(), part.values.tolist()) == ([0, 0, 1], [2])


def test_a_sliced_column_gives_its_own_rows_only():
    column = pa.array([[1.0, 2], [3, 4], [5, 6]], pa.list_(pa.float32()))[1:]
    assert as_matrix(column).tolist() == [[3, 4], [5, 6]]
    assert as_ragged(pa.array([[9], [1, 2]], pa.list_(pa.int32()))[1:]).values.tolist() == [1, 2]


def test_vectors_of_several_dimensions_are_refused():
    column = pa.chunked_array([pa.array([[1.0, 2], [3]], pa.list_(pa.float32()))])
    with pytest.raises(InputError, match="1 components where 2"):
        as_matrix(column)
    with pytest.raises(InputError, match="2 components where 3"):
        as_matrix(column, dimension=3)


def test_normalised_rows_have_length_one_but_zeros_stay():
    rows = normalised(np.array([[3, 4], [0, 0]], dtype=np.float32))
    np.testing.assert_allclose(rows, [[0.6, 0.8], [0, 0]], rtol=1e-6)
    assert rows.dtype == np.float32
