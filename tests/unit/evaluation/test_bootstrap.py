"""Bootstrap intervals against the normal approximation, and whatever batches users come in."""

import numpy as np
import pytest

from pipelines.arrays.hashing import draws, mixed
from pipelines.evaluation import bootstrap


def test_splitmix_gives_the_published_sequence():
    """The first numbers of the generator's sequence from seed 1234567 (Vigna's reference)."""
    state = np.array([1234567], np.uint64)
    first = mixed(state)
    second = mixed(state + np.uint64(0x9E3779B97F4A7C15))
    assert [int(first[0]), int(second[0])] == [6457827717110365317, 3203168211198807973]


def test_users_count_as_poisson_numbers_do():
    ids = np.arange(4000)
    sums = bootstrap.resampled_sums(ids, np.ones((4000, 1)), seed=3)
    assert sums.shape == (bootstrap.RESAMPLES, 2)
    np.testing.assert_array_equal(sums[:, 0], sums[:, 1])
    assert sums[:, 0].mean() == pytest.approx(4000, rel=0.002)
    assert sums[:, 0].var() == pytest.approx(4000, rel=0.2)


def test_the_interval_is_that_of_the_normal_approximation():
    values = np.random.default_rng(0).random((3000, 2)) ** 2
    sums = bootstrap.resampled_sums(np.arange(3000), values, seed=1)
    for column in (0, 1):
        low, high = bootstrap.interval(sums, column)
        mean, half = values[:, column].mean(), 1.96 * values[:, column].std() / np.sqrt(3000)
        assert low == pytest.approx(mean - half, abs=0.15 * half)
        assert high == pytest.approx(mean + half, abs=0.15 * half)


def test_batches_add_up_to_the_whole():
    values = np.random.default_rng(2).random((50, 3))
    whole = bootstrap.resampled_sums(np.arange(50), values, seed=1)
    order = np.random.default_rng(3).permutation(50)
    parts = [bootstrap.resampled_sums(p, values[p], seed=1) for p in np.split(order, [20, 21])]
    np.testing.assert_allclose(sum(parts), whole)
    assert not np.allclose(bootstrap.resampled_sums(np.arange(50), values, seed=2), whole)


def test_draws_differ_by_key_place_and_seed():
    drawn = np.concatenate([draws(np.arange(100), 50, seed=s).ravel() for s in (0, 1)])
    assert np.unique(drawn).size == drawn.size
