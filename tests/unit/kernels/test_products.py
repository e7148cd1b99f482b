"""Products of small matrices equal numpy's."""

import numpy as np
import pytest

from pipelines.kernels.products import multiply, padded


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


def test_rows_are_padded_to_whole_vectors() -> None:
    assert [padded(n) for n in (1, 8, 9, 100, 300)] == [8, 8, 16, 104, 304]
