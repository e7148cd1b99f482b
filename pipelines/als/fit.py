"""The values that every task of a fit gets, and one side of a fit that a task holds whole."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from pipelines.als import sweep
from pipelines.als.objective import Objective
from pipelines.als.sweep import Cells, Opposite, Solver
from pipelines.arrays.hashing import draws

_SCALE = 0.1  # first components have the standard deviation _SCALE / sqrt(rank), see below


@dataclass(frozen=True)
class Fit:
    """Plain values, sent with each task.

    Args:
        folder: Folder of cells and of rounds of factors.
        sizes: Number of row ids of each side: the largest id + 1.
        counts: Number of rows of each side that have cells.
        blocks: Number of blocks of each side; row id i is in block i % blocks.
        rank: Components of a row's factors, without the bias.
        objective: The objective that is minimised.
        solver: How rows are solved.
        seed: Seed of the first factors.
        threads: Threads of a task.
        max_iter: Most sweeps.
        tolerance: The fit ends after a sweep that lowers the loss by less than this share; None for
            `max_iter` sweeps.
        ranked: Items ranked per user to measure held-out pairs; 0 for no measurement.
    """

    folder: str
    sizes: dict[str, int]
    counts: dict[str, int]
    blocks: int
    rank: int
    objective: Objective
    solver: Solver
    seed: int
    threads: int
    max_iter: int
    tolerance: float | None
    ranked: int = 0

    @property
    def dimension(self) -> int:
        """Return the number of columns of factors; with biases, the last column is the bias."""
        return self.rank + self.objective.has_biases

    def ids(self, side: str, number: int) -> np.ndarray:
        """Return the row ids of a block, in order: the ids i with i % blocks = number."""
        count = block_size(self.sizes[side], self.blocks, number)
        return np.arange(count, dtype=np.int64) * self.blocks + number

    def first_block(self, side: str, number: int, counts: np.ndarray) -> np.ndarray:
        """Return a block's first factors `(n, dimension)`; biases and rows without cells are 0."""
        factors = np.zeros((counts.size, self.dimension), np.float32)
        ids = self.ids(side, number)
        factors[:, : self.rank] = first_factors(ids, side, rank=self.rank, seed=self.seed)
        factors[counts == 0] = 0
        return np.abs(factors) if self.solver.name == "nonnegative" else factors

    def is_enough(self, losses: list[float]) -> bool:
        """Tell whether the fit ends after sweeps of these losses: by `max_iter` or `tolerance`."""
        if len(losses) >= self.max_iter:
            return True
        if self.tolerance is None or len(losses) < 2:  # noqa: PLR2004
            return False
        return losses[-1] > losses[-2] * (1 - self.tolerance)


class Side:
    """One side of a fit that a task holds whole: cells by block, and factors in order of ids."""

    def __init__(self, fit: Fit, side: str, cells: dict[int, Cells], factors: np.ndarray) -> None:
        self.fit, self.side, self.cells, self.factors = fit, side, cells, factors

    def begin(self) -> None:
        """Set the factors to the first ones."""
        for number, cells in self.cells.items():
            self.factors[number :: self.fit.blocks] = self.fit.first_block(
                self.side, number, cells.counts
            )

    def as_opposite(self, pool: ThreadPoolExecutor) -> Opposite:
        """Return the factors, prepared for solving the rows of the other side."""
        fit, total = self.fit, sweep.gramian(self.factors, pool.map)
        count = fit.counts[self.side]
        return sweep.prepare_opposite(
            self.factors, total, fit.objective, fit.solver, count, pool.map
        )

    def solve(self, opposite: Opposite, pool: ThreadPoolExecutor) -> float:
        """Replace the factors by the solutions given the other side; return the objective.

        It lacks the other side's regularisation.
        """
        by_size = sorted(self.cells, key=lambda number: -int(self.cells[number].offsets[-1]))
        return sum(pool.map(lambda number: self._solve(number, opposite), by_size))

    def _solve(self, number: int, opposite: Opposite) -> float:
        rows = slice(number, None, self.fit.blocks)
        self.factors[rows], value = sweep.solve(
            self.cells[number], self.factors[rows], opposite, self.fit.objective, self.fit.solver
        )
        return value

    def penalty(self, opposite_count: int) -> float:
        """Return the regularisation of the factors."""
        fit = self.fit
        return sum(
            sweep.penalty(self.factors[n :: fit.blocks], c.counts, fit.objective, opposite_count)
            for n, c in self.cells.items()
        )

    def blocks(self) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Yield each block's number, factors and cells per row."""
        for number, cells in self.cells.items():
            block = np.ascontiguousarray(self.factors[number :: self.fit.blocks])
            yield number, block, cells.counts


def block_size(size: int, blocks: int, number: int) -> int:
    """Return the number of rows of a block: ids i < size with i % blocks = number."""
    return len(range(number, size, blocks))


def first_factors(ids: np.ndarray, side: str, *, rank: int, seed: int) -> np.ndarray:
    """Return the first factors of rows: normal numbers that depend on id, side and seed only.

    Each is sqrt(-2 ln u) cos(2 pi v) for u and v uniform in (0, 1) (Box and Muller 1958).

    Args:
        ids: Row ids, `(n,)`.
        side: `users` or `items`.
        rank: Components.
        seed: Seed.

    Returns:
        Shape `(n, rank)`, of standard deviation 0.1 / sqrt(rank) (Rendle et al. 2021).
    """
    drawn = draws(ids, rank, seed=seed * 2 + (side == "items"))
    radius = np.sqrt(-2 * np.log(((drawn >> np.uint64(32)) + 0.5) / 2.0**32))
    angle = (2 * np.pi / 2.0**32) * (drawn & np.uint64(0xFFFFFFFF))
    normal = radius * np.cos(angle)
    return np.asarray(normal * (_SCALE / np.sqrt(rank)), np.float32)
