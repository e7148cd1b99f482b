"""One half-sweep: the factors of rows of one side that minimise the objective given the other."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from pipelines.als.kernels import row_kernel
from pipelines.als.kernels.arrays import KernelOptions, OppositeArrays, RowCells
from pipelines.als.objective import Objective
from pipelines.errors import InputError

_ROWS_PER_CHUNK = 4096  # rows whose Gramian is summed in float32; the sum of chunks is float64
_MOST_STEPS = 8  # most steps of conjugate gradients per row, as a multiple of `Solver.steps`
_WEAK = 1e-6  # share of the eigenvalues' sum below which an eigenvalue may be float32 rounding
_NOISE = 1e-12  # share of the factors' squared norm up to which a column is float32 rounding
_P = TypeVar("_P")
_T = TypeVar("_T")
_EMPTY = np.empty(0, np.float32)
_NO_MATRIX = np.empty((0, 0), np.float32)
SOLVERS = {
    "cholesky": row_kernel.CHOLESKY,
    "dual": row_kernel.DUAL,
    "conjugate_gradients": row_kernel.CONJUGATE_GRADIENTS,
    "nonnegative": row_kernel.NONNEGATIVE,
}


class Map(Protocol):
    """A function that maps over parts of the work: `map`, or the `map` of a pool of threads."""

    def __call__(self, do: Callable[[_P], _T], parts: Iterable[_P], /) -> Iterable[_T]:
        """Yield the result of each part, in order."""


@dataclass(frozen=True)
class Solver:
    """How rows are solved.

    Args:
        name: `cholesky`, `dual` (for rows of at most 7/8 d cells, else Cholesky),
            `conjugate_gradients` (from the row's previous factors) or `nonnegative`.
        steps: Least steps of conjugate gradients per row; a row whose last step still gains takes
            up to eight times as many.
    """

    name: str
    steps: int

    @property
    def needs_start(self) -> bool:
        """Tell whether the result depends on the row's previous factors."""
        return self.name in {"conjugate_gradients", "nonnegative"}


@dataclass(frozen=True)
class Cells:
    """Rows with their observed cells: those of row i are `offsets[i]` up to `offsets[i + 1]`.

    Args:
        offsets: int64, `(n + 1,)`.
        columns: Opposite row of each cell, int32.
        weights: Weight of each cell, float32.
    """

    offsets: np.ndarray
    columns: np.ndarray
    weights: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        """Return the number of cells of each row."""
        return np.diff(self.offsets)


@dataclass(frozen=True)
class Opposite:
    """The other side's factors as the kernel takes them.

    Args:
        rows: Factors, in the basis of `eigenvectors` if there are any, `(m, d)`.
        biases: Bias of each row, `(m,)`; empty without biases.
        eigenvectors: Eigenvectors of Y'Y in columns, `(d, d)`; None where factors keep their basis.
        gramian: g Y'Y for factors Y and g = `objective.gramian_weight`, `(d, d)`; empty where
            `spectrum` has it or g is 0.
        spectrum: Eigenvalues of g Y'Y, `(d,)`; zeros where factors keep their basis.
        is_noise: Which columns of `rows` were float32 rounding and are set to zero, `(d,)`.
        count: Rows that have cells.
    """

    rows: np.ndarray
    biases: np.ndarray
    eigenvectors: np.ndarray | None
    gramian: np.ndarray
    spectrum: np.ndarray
    is_noise: np.ndarray
    count: int

    @property
    def basis(self) -> np.ndarray:
        """Return the basis of `rows` in float64: the eigenvectors, else the identity."""
        if self.eigenvectors is None:
            return np.eye(self.rows.shape[1])
        return self.eigenvectors.astype(np.float64)


@contextmanager
def solvable() -> Iterator[None]:
    """Turn a failed factorisation into a message with the settings to change.

    Raises:
        InputError: A matrix is not positive definite in float32.
    """
    try:
        yield
    except np.linalg.LinAlgError as error:
        raise InputError(
            f"the least squares of a row cannot be solved ({error}): reg_param is too small for "
            "weights and ratings as large as these; raise it, cap weights (max_weight of "
            "build_interactions), or take solver: conjugate_gradients"
        ) from error


def gramian(factors: np.ndarray, run: Map = map) -> np.ndarray:
    """Return the sum of the rows' outer products in float64, `(d, d)`; `run` may use threads."""
    total = np.zeros((factors.shape[1],) * 2)
    for part in run(lambda rows: factors[rows].T @ factors[rows], _chunks(len(factors))):
        total += part
    return total


def _in_basis(factors: np.ndarray, basis: np.ndarray, run: Map) -> np.ndarray:
    """Return factors times a basis, a chunk of rows at a time."""
    result = np.empty_like(factors)

    def multiply(rows: slice) -> None:
        np.matmul(factors[rows], basis, out=result[rows])

    for _ in run(multiply, _chunks(len(factors))):
        pass
    return result


def _chunks(size: int) -> list[slice]:
    return [slice(first, first + _ROWS_PER_CHUNK) for first in range(0, size, _ROWS_PER_CHUNK)]


def prepare_opposite(
    factors: np.ndarray,
    total: np.ndarray,
    objective: Objective,
    solver: Solver,
    count: int,
    run: Map = map,
) -> Opposite:
    """Prepare one side's factors Y for solving the rows of the other side.

    With g = `objective.gramian_weight`, each row's matrix has the term g Y'Y, which is diagonal in
    the basis of the eigenvectors of Y'Y. Non-negative solutions need the original basis.

    Args:
        factors: Shape `(m, d)`; with biases, the last column is the bias.
        total: Gramian of the whole side, float64, `(d, d)`; `factors` may be some of its rows.
        objective: The objective that is minimised.
        solver: How rows are solved.
        count: Rows of the side that have cells.
        run: Map over chunks of rows; may use threads.
    """
    dimension, weight = factors.shape[1], objective.gramian_weight
    biases = np.ascontiguousarray(factors[:, -1]) if objective.has_biases else _EMPTY
    if objective.has_biases:
        factors = factors.copy()
        factors[:, -1] = 1
    if weight == 0 or solver.name == "nonnegative":
        whole = (weight * total).astype(np.float32) if weight else _NO_MATRIX
        zeros, no_noise = np.zeros(dimension, np.float32), np.zeros(dimension, np.bool_)
        return Opposite(factors, biases, None, whole, zeros, no_noise, count)
    with solvable():
        values, vectors = np.linalg.eigh(total)
    eigenvectors = np.ascontiguousarray(vectors, np.float32)
    rows = _in_basis(factors, eigenvectors, run)
    is_noise = _noise(rows, values)
    rows[:, is_noise] = 0
    spectrum = (weight * np.maximum(values, 0)).astype(np.float32)
    return Opposite(rows, biases, eigenvectors, _NO_MATRIX, spectrum, is_noise, count)


def _noise(rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return which columns of `rows` are float32 rounding, `(d,)`; a rank too high makes them.

    Column c is noise if values[c] < _WEAK sum(values) and |rows[:, c]|^2 <= _NOISE |rows|^2. A
    row's least squares would divide it by little more than the ridge.
    """
    is_noise = np.asarray(values < _WEAK * values.sum())
    if is_noise.any():
        weak = rows[:, is_noise].astype(np.float64)
        is_noise[is_noise] = (weak**2).sum(axis=0) <= _NOISE * float(np.vdot(rows, rows))
    return is_noise


def kernel_options(solver: Solver, objective: Objective, dimension: int) -> KernelOptions:
    """Return the kernel's options for rows of `dimension` components."""
    dual_limit = min(row_kernel.TILE, dimension * 7 // 8)  # cells; above it Cholesky is faster
    steps = (solver.steps, _MOST_STEPS * solver.steps)
    return KernelOptions(SOLVERS[solver.name], dual_limit, steps, int(objective.has_biases))


def solve(
    cells: Cells, before: np.ndarray, opposite: Opposite, objective: Objective, solver: Solver
) -> tuple[np.ndarray, float]:
    """Solve some rows given the other side: return their factors and part of the objective.

    Args:
        cells: The rows' cells, whose columns are rows of `opposite`.
        before: The rows' previous factors, `(n, d)`.
        opposite: The other side.
        objective: The objective that is minimised.
        solver: How rows are solved.

    Returns:
        Factors `(n, d)`, zero for rows without cells; and the objective's value over these rows,
        without the regularisation of the other side.

    Raises:
        InputError: A row's matrix is not positive definite in float32.
    """
    factors, basis = np.array(before, np.float32, order="C"), opposite.eigenvectors
    if basis is not None and solver.needs_start:
        factors = factors @ basis
        factors[:, opposite.is_noise] = 0  # the opposite rows are zero there
    ridges = objective.ridges(cells.counts, opposite.count).astype(np.float32)
    rows = RowCells(cells.offsets[:-1], cells.offsets[1:], cells.columns, cells.weights)
    options = kernel_options(solver, objective, factors.shape[1])
    other = OppositeArrays(opposite.rows, opposite.biases, opposite.gramian, opposite.spectrum)
    with solvable():
        value = row_kernel.solve_rows(rows, other, objective.terms, ridges, factors, options)
    if basis is not None:
        factors = factors @ np.ascontiguousarray(basis.T)
    return factors, value


def penalty(
    factors: np.ndarray, counts: np.ndarray, objective: Objective, opposite_count: int
) -> float:
    """Return the sum over rows of ridge times squared length, in float64."""
    squares = np.einsum("ij,ij->i", factors, factors, dtype=np.float64)
    return float(objective.ridges(counts, opposite_count) @ squares)
