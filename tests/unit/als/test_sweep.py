"""ALS sweeps against normal equations solved row by row in float64, and losses summed by cell."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from oracles.als import EXACT, loss, matrix, normal_equations, objective, oracle, sides
from scipy.optimize import nnls

from pipelines.als import sweep
from pipelines.als.fit import block_size, first_factors
from pipelines.als.layouts import long_rows
from pipelines.als.layouts.packed_fit import sweep_once, sweeps
from pipelines.als.sweep import Cells, Solver
from pipelines.errors import InputError


def test_a_block_has_the_ids_equal_modulo_the_blocks():
    assert [block_size(10, 4, n) for n in range(4)] == [3, 3, 2, 2]


def test_first_factors_depend_on_the_id_alone_and_have_the_papers_deviation():
    ids = np.arange(4000)
    drawn = first_factors(ids, "users", rank=16, seed=5)
    np.testing.assert_array_equal(drawn[7:9], first_factors(ids[7:9], "users", rank=16, seed=5))
    assert not np.isclose(drawn, first_factors(ids, "items", rank=16, seed=5)).any(axis=1).all()
    assert not np.isclose(drawn, first_factors(ids, "users", rank=16, seed=6)).any(axis=1).all()
    assert drawn.std() == pytest.approx(0.1 / 4, rel=0.02)
    assert abs(drawn.mean()) < 0.0005
    assert np.abs(np.corrcoef(drawn.T) - np.eye(16)).max() < 0.08


@pytest.mark.parametrize("name", ["ials", "hu2008", "explicit"])
@pytest.mark.parametrize("solver", EXACT)
def test_a_half_sweep_solves_the_normal_equations_of_every_row(name, solver):
    dense, goal = matrix(), objective(name)
    users, items = sides(dense, goal, Solver(solver, 0))
    with ThreadPoolExecutor(1) as pool:
        users.solve(items.as_opposite(pool), pool)
    wanted = oracle(dense, items.factors, goal)
    np.testing.assert_allclose(users.factors, wanted, atol=1e-4 * np.abs(wanted).max())
    assert not users.factors[5].any()


@pytest.mark.parametrize("name", ["ials", "hu2008", "explicit"])
@pytest.mark.parametrize("solver", [*EXACT, "conjugate_gradients", "nonnegative"])
def test_the_reported_loss_is_the_objective_summed_by_cell_and_never_rises(name, solver):
    dense, goal = matrix(), objective(name)
    users, items = sides(dense, goal, Solver(solver, 3))
    losses = []
    with ThreadPoolExecutor(2) as pool:
        for _ in range(6):
            losses.append(sweep_once(users, items, pool))
            summed = loss(dense, users.factors, items.factors, goal)
            assert losses[-1] == pytest.approx(summed, rel=1e-5)
    assert all(b <= a * (1 + 1e-6) for a, b in pairwise(losses))
    assert losses[-1] < 0.97 * losses[0]


@pytest.mark.parametrize("name", ["ials", "hu2008", "explicit"])
def test_nonnegative_rows_are_those_of_lawson_and_hanson(name):
    dense, goal = matrix(), objective(name, has_biases=False)
    users, items = sides(dense, goal, Solver("nonnegative", 0))
    with ThreadPoolExecutor(1) as pool:
        users.solve(items.as_opposite(pool), pool)
    count = int((dense > 0).any(0).sum())
    for n, row in enumerate(dense):
        if row.any():
            a, b = normal_equations(row, items.factors, goal, count)
            root = np.linalg.cholesky(a)
            wanted, _ = nnls(root.T, np.linalg.solve(root, b))
            np.testing.assert_allclose(users.factors[n], wanted, atol=1e-4)
    assert (users.factors == 0).any()
    assert (users.factors >= 0).all()


def test_biases_may_be_negative_where_factors_may_not():
    dense = matrix()
    dense[dense > 0] = np.maximum(1, dense[dense > 0] - 2)
    goal = objective("explicit", mean=3.0)
    users, items = sides(dense, goal, Solver("nonnegative", 0))
    with ThreadPoolExecutor(1) as pool:
        losses = [sweep_once(users, items, pool) for _ in range(4)]
    assert (users.factors[:, -1] < 0).any()
    assert (users.factors[:, :-1] >= 0).all()
    assert losses[-1] == pytest.approx(loss(dense, users.factors, items.factors, goal), rel=1e-5)


@pytest.mark.parametrize("solver", ["dual", "conjugate_gradients"])
@pytest.mark.parametrize("name", ["ials", "explicit"])
def test_blocks_and_threads_change_nothing(name, solver):
    dense, goal = matrix(), objective(name)
    results = []
    for blocks, threads in ((1, 1), (4, 2), (16, 3), (64, 2)):
        users, items = sides(dense, goal, Solver(solver, 3), blocks=blocks, threads=threads)
        with ThreadPoolExecutor(threads) as pool:
            measured = sweeps(users, items, [], pool, 60, {})
        results.append((users.factors, items.factors, measured[-1]["loss"]))
    for users, items, value in results[1:]:
        np.testing.assert_allclose(users, results[0][0], atol=1e-4)
        np.testing.assert_allclose(items, results[0][1], atol=1e-4)
        assert value == pytest.approx(results[0][2], rel=1e-6)


@pytest.mark.parametrize("name", ["ials", "hu2008"])
@pytest.mark.parametrize(
    ("solver", "steps", "cells"),
    # conjugate gradients gather 8,192 cells at most, and leave longer rows to Cholesky
    [
        ("cholesky", 0, 3000),
        ("dual", 0, 3000),
        ("conjugate_gradients", 20, 3000),
        ("conjugate_gradients", 1, 14_000),
    ],
)
def test_rows_longer_than_a_tile_are_solved_by_any_solver(name, solver, steps, cells):
    dense, goal = matrix(6, cells, 0.7)[:3], objective(name)
    users, items = sides(dense, goal, Solver(solver, steps))
    drawn = np.random.default_rng(0).normal(size=items.factors.shape)
    items.factors[:] = drawn * dense.any(0)[:, None]
    with ThreadPoolExecutor(1) as pool:
        value = users.solve(items.as_opposite(pool), pool)
    wanted = oracle(dense, items.factors, goal)
    np.testing.assert_allclose(users.factors, wanted, atol=1e-5 * np.abs(wanted).max())
    summed = loss(dense, users.factors, items.factors, goal)
    assert value + items.penalty(len(dense)) == pytest.approx(summed, rel=1e-6)


@pytest.mark.parametrize(
    "goal",
    [
        objective("ials"),
        objective("hu2008", alpha=3.0),
        objective("explicit", mean=2.0, has_biases=True),
    ],
    ids=lambda goal: goal.name,
)
@pytest.mark.parametrize(
    ("solver", "error"),
    [("cholesky", 1e-5), ("nonnegative", 1e-4)],  # coordinate descent ends within a tolerance
)
def test_sums_over_pieces_of_a_row_give_the_row(goal, solver, error):
    dense, how = matrix(6, 400, 0.8)[:1], Solver(solver, 0)
    users, items = sides(dense, goal, how)
    first, cells = users.factors[0].copy(), users.cells[0]
    with ThreadPoolExecutor(1) as pool:
        opposite = items.as_opposite(pool)
        wanted = users.solve(opposite, pool)
    signs = np.where(np.arange(opposite.rows.shape[1]) % 2, -1, 1).astype(np.float32)
    mirrored = opposite  # as another process may have found the eigenvectors
    if opposite.eigenvectors is not None:
        mirrored = replace(
            opposite, eigenvectors=opposite.eigenvectors * signs, rows=opposite.rows * signs
        )
    sums = [
        long_rows.sum_cells(Cells(np.array([0, n]), columns, weights), of, goal)
        for of, n, columns, weights in (
            (mirrored, 90, cells.columns[:90], cells.weights[:90]),
            (opposite, cells.columns.size - 90, cells.columns[90:], cells.weights[90:]),
        )
    ]
    total, right, constant = (sum(one[n] for one in sums) for n in range(3))
    (step,) = goal.ridges(cells.counts, opposite.count)
    x, value = long_rows.solve_one(
        total, right, first, step, opposite, how, free=int(goal.has_biases)
    )
    np.testing.assert_allclose(x, users.factors[0], atol=error)
    assert value + constant == pytest.approx(wanted, rel=1e-6)


def test_a_weak_direction_weighs_the_same_where_a_task_holds_no_row_of_it():
    """A block whose rows are all solved from pieces needs no row, and cannot tell what is noise."""
    rng, goal, how = np.random.default_rng(1), objective("hu2008"), Solver("cholesky", 0)
    factors = rng.normal(size=(20_000, 8)).astype(np.float32)
    factors[:, -1] = 0
    factors[:5_000, -1] = rng.normal(3e-3, 3e-4, 5_000)
    total = sweep.gramian(factors)
    cells = Cells(
        np.array([0, 5_000]), np.arange(5_000, dtype=np.int32), np.ones(5_000, np.float32)
    )
    found = []
    for held in (factors, factors[:0]):
        opposite = sweep.prepare_opposite(held, total, goal, how, len(factors))
        equations = long_rows.sum_cells(
            cells, sweep.prepare_opposite(factors, total, goal, how, 1), goal
        )
        before, ridge = np.zeros(8, np.float32), 1e-3
        found.append(long_rows.solve_one(*equations[:2], before, ridge, opposite, how, free=0))
    np.testing.assert_allclose(found[1][0], found[0][0], rtol=1e-5)
    assert found[1][1] == pytest.approx(found[0][1], rel=1e-6)


def test_what_float32_cannot_solve_is_told():
    dense, goal = matrix() * 1e6, objective("explicit", reg_param=1e-12)
    users, items = sides(dense, goal, Solver("cholesky", 0), rank=40)

    def fit():
        with ThreadPoolExecutor(1) as pool:
            for _ in range(5):
                users.solve(items.as_opposite(pool), pool)
                items.solve(users.as_opposite(pool), pool)

    with pytest.raises(InputError, match="reg_param is too small"):
        fit()


def test_planted_factors_are_recovered():
    rng = np.random.default_rng(2)
    true = rng.normal(size=(300, 4)) @ rng.normal(size=(4, 200))
    dense = np.where(rng.random(true.shape) < 0.4, true + 10, 0.0)
    goal = objective("explicit", mean=10.0, reg_param=1e-4, has_biases=False)
    users, items = sides(dense, goal, Solver("dual", 0), max_iter=30)
    with ThreadPoolExecutor(2) as pool:
        sweeps(users, items, [], pool, 60, {})
    held_out = dense == 0
    error = (users.factors @ items.factors.T - true)[held_out]
    assert np.sqrt((error**2).mean()) < 0.02 * true.std()


def test_a_fit_ends_when_the_loss_hardly_falls():
    dense, goal = matrix(), objective("ials")
    users, items = sides(dense, goal, Solver("dual", 0), max_iter=200, tolerance=1e-3)
    with ThreadPoolExecutor(1) as pool:
        measured = sweeps(users, items, [], pool, 60, {})
    losses = [m["loss"] for m in measured]
    assert 2 < len(losses) < 200
    assert losses[-1] > losses[-2] * (1 - 1e-3)
    assert losses[-2] <= losses[-3] * (1 - 1e-3)
