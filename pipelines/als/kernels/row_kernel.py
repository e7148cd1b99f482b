# mypy: disable-error-code="no-untyped-def, assignment"
"""Rows of a half-sweep, one after the other, each by the solver that suits its length (numba)."""

import numpy as np

from pipelines.als.kernels.solvers import (
    add_normal_equations,
    conjugate_gradients,
    coordinate_descent,
    dual,
    factor_and_solve,
    gather,
)
from pipelines.kernels.compiling import compiled

CHOLESKY, DUAL, CONJUGATE_GRADIENTS, NONNEGATIVE = range(4)
TILE = 1024  # cells gathered at a time: with its scaled copy, 1 MiB at rank 128
LONGEST = 8192  # cells of a row that is gathered whole for conjugate gradients: 4 MiB at rank 128
_TOLERANCE = np.float32(1e-6)
_SWEEPS = 1000


@compiled(nogil=True, error_model="numpy", forceinline=True)
def _weigh(columns, weights, offsets, terms, w, v):
    """Set each cell's curvature and its target times curvature; return the value of no fit.

    `terms` are (w0, w1, v0, v1, is_squared): w = w0 + w1 weight, v = v0 + v1 weight - w offset.
    """
    constant = 0.0
    for j in range(columns.size):
        w[j] = terms[0] + terms[1] * weights[j]
        v[j] = terms[2] + terms[3] * weights[j]
        if offsets.size:
            v[j] -= offsets[columns[j]]
        constant += np.float64(v[j]) * np.float64(v[j]) if terms[4] > 0 else np.float64(v[j])
    return constant


@compiled(nogil=True, error_model="numpy", forceinline=True)
def add_cells(columns, weights, opposite, offsets, terms, space, A, b):
    """Add some cells' normal equations to A and b, a tile at a time; return their constant."""
    B, scaled, part, w, v = space[0], space[1], space[2], space[3], space[4]
    constant = 0.0
    for first in range(0, columns.size, TILE):
        last = min(columns.size, first + TILE)
        n = last - first
        constant += _weigh(columns[first:last], weights[first:last], offsets, terms, w, v)
        gather(opposite, columns[first:last], B)
        add_normal_equations(B[:n], w[:n], v[:n], scaled[:n], part, A, b)
    return constant


@compiled(nogil=True, error_model="numpy", forceinline=True)
def solve_sums(A, b, base, x, solver, free):
    """Add the base to A's diagonal and solve; x holds where to begin, and the solution after."""
    for k in range(b.size):
        A[k, k] += base[k]
    if solver == NONNEGATIVE:
        return coordinate_descent(A, b, x, free, _TOLERANCE, _SWEEPS)
    value = factor_and_solve(A, b)
    x[:] = b
    return value


@compiled(nogil=True, error_model="numpy", forceinline=True)
def _solve_row(columns, weights, opposite, offsets, terms, gramian, base, x, choice, space, sums):
    solver, dual_limit, steps, free = choice
    B, scaled, w, v = space[0], space[1], space[3], space[4]
    n = columns.size
    if (solver == CONJUGATE_GRADIENTS and n <= LONGEST) or (solver == DUAL and n <= dual_limit):
        constant = _weigh(columns, weights, offsets, terms, w, v)
        gather(opposite, columns, B)
        if solver == CONJUGATE_GRADIENTS:
            return constant + conjugate_gradients(B[:n], w[:n], v[:n], base, x, steps, sums[2])
        system = sums[3][: n * n].reshape(n, n)
        return constant + dual(B[:n], w[:n], v[:n], base, x, scaled[:n], system, sums[4][:n])
    A, b = sums[0], sums[1]
    if gramian.size:
        A[:] = gramian
    else:
        A[:] = 0
    b[:] = 0
    constant = add_cells(columns, weights, opposite, offsets, terms, space, A, b)
    return constant + solve_sums(A, b, base, x, solver, free)


@compiled(nogil=True, error_model="numpy", forceinline=True)
def workspace(d, cells):
    """Return gathered rows, scaled rows of a tile, a product; curvatures and targets of cells."""
    return (
        np.empty((cells, d), np.float32),
        np.empty((TILE, d), np.float32),
        np.empty((d, d), np.float32),
        np.empty(cells, np.float32),
        np.empty(cells, np.float32),
    )


@compiled(nogil=True, error_model="numpy")
def solve_rows(
    begins, ends, columns, weights, opposite, offsets, terms, gramian, spectrum, ridges, X, choice
):
    """Solve rows of one side in place; rows without cells become zero.

    Args:
        begins: Where each row's cells begin, shape `(n,)`.
        ends: Where they end.
        columns: Opposite row of each cell.
        weights: Weight of each cell.
        opposite: Opposite factors, turned, shape `(m, d)`.
        offsets: What each opposite row adds to a prediction by itself, or nothing.
        terms: How weights make curvatures and targets; see `_weigh`.
        gramian: The opposite factors' Gramian times the weight of all cells, `(d, d)`, where they
            are not turned; nothing where they are.
        spectrum: Its eigenvalues where they are, `(d,)`.
        ridges: Regularisation of each row, `(n,)`.
        X: Rows' factors, turned: where solvers begin, and the result.
        choice: Solver, longest row for the dual, least and most steps of conjugate gradients, free
            components.

    Returns:
        The rows' part of the objective: its value less the opposite rows' regularisation.
    """
    d = opposite.shape[1]
    longest = choice[1]
    space = workspace(d, LONGEST if choice[0] == CONJUGATE_GRADIENTS else TILE)
    sums = (
        np.empty((d, d), np.float32),
        np.empty(d, np.float32),
        np.empty((5, d), np.float32),
        np.empty(longest * longest, np.float32),
        np.empty(longest, np.float32),
    )
    base = np.empty(d, np.float32)
    total = 0.0
    for i in range(begins.size):
        if begins[i] == ends[i]:
            X[i] = 0
            continue
        for k in range(d):
            base[k] = spectrum[k] + ridges[i]
        cells = slice(begins[i], ends[i])
        total += _solve_row(
            columns[cells], weights[cells], opposite, offsets, terms, gramian, base, X[i], choice,
            space, sums,
        )  # fmt: skip
    return total
