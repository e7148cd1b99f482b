"""Products of small matrices equal numpy's."""

import numpy as np
import pytest

from pipelines.training.products import multiply, multiply_band, padded


@pytest.mark.parametrize(
    ("rows", "inner", "width"),
    [(64, 104, 16), (64, 16, 104), (16, 64, 104), (7, 5, 40), (3, 1, 8), (5, 9, 32), (4, 3, 56)],
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_products_are_numpys(rows: int, inner: int, width: int, order: str) -> None:
    rng = np.random.default_rng(rows)
    left = np.asarray(rng.normal(size=(rows, inner)), np.float32, order=order)
    right = rng.normal(size=(inner, width)).astype(np.float32)
    product = np.full((rows, width), np.nan, np.float32)
    multiply(left, right, product)
    np.testing.assert_allclose(product, left @ right, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rows", [64, 5, 1])
def test_band_products_read_the_band_alone(rows: int) -> None:
    reach, width = 3, 24
    rng = np.random.default_rng(rows)
    places = np.arange(rows + 2 * reach) - np.arange(rows)[:, None]
    band = np.where((places >= 0) & (places <= 2 * reach), rng.normal(size=places.shape), 0)
    band, right = band.astype(np.float32), rng.normal(size=(rows + 2 * reach, width))
    means, back = np.empty((rows, width), np.float32), np.empty(right.shape, np.float32)
    multiply_band(band, right.astype(np.float32), means, 0, 2 * reach)
    np.testing.assert_allclose(means, band @ right, rtol=1e-4, atol=1e-5)
    multiply_band(band.T, means, back, 2 * reach, 0)
    np.testing.assert_allclose(back, band.T @ means, rtol=1e-4, atol=1e-5)


def test_rows_are_padded_to_whole_vectors() -> None:
    assert [padded(n) for n in (1, 8, 9, 100, 300)] == [8, 8, 16, 104, 304]
