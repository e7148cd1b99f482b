"""Long rows, whose cells are split: normal equations summed by piece, and solved from the sums."""

import numpy as np

from pipelines.als.kernels import row_kernel
from pipelines.als.objective import Objective
from pipelines.als.sweep import SOLVERS, Cells, Opposite, Solver, solvable


def sum_cells(
    cells: Cells, opposite: Opposite, objective: Objective
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the normal equations of some cells of one row.

    They are in the basis of the stored factors, because the process that adds them may compute
    eigenvectors with other signs.

    Returns:
        Matrix `(d, d)` and right side `(d,)` in float64, and the value at x = 0.
    """
    dimension, basis = opposite.rows.shape[1], opposite.basis
    matrix, right = np.zeros((dimension, dimension), np.float32), np.zeros(dimension, np.float32)
    constant = row_kernel.add_cells(
        cells.columns,
        cells.weights,
        opposite.rows,
        opposite.biases,
        objective.terms,
        row_kernel.workspace(dimension, row_kernel.TILE),
        matrix,
        right,
    )
    return basis @ matrix @ basis.T, basis @ right, constant


def solve_one(
    matrix: np.ndarray,
    right: np.ndarray,
    before: np.ndarray,
    ridge: float,
    opposite: Opposite,
    solver: Solver,
    *,
    free: int,
) -> tuple[np.ndarray, float]:
    """Solve one row exactly from the sums of `sum_cells` over all of its cells.

    Args:
        matrix: `(d, d)`.
        right: `(d,)`.
        before: The row's previous factors, `(d,)`.
        ridge: The row's regularisation.
        opposite: The other side.
        solver: `nonnegative`, or any other, which is replaced by `cholesky`.
        free: Number of last components that may be negative.

    Returns:
        Factors `(d,)` and the least value, without the value at x = 0.

    Raises:
        InputError: The matrix is not positive definite in float32.
    """
    basis = opposite.basis
    total, b = (basis.T @ matrix @ basis).astype(np.float32), (basis.T @ right).astype(np.float32)
    if opposite.gramian.size:
        total += opposite.gramian
    base = opposite.spectrum + np.float32(ridge)
    x = np.array(before, np.float32)
    name = solver.name if solver.name == "nonnegative" else "cholesky"
    with solvable():
        value = row_kernel.solve_sums(total, b, base, x, SOLVERS[name], free)
    return (x if opposite.eigenvectors is None else opposite.eigenvectors @ x), value
