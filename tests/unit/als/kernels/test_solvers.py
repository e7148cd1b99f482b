"""Solvers against scipy's steps and float64, and tastes that are found in implicit feedback."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from oracles.als import EXACT, RANK, matrix, normal_equations, objective, oracle, sides
from scipy.sparse.linalg import cg

from pipelines.als.config import AlsSettings
from pipelines.als.kernels.solvers import conjugate_gradients
from pipelines.als.layouts.packed_fit import sweep_once
from pipelines.als.sweep import Solver, gramian, prepare_opposite, solve

EPSILON = float(np.finfo(np.float32).eps)


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
    # x begins as long as the start: each step rounds by eps of that, however short x ends
    rounded = steps * EPSILON * np.abs(begun).max()
    np.testing.assert_allclose(x, wanted, atol=1e-5 * np.abs(wanted).max() + rounded)
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


def systems(dense, opposite, goal, basis):
    """Yield each row that has cells, and its normal equations in a basis, in float64."""
    count = int((dense > 0).any(0).sum())
    for n, row in enumerate(dense):
        if row.any():
            a, b = normal_equations(row, opposite, goal, count)
            yield n, basis.T @ a @ basis, basis.T @ b


def after_three_steps(a, b, begun):
    """Return what three steps of scipy's conjugate gradients make of a start."""
    return cg(a, b, begun, rtol=0, maxiter=3, M=np.diag(1 / np.diag(a)))[0]


def distance(a, x, exact):
    """Return |x - exact|_A, which no three steps make less than those of conjugate gradients."""
    return float(np.sqrt((x - exact) @ a @ (x - exact)))


def rounding(a, exact):
    """Return what float32 adds to a distance: with A = DSD, S of ones on its diagonal, d unknowns.

    Each of three steps errs by sqrt(d) eps |S| (Higham and Mary 2019), which reaches |x|_A times
    |S^-1/2| |S| |S^-1/2| = cond(S).
    """
    root = np.sqrt(np.diag(a))
    condition = np.linalg.cond(a / root / root[:, None])
    return 3 * len(a) ** 0.5 * EPSILON * condition * distance(a, exact, 0)


@pytest.mark.parametrize("name", ["ials", "hu2008", "explicit"])
def test_the_default_steps_come_close_and_closer_from_the_sweep_before(name):
    """Each row comes as close as three steps in float64, and all rows closer than from zero."""
    dense, goal, own, cold = matrix(120, 80, 0.25), objective(name), [], []
    steps = AlsSettings.model_fields["cg_steps"].default
    users, items = sides(dense, goal, Solver("conjugate_gradients", steps))
    for _ in range(6):
        before, found = users.factors.astype(np.float64), []
        with ThreadPoolExecutor(1) as pool:
            sweep_once(users, items, pool)
            basis = items.as_opposite(pool).basis
        for n, a, b in systems(dense, items.factors, goal, basis):
            exact = np.linalg.solve(a, b)
            warm, blank = (
                distance(a, after_three_steps(a, b, begun), exact)
                for begun in (before[n] @ basis, np.zeros(len(b)))
            )
            found.append((distance(a, users.factors[n] @ basis, exact), blank))
            assert found[-1][0] <= warm + rounding(a, exact)
        for distances, total in zip((own, cold), np.linalg.norm(found, axis=0), strict=True):
            distances.append(total)
    assert own[5] < own[0]
    assert all(warm < blank for warm, blank in zip(own[1:], cold[1:], strict=True))


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
@pytest.mark.parametrize(("name", "reg_param"), [("ials", 1e-6), ("hu2008", 0.003)])
def test_rounding_of_a_gramian_without_full_rank_does_not_reach_the_vectors(
    name, reg_param, solver
):
    """Whose parts are added in another order, as blocks of another number are.

    Rows are as near as in float64 within the directions that items have, and nothing is outside but
    the rounding of a product of d = 64 terms.
    """
    dense, goal = matrix(400, 50, 0.15), objective(name, reg_param=reg_param)
    users, items = sides(dense, goal, Solver(solver, 3), rank=64)
    with ThreadPoolExecutor(1) as pool:
        for _ in range(4):
            sweep_once(users, items, pool)
    rank = np.linalg.matrix_rank(items.factors)
    assert rank == 49
    for parts in (1, 5):
        total = sum(gramian(items.factors[n::parts]) for n in range(parts))
        opposite = prepare_opposite(
            items.factors, total, goal, users.fit.solver, items.fit.counts["items"]
        )
        found = solve(users.cells[0], users.factors, opposite, goal, users.fit.solver)[0]
        outside, basis = np.split(opposite.basis, [64 - rank], axis=1)
        assert np.abs(found @ outside).max() < 64**0.5 * EPSILON * np.abs(found).max()
        for n, a, b in systems(dense, items.factors, goal, basis):
            exact = np.linalg.solve(a, b)
            wanted = exact
            if solver == "conjugate_gradients":
                wanted = after_three_steps(a, b, users.factors[n] @ basis)
            allowed = distance(a, wanted, exact) + rounding(a, exact)
            assert distance(a, found[n] @ basis, exact) <= allowed


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
