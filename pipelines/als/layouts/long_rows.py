"""Rows too long for one task: normal equations summed in pieces, and solved from the sums."""

import numpy as np

from pipelines.als.kernels import row_kernel
from pipelines.als.objective import Objective
from pipelines.als.sweep import SOLVERS, Cells, Opposite, Solver, solvable


def sum_cells(
    cells: Cells, opposite: Opposite, objective: Objective
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the normal equations of some cells of one row: matrix, right side and constant.

    In float64 and in the basis of the stored factors: another process that adds them up may have
    found eigenvectors of other signs.
    """
    dimension = opposite.rows.shape[1]
    matrix, right = np.zeros((dimension, dimension), np.float32), np.zeros(dimension, np.float32)
    constant = row_kernel.add_cells(
        cells.columns, cells.weights, opposite.rows, opposite.biases, objective.terms,
        row_kernel.workspace(dimension, row_kernel.TILE), matrix, right,
    )  # fmt: skip
    turn = opposite.basis
    return turn @ matrix @ turn.T, turn @ right, constant


def solve_one(
    matrix: np.ndarray, right: np.ndarray, before: np.ndarray, ridge: float, opposite: Opposite,
    solver: Solver, *, free: int,
) -> tuple[np.ndarray, float]:  # fmt: skip
    """Solve one row exactly from the sums of `sum_cells` over all of its cells.

    Args:
        matrix: `(d, d)`.
        right: `(d,)`.
        before: The row's factors before.
        ridge: The row's regularisation.
        opposite: The other side.
        solver: How; conjugate gradients leave long rows to Cholesky.
        free: Last components that may be negative.

    Returns:
        Factors `(d,)` and the least value, without the constant.
    """
    turn = opposite.basis
    total, b = (turn.T @ matrix @ turn).astype(np.float32), (turn.T @ right).astype(np.float32)
    if opposite.gramian.size:
        total += opposite.gramian
    base = opposite.spectrum + np.float32(ridge)
    x = np.array(before, np.float32)
    name = solver.name if solver.name == "nonnegative" else "cholesky"
    with solvable():
        value = row_kernel.solve_sums(total, b, base, x, SOLVERS[name], free)
    return (x if opposite.turn is None else opposite.turn @ x), value
