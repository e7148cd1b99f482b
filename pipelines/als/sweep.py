"""Half a sweep: the best factors of some rows of one side, given all those of the other."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from pipelines.als.kernels import row_kernel
from pipelines.als.objective import Objective
from pipelines.errors import InputError

_CHUNK = 4096  # rows whose Gramian is summed in float32 before it is added in float64
_P = TypeVar("_P")
_T = TypeVar("_T")
_MORE = 8
_NOTHING = np.empty(0, np.float32)
_WEAK, _NOISE = 1e-6, 1e-12  # of all energy: what a float32 Gramian may hide, and float32's own
SOLVERS = {
    "cholesky": row_kernel.CHOLESKY,
    "dual": row_kernel.DUAL,
    "conjugate_gradients": row_kernel.CONJUGATE_GRADIENTS,
    "nonnegative": row_kernel.NONNEGATIVE,
}


class Map(Protocol):
    """What maps over parts of some work: `map`, or that of a pool of threads."""

    def __call__(self, do: Callable[[_P], _T], parts: Iterable[_P], /) -> Iterable[_T]:
        """Yield what is done of each part, in order."""


@dataclass(frozen=True)
class Solver:
    """How rows are solved.

    Args:
        name: `cholesky`, `dual` (for rows of up to seven eighths of the rank, else Cholesky),
            `conjugate_gradients` (from the row's factors before) or `nonnegative`.
        steps: Steps of conjugate gradients that a row takes at the least; one whose last step still
            gains takes up to eight times as many.
    """

    name: str
    steps: int

    @property
    def needs_start(self) -> bool:
        """Tell whether the result depends on the row's factors before."""
        return self.name in {"conjugate_gradients", "nonnegative"}


@dataclass(frozen=True)
class Cells:
    """Rows with their observed cells: those of row i are `offsets[i]` up to `offsets[i + 1]`."""

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
        rows: Factors, in the basis of `turn` where there is one, `(m, d)`.
        biases: What each row adds to a prediction by itself, or nothing.
        turn: Eigenvectors of the Gramian, or nothing.
        gramian: Gramian by the weight of all cells, or nothing where it is turned away.
        spectrum: Eigenvalues of it, `(d,)`.
        is_noise: Which columns of `rows` were rounding, and are zero, `(d,)`.
        count: Rows that have cells.
    """

    rows: np.ndarray
    biases: np.ndarray
    turn: np.ndarray | None
    gramian: np.ndarray
    spectrum: np.ndarray
    is_noise: np.ndarray
    count: int

    @property
    def basis(self) -> np.ndarray:
        """Return the basis that rows are in, in float64: the identity where they are not turned."""
        if self.turn is None:
            return np.eye(self.rows.shape[1])
        return self.turn.astype(np.float64)


@contextmanager
def solvable() -> Iterator[None]:
    """Say what to change where numbers are too unlike for float32.

    Raises:
        InputError: They are.
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


def _turned(factors: np.ndarray, turn: np.ndarray, run: Map) -> np.ndarray:
    turned = np.empty_like(factors)
    for _ in run(lambda rows: np.matmul(factors[rows], turn, out=turned[rows]),
                 _chunks(len(factors))):  # fmt: skip
        pass
    return turned


def _chunks(size: int) -> list[slice]:
    return [slice(first, first + _CHUNK) for first in range(0, size, _CHUNK)]


def face(
    factors: np.ndarray,
    total: np.ndarray,
    objective: Objective,
    solver: Solver,
    count: int,
    run: Map = map,
) -> Opposite:
    """Make one side's factors ready to be regressed on.

    Where every cell has a weight, factors are turned into the basis of the Gramian's eigenvectors:
    each row's share of all unobserved cells then is a diagonal. Non-negative solutions are sought
    without, as turning loses signs.

    Args:
        factors: Shape `(m, d)`; with biases the last column.
        total: Gramian of all of the side's factors, of which `factors` may be some.
        objective: What is made least.
        solver: How rows are solved.
        count: Rows of the side that have cells.
        run: What maps over parts of the rows: threads' map, where there are threads.
    """
    dimension, weight = factors.shape[1], objective.gramian_weight
    nothing = np.zeros(dimension, np.bool_)
    biases = np.ascontiguousarray(factors[:, -1]) if objective.has_biases else _NOTHING
    flat = np.zeros(dimension, np.float32)
    if objective.has_biases:
        factors = factors.copy()
        factors[:, -1] = 1
    if weight == 0 or solver.name == "nonnegative":
        whole = (weight * total).astype(np.float32) if weight else np.empty((0, 0), np.float32)
        return Opposite(factors, biases, None, whole, flat, nothing, count)
    with solvable():
        values, vectors = np.linalg.eigh(total)
    turn, turned_away = np.ascontiguousarray(vectors, np.float32), np.empty((0, 0), np.float32)
    rows = _turned(factors, turn, run)
    is_noise = _noise(rows, values)
    rows[:, is_noise] = 0
    spectrum = (weight * np.maximum(values, 0)).astype(np.float32)
    return Opposite(rows, biases, turn, turned_away, spectrum, is_noise, count)


def _noise(rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Tell which columns of turned rows are rounding: there are as many where the rank is too high.

    A row's least squares would divide them by its ridge, however small.
    """
    is_noise = np.asarray(values < _WEAK * values.sum())
    if is_noise.any():
        weak = rows[:, is_noise].astype(np.float64)
        is_noise[is_noise] = (weak**2).sum(axis=0) <= _NOISE * float(np.vdot(rows, rows))
    return is_noise


def choice(
    solver: Solver, objective: Objective, dimension: int
) -> tuple[int, int, tuple[int, int], int]:
    """Return how the kernel solves: solver, longest row for the dual, steps, free components."""
    shortest = min(row_kernel.TILE, dimension * 7 // 8)
    steps = solver.steps, _MORE * solver.steps
    return SOLVERS[solver.name], shortest, steps, int(objective.has_biases)


def solve(
    cells: Cells, before: np.ndarray, opposite: Opposite, objective: Objective, solver: Solver
) -> tuple[np.ndarray, float]:
    """Return the factors of some rows, and what the objective is of them.

    Args:
        cells: The rows' cells, whose columns are rows of `opposite`.
        before: The rows' factors before, `(n, d)`.
        opposite: The other side.
        objective: What is made least.
        solver: How.

    Returns:
        Factors `(n, d)`; and the objective's value over these rows, without the regularisation of
        the other side. Rows without cells are zero.
    """
    factors = np.array(before, np.float32, order="C")
    if opposite.turn is not None and solver.needs_start:
        factors = factors @ opposite.turn
        factors[:, opposite.is_noise] = 0  # no cell acts there
    ridges = objective.ridges(cells.counts, opposite.count).astype(np.float32)
    with solvable():
        value = row_kernel.solve_rows(
            cells.offsets[:-1], cells.offsets[1:], cells.columns, cells.weights, opposite.rows,
            opposite.biases, objective.terms, opposite.gramian, opposite.spectrum, ridges, factors,
            choice(solver, objective, factors.shape[1]),
        )  # fmt: skip
    if opposite.turn is not None:
        factors = factors @ np.ascontiguousarray(opposite.turn.T)
    return factors, value


def penalty(factors: np.ndarray, counts: np.ndarray, objective: Objective, opposite: int) -> float:
    """Return the regularisation of some rows, in float64."""
    squares = np.einsum("ij,ij->i", factors, factors, dtype=np.float64)
    return float(objective.ridges(counts, opposite) @ squares)
