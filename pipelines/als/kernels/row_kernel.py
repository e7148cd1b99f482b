# mypy: disable-error-code="no-any-return"
"""Rows of a half-sweep, one after the other, each by the solver that suits its length (numba)."""

import numpy as np

from pipelines.als.kernels.arrays import (
    Columns,
    Floats,
    KernelOptions,
    OppositeArrays,
    RowCells,
    RowSystem,
    Workspace,
)
from pipelines.als.kernels.gathering import gather
from pipelines.als.kernels.nonnegative import coordinate_descent
from pipelines.als.kernels.solvers import (
    add_normal_equations,
    conjugate_gradients,
    dual,
    factor_and_solve,
)
from pipelines.als.objective import Terms
from pipelines.kernels.compiling import compiled

CHOLESKY, DUAL, CONJUGATE_GRADIENTS, NONNEGATIVE = range(4)
TILE = 1024  # cells gathered at a time: with its scaled copy, 1 MiB at rank 128
LONGEST = 8192  # most cells of a row for conjugate gradients, gathered whole: 4 MiB at rank 128
_TOLERANCE = np.float32(1e-6)  # of coordinate descent: largest move, as a share of the largest x
_MOST_PASSES = 1000  # passes of coordinate descent over a row's components


@compiled(nogil=True, error_model="numpy", forceinline=True)
def _weigh(
    columns: Columns, weights: Floats, biases: Floats, terms: Terms, w: Floats, v: Floats
) -> float:
    """Set each cell's curvature and its target times curvature; return the value at x = 0.

    w = w0 + w1 weight and v = v0 + v1 weight - bias, see `objective.Terms`; a cell's value is v^2
    for ratings, else v.
    """
    constant = 0.0
    for j in range(columns.size):
        w[j] = terms.w0 + terms.w1 * weights[j]
        v[j] = terms.v0 + terms.v1 * weights[j]
        if biases.size:
            v[j] -= biases[columns[j]]
        constant += (
            np.float64(v[j]) * np.float64(v[j]) if terms.is_squared > 0 else np.float64(v[j])
        )
    return constant


@compiled(nogil=True, error_model="numpy", forceinline=True)
def add_cells(
    columns: Columns,
    weights: Floats,
    opposite: Floats,
    biases: Floats,
    terms: Terms,
    space: Workspace,
    A: Floats,
    b: Floats,
) -> float:
    """Add some cells' normal equations to A and b, a tile at a time; return their constant."""
    B, scaled, w, v = space.gathered, space.scaled, space.curvatures, space.targets
    constant = 0.0
    for first in range(0, columns.size, TILE):
        last = min(columns.size, first + TILE)
        n = last - first
        constant += _weigh(columns[first:last], weights[first:last], biases, terms, w, v)
        gather(opposite, columns[first:last], B)
        add_normal_equations(B[:n], w[:n], v[:n], scaled[:n], space.product, A, b)
    return constant


@compiled(nogil=True, error_model="numpy", forceinline=True)
def solve_sums(A: Floats, b: Floats, base: Floats, x: Floats, solver: int, free: int) -> float:
    """Add the base to A's diagonal and solve; x is the start, then the solution."""
    for k in range(b.size):
        A[k, k] += base[k]
    if solver == NONNEGATIVE:
        return coordinate_descent(A, b, x, free, _TOLERANCE, _MOST_PASSES)
    value = factor_and_solve(A, b)
    for k in range(b.size):  # as `x[:] = b`, whose error message takes 5 s to compile
        x[k] = b[k]
    return value


@compiled(nogil=True, error_model="numpy", forceinline=True)
def _solve_row(
    columns: Columns,
    weights: Floats,
    opposite: OppositeArrays,
    terms: Terms,
    x: Floats,
    options: KernelOptions,
    space: Workspace,
    system: RowSystem,
) -> float:
    """Solve one row in place, where `system.base` holds its diagonal; return its value."""
    B, scaled, w, v = space.gathered, space.scaled, space.curvatures, space.targets
    solver, n, base = options.solver, columns.size, system.base
    is_dual = solver == DUAL and n <= options.dual_limit
    if is_dual or (solver == CONJUGATE_GRADIENTS and n <= LONGEST):
        constant = _weigh(columns, weights, opposite.biases, terms, w, v)
        gather(opposite.rows, columns, B)
        if solver == CONJUGATE_GRADIENTS:
            return constant + conjugate_gradients(
                B[:n], w[:n], v[:n], base, x, options.steps, system.vectors
            )
        matrix, right = system.dual_matrix[: n * n].reshape(n, n), system.dual_right[:n]
        return constant + dual(B[:n], w[:n], v[:n], base, x, scaled[:n], matrix, right)
    A, b = system.matrix, system.right
    gramian = opposite.gramian
    for i in range(gramian.shape[0]):
        for k in range(gramian.shape[1]):
            A[i, k] = gramian[i, k]
    if not gramian.size:
        A[:] = 0
    b[:] = 0
    constant = add_cells(columns, weights, opposite.rows, opposite.biases, terms, space, A, b)
    return constant + solve_sums(A, b, base, x, solver, options.free)


@compiled(nogil=True, error_model="numpy", forceinline=True)
def workspace(d: int, cells: int) -> Workspace:
    """Return scratch arrays for rows of d components and at most `cells` gathered cells."""
    return Workspace(
        np.empty((cells, d), np.float32),
        np.empty((TILE, d), np.float32),
        np.empty((d, d), np.float32),
        np.empty(cells, np.float32),
        np.empty(cells, np.float32),
    )


@compiled(nogil=True, error_model="numpy")
def solve_rows(
    cells: RowCells,
    opposite: OppositeArrays,
    terms: Terms,
    ridges: Floats,
    X: Floats,
    options: KernelOptions,
) -> float:
    """Solve rows of one side in place; rows without cells become zero.

    Args:
        cells: The rows' cells, a `RowCells`.
        opposite: The other side, an `OppositeArrays`.
        terms: How weights make curvatures and targets, an `objective.Terms`.
        ridges: Regularisation of each row, `(n,)`.
        X: Rows' factors in the opposite rows' basis, `(n, d)`: the solvers' start, then the result.
        options: A `KernelOptions`.

    Returns:
        The rows' part of the objective: its value less the opposite rows' regularisation.
    """
    d, longest = opposite.rows.shape[1], options.dual_limit
    space = workspace(d, LONGEST if options.solver == CONJUGATE_GRADIENTS else TILE)
    system = RowSystem(
        np.empty(d, np.float32),
        np.empty((d, d), np.float32),
        np.empty(d, np.float32),
        np.empty((5, d), np.float32),
        np.empty(longest * longest, np.float32),
        np.empty(longest, np.float32),
    )
    total = 0.0
    # taken apart once: Numba counts a reference for each array that it reads from a group
    begins, ends, columns, weights = cells
    base, spectrum = system.base, opposite.spectrum
    for i in range(begins.size):
        first, last = begins[i], ends[i]
        if first == last:
            X[i] = 0
            continue
        for k in range(d):
            base[k] = spectrum[k] + ridges[i]
        total += _solve_row(
            columns[first:last],
            weights[first:last],
            opposite,
            terms,
            X[i],
            options,
            space,
            system,
        )
    return total
