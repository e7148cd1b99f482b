"""Steps along rows equal numpy's, whatever is left of a row after whole vectors."""

import numpy as np
import pytest
from numba import njit

from pipelines.kernels import rows
from pipelines.word2vec.kernels import cbow
from pipelines.word2vec.kernels.arguments import Chunk, LaidOut, Model, WindowMeans

WIDTHS = [1, 3, 4, 7, 16, 20, 39, 100]


@njit
def _copy(to, i, of, j, width):
    return rows.copy(to, i, of, j, width)


@njit
def _add(to, i, of, j, width):
    rows.add(to, i, of, j, width)


@njit
def _meet(outputs, means, gradients, places, numbers, width):
    rows.meet(outputs, places[0], means, gradients, places[1], numbers[0], numbers[1], width)


def matrices(width: int) -> list[np.ndarray]:
    """Three matrices of other widths, whose further columns are not to be touched."""
    rng = np.random.default_rng(width)
    return [rng.normal(size=(5, width + more)).astype(np.float32) for more in (0, 4, 9)]


@pytest.mark.parametrize("width", WIDTHS)
def test_a_copied_row_tells_its_square(width: int) -> None:
    of, to, _ = matrices(width)
    expected = to.copy()
    expected[2, :width] = of[3]
    assert _copy(to, 2, of, 3, width) == pytest.approx(np.square(of[3]).sum(), rel=1e-5)
    assert np.array_equal(to, expected)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_row_is_added(width: int) -> None:
    of, to, _ = matrices(width)
    expected = to.copy()
    expected[1, :width] += of[4]
    _add(to, 1, of, 4, width)
    assert np.array_equal(to, expected)


@pytest.mark.parametrize("width", WIDTHS)
def test_rows_that_meet_take_each_others_value_before(width: int) -> None:
    outputs, means, gradients = matrices(width)
    expected, moved = outputs.copy(), gradients.copy()
    expected[1] += np.float32(0.5) * means[2, :width]
    moved[2, :width] = 0.25 * (gradients[2, :width] + np.float32(0.5) * outputs[1])
    _meet(outputs, means, gradients, (1, 2), (np.float32(0.5), np.float32(0.25)), width)
    np.testing.assert_allclose(outputs, expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(gradients, moved, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("reach", [1, 3, 5])
@pytest.mark.parametrize(("c0", "size"), [(0, 30), (4, 7), (11, 1), (20, 10)])
def test_sliding_sums_are_those_of_each_window(c0: int, size: int, reach: int) -> None:
    """Sentences of 12, 1, 2 and 15 tokens, some cut by the chunk; their means and the way back."""
    rng, width = np.random.default_rng(reach), 20
    bounds = [0, 12, 13, 15, 30]
    begin, end = (np.repeat(bounds[n : n + 4], np.diff(bounds)).astype(np.int32) for n in (0, 1))
    kept = rng.permutation(30).astype(np.int32)
    inputs, outputs = rng.normal(size=(2, 30, width)).astype(np.float32)
    share = np.zeros((size, 30))
    for i in range(size):
        at = c0 + i
        window = [j for j in range(begin[at], end[at]) if 0 < abs(j - at) <= reach]
        share[i, kept[window]] = 1 / max(1, len(window))
    means, steps = rng.normal(size=(2, size, 24)).astype(np.float32)
    pairs, shares, squares, scores = np.full((4, size), np.nan, np.float32)
    total = np.zeros((1, width), np.float32)
    laid, chunk = LaidOut(kept, begin, end), Chunk(c0, size, filled=30)
    windows = WindowMeans(pairs, shares, total, means, steps, squares, scores)
    cbow.mean_windows(laid, chunk, reach, Model(inputs, outputs), windows)
    expected = share @ inputs
    np.testing.assert_allclose(means[:, :width], expected, atol=1e-5)
    np.testing.assert_allclose(squares, np.square(expected).sum(1), rtol=1e-4)
    np.testing.assert_allclose(scores, (expected * outputs[kept[c0 : c0 + size]]).sum(1), atol=1e-4)
    assert np.array_equal(pairs, share.any(1))
    moved = inputs + share.T @ steps[:, :width]
    shared = windows._replace(gradients=steps * shares[:, None])
    cbow.spread_gradients(laid, chunk, reach, shared, inputs)
    np.testing.assert_allclose(inputs, moved, atol=1e-5)
