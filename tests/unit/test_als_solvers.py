"""Solvers against scipy's steps and float64, and tastes that are found in implicit feedback."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy.sparse.linalg import cg
from test_als_sweeps import EXACT, RANK, matrix, objective, oracle, sides

from pipelines.als.config import TrainAlsConfig
from pipelines.als.packed import sweep_once
from pipelines.als.solvers import conjugate_gradients
from pipelines.als.sweep import Solver


@pytest.mark.parametrize("cells", [1, 7, 40])
@pytest.mark.parametrize("steps", [1, 2, 3, 5])
def test_steps_are_those_of_conjugate_gradients_preconditioned_by_the_diagonal(cells, steps):
    rng = np.random.default_rng(cells)
    rows, w, v = rng.normal(size=(cells, 16)), rng.uniform(0.5, 5, cells), rng.normal(size=cells)
    base, begun = rng.uniform(0.5, 20, 16), rng.normal(size=16)
    a, b = np.diag(base) + rows.T @ (w[:, None] * rows), rows.T @ v
    wanted, _ = cg(a, b, x0=begun, rtol=0, maxiter=steps, M=np.diag(1 / np.diag(a)))
    x, scratch = begun.astype(np.float32), np.empty((5, 16), np.float32)
    given = [each.astype(np.float32) for each in (rows, w, v, base)]
    value = conjugate_gradients(*given, x, steps, scratch)
    np.testing.assert_allclose(x, wanted, atol=1e-5 * np.abs(wanted).max())
    assert value == pytest.approx(wanted @ a @ wanted - 2 * b @ wanted, rel=1e-5)


def errors(name, steps, sweeps):
    """Return how far users are from the exact solution after each sweep, as a share of it."""
    dense, goal, found = matrix(120, 80, 0.25), objective(name), []
    users, items = sides(dense, goal, Solver("conjugate_gradients", steps))
    with ThreadPoolExecutor(1) as pool:
        for _ in range(sweeps):
            sweep_once(users, items, pool)
            wanted = oracle(dense, items.factors, goal)
            found.append(np.linalg.norm(users.factors - wanted) / np.linalg.norm(wanted))
    return found


@pytest.mark.parametrize(
    ("name", "first", "sixth"),
    [("ials", 0.02, 0.0065), ("hu2008", 0.2, 0.024), ("explicit", 0.019, 0.019)],
)
def test_the_default_steps_come_close_and_closer_from_the_sweep_before(name, first, sixth):
    """Bounds are measured, a tenth added; two steps are beyond each of them."""
    found = errors(name, TrainAlsConfig.model_fields["cg_steps"].default, 6)
    assert found[0] < first
    assert found[5] < sixth


@pytest.mark.parametrize("name", ["ials", "hu2008", "explicit"])
def test_many_steps_are_exact(name):
    assert errors(name, 40, 1)[0] < 1e-5


@pytest.mark.parametrize("name", ["ials", "hu2008"])
@pytest.mark.parametrize("solver", EXACT)
def test_a_rank_above_the_number_of_items_is_solved(name, solver):
    """The Gramian of eight items has rank eight of twelve."""
    dense, goal = matrix(40, 9, 0.5), objective(name)
    users, items = sides(dense, goal, Solver(solver, 0))
    with ThreadPoolExecutor(1) as pool:
        sweep_once(users, items, pool)
        assert np.linalg.matrix_rank(items.factors) < RANK
        wanted = oracle(dense.T, users.factors, goal)
        items.solve(users.face(pool), pool)
        np.testing.assert_allclose(items.factors, wanted, atol=1e-4 * np.abs(wanted).max())
        wanted = oracle(dense, items.factors, goal)
        users.solve(items.face(pool), pool)
    np.testing.assert_allclose(users.factors, wanted, atol=1e-4 * np.abs(wanted).max())


def planted(users=120, items=80, groups=4, seed=4):
    """Return what is trained on, which pairs are held out, and which are of the user's group."""
    rng = np.random.default_rng(seed)
    is_own = np.arange(users)[:, None] % groups == np.arange(items) % groups
    is_seen = rng.random((users, items)) < np.where(is_own, 0.5, 0.05)
    is_held_out = is_seen & is_own & (rng.random((users, items)) < 0.4)
    weights = rng.integers(1, 6, (users, items)).astype(np.float64)
    return weights * (is_seen & ~is_held_out), is_held_out, is_own


@pytest.mark.parametrize("name", ["ials", "hu2008"])
def test_planted_tastes_are_recovered(name):
    """Chance that a held-out item of the own group is above an unseen one of another group."""
    dense, is_held_out, is_own = planted()
    goal = objective(name, reg_param=0.05 if name == "ials" else 20.0)
    users, items = sides(dense, goal, Solver("conjugate_gradients", 3))
    with ThreadPoolExecutor(1) as pool:
        for _ in range(10):
            sweep_once(users, items, pool)
    scores = users.factors @ items.factors.T
    chances = np.array([
        (scores[u, own][:, None] > scores[u, (dense[u] == 0) & ~is_own[u]]).mean()
        for u, own in enumerate(is_held_out)
        if own.any()
    ])  # fmt: skip
    print(name, len(chances), chances.mean(), (chances > 0.95).mean(), chances.min())
    assert (chances > 0.95).mean() > 0.95
