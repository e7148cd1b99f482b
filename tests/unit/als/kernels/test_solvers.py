"""Solvers against scipy's steps and float64, and tastes that are found in implicit feedback."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from oracles.als import EXACT, RANK, matrix, objective, oracle, sides
from scipy.sparse.linalg import cg

from pipelines.als.config import AlsSettings
from pipelines.als.kernels.solvers import conjugate_gradients
from pipelines.als.layouts.packed_fit import sweep_once
from pipelines.als.sweep import Solver, gramian, prepare_opposite, solve


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
    value = conjugate_gradients(*given, x, (steps, steps), scratch)
    np.testing.assert_allclose(x, wanted, atol=1e-5 * np.abs(wanted).max())
    first, last = (each @ a @ each - 2 * b @ each for each in (begun, wanted))
    assert value == pytest.approx(last, abs=1e-6 * abs(first))


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
    found = errors(name, AlsSettings.model_fields["cg_steps"].default, 6)
    assert found[0] < first
    assert found[5] < sixth


@pytest.mark.parametrize("name", ["ials", "hu2008", "explicit"])
def test_many_steps_are_exact(name):
    assert errors(name, 40, 1)[0] < 1e-5


@pytest.mark.parametrize("solver", EXACT)
@pytest.mark.parametrize(
    ("name", "reg_param"), [("ials", 0.05), ("hu2008", 1.0), ("hu2008", 0.05), ("hu2008", 0.003)]
)
def test_ranks_above_the_number_of_items_are_solved(name, reg_param, solver):
    dense, goal = matrix(40, 9, 0.5), objective(name, reg_param=reg_param)
    users, items = sides(dense, goal, Solver(solver, 0))
    with ThreadPoolExecutor(1) as pool:
        sweep_once(users, items, pool)
        assert np.linalg.matrix_rank(items.factors) < RANK
        for side, other, table in ((items, users, dense.T), (users, items, dense)):
            side.solve(other.as_opposite(pool), pool)
            wanted = oracle(table, other.factors, goal)
            off = np.abs(side.factors - wanted)
            assert off.max() < 1e-5 * np.abs(wanted).max()
            opposite = other.factors.astype(np.float64)
            np.testing.assert_allclose(side.factors @ opposite.T, wanted @ opposite.T, atol=2e-5)


@pytest.mark.parametrize("solver", ["dual", "conjugate_gradients"])
@pytest.mark.parametrize("name", ["ials", "hu2008"])
def test_rounding_of_a_gramian_without_full_rank_does_not_reach_the_vectors(name, solver):
    """Whose parts are added in another order, as blocks of another number are."""
    dense, goal = matrix(400, 50, 0.15), objective(name, reg_param=0.003)
    users, items = sides(dense, goal, Solver(solver, 3), rank=64)
    with ThreadPoolExecutor(1) as pool:
        for _ in range(4):
            sweep_once(users, items, pool)
    found = []
    for parts in (1, 5):
        total = sum(gramian(items.factors[n::parts]) for n in range(parts))
        opposite = prepare_opposite(
            items.factors, total, goal, users.fit.solver, items.fit.counts["items"]
        )
        found.append(solve(users.cells[0], users.factors, opposite, goal, users.fit.solver)[0])
    assert np.abs(found[0] - found[1]).max() < 1e-4 * np.abs(found[0]).max()


def planted(users=120, items=80, groups=4):
    """Return weights to train on, which pairs are held out, and which are of the own group."""
    rng = np.random.default_rng(2)
    is_own = np.arange(users)[:, None] % groups == np.arange(items) % groups
    is_seen = rng.random((users, items)) < np.where(is_own, 0.6, 0.06)
    is_held_out = is_seen & is_own & (rng.random((users, items)) < 0.4)
    weights = np.where(is_own, rng.integers(1, 6, (users, items)), 1.0)
    return weights * (is_seen & ~is_held_out), is_held_out, is_own


@pytest.mark.parametrize(("name", "reg_param"), [("ials", 0.1), ("hu2008", 30.0)])
def test_planted_tastes_are_recovered(name, reg_param):
    """Nearly all users' held-out items stand above nearly all unseen ones of other groups."""
    dense, is_held_out, is_own = planted()
    goal = objective(name, reg_param=reg_param)
    users, items = sides(dense, goal, Solver("conjugate_gradients", 3), rank=4)
    with ThreadPoolExecutor(1) as pool:
        for _ in range(8):
            sweep_once(users, items, pool)
    scores = users.factors @ items.factors.T
    shares = [
        (own[wanted][:, None] > own[others]).mean()
        for own, wanted, others in zip(scores, is_held_out, (dense == 0) & ~is_own, strict=True)
        if wanted.any()
    ]
    assert len(shares) > 110
    assert np.mean(np.array(shares) > 0.95) > 0.95


@pytest.mark.parametrize(("name", "bound"), [("ials", 1.2), ("hu2008", 1.1)])
def test_weights_of_very_unlike_sizes_are_fitted_almost_as_by_an_exact_solver(name, bound):
    """Plays go from one to a hundred thousand; three steps for all rows end at 1.85 and 1.48."""
    rng = np.random.default_rng(2)
    seen = matrix(300, 120, 0.15, seed=5) > 0
    counts = np.maximum(1, rng.pareto(0.7, seen.shape) * 3).clip(max=1e5) * seen
    losses = {}
    for solver in ("dual", "conjugate_gradients"):
        users, items = sides(counts, objective(name), Solver(solver, 3), rank=24)
        with ThreadPoolExecutor(1) as pool:
            losses[solver] = [sweep_once(users, items, pool) for _ in range(6)][-1]
    assert losses["conjugate_gradients"] < bound * losses["dual"]
