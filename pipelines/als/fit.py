"""What tasks of a fit know, and one half-sweep over blocks by the threads of one task."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from pipelines.als import sweep
from pipelines.als.objective import Objective
from pipelines.als.sweep import Cells, Opposite, Solver
from pipelines.arrays.hashing import draws

_SCALE = 0.1  # standard deviation of a first prediction; of a component it is this / sqrt(rank)
OTHER = {"users": "items", "items": "users"}


@dataclass(frozen=True)
class Fit:
    """Plain values, sent with each task.

    Args:
        folder: Where cells and versions of the factors are.
        sizes: Row ids of each side.
        counts: Rows of each side that have cells.
        blocks: Blocks of each side.
        rank: Components of a row's factors, without biases.
        objective: What is made least.
        solver: How.
        seed: Seed of the first factors.
        threads: Threads of a task.
        max_iter: Sweeps over both sides.
        tolerance: Share of the loss that a sweep must take off it for the fit to go on, if any.
        ranked: Items per user when rankings of held-out pairs are measured; 0 where they are not.
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
        """Return the columns of a matrix of factors: the bias is the last, where there is one."""
        return self.rank + self.objective.has_biases

    def with_threads(self, threads: int) -> "Fit":
        """Return the same fit by tasks of so many threads."""
        return replace(self, threads=threads)

    def ids(self, side: str, number: int) -> np.ndarray:
        """Return the row ids of a block."""
        count = class_size(self.sizes[side], self.blocks, number)
        return np.arange(count, dtype=np.int64) * self.blocks + number

    def first_block(self, side: str, number: int, counts: np.ndarray) -> np.ndarray:
        """Return what a block's rows begin with; those without cells, and biases, at zero."""
        factors = np.zeros((counts.size, self.dimension), np.float32)
        ids = self.ids(side, number)
        factors[:, : self.rank] = first_factors(ids, side, rank=self.rank, seed=self.seed)
        factors[counts == 0] = 0
        return np.abs(factors) if self.solver.name == "nonnegative" else factors

    def is_enough(self, losses: list[float]) -> bool:
        """Tell whether the last sweep lowered the loss by less than is asked for."""
        if len(losses) >= self.max_iter:
            return True
        known = self.tolerance is not None and len(losses) > 1
        return known and losses[-1] > losses[-2] * (1 - (self.tolerance or 0.0))


class Side:
    """One side of a fit that is held whole: cells by block, and factors in the order of ids."""

    def __init__(self, fit: Fit, side: str, cells: dict[int, Cells], factors: np.ndarray) -> None:
        self.fit, self.side, self.cells, self.factors = fit, side, cells, factors

    def begin(self) -> None:
        """Set the factors to those that a fit begins with."""
        for number, cells in self.cells.items():
            self.factors[number :: self.fit.blocks] = self.fit.first_block(
                self.side, number, cells.counts
            )

    def face(self, pool: ThreadPoolExecutor) -> Opposite:
        """Return the factors as the other side regresses on them."""
        fit, total = self.fit, sweep.gramian(self.factors, pool.map)
        count = fit.counts[self.side]
        return sweep.face(self.factors, total, fit.objective, fit.solver, count, pool.map)

    def solve(self, opposite: Opposite, pool: ThreadPoolExecutor) -> float:
        """Replace the factors by the best ones given the other side; return the value reached."""
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


def class_size(size: int, classes: int, number: int) -> int:
    """Return how many ids of `size` are equal to `number` modulo the classes."""
    return len(range(number, size, classes))


def first_factors(ids: np.ndarray, side: str, *, rank: int, seed: int) -> np.ndarray:
    """Return what rows begin with: normal numbers that only the id, side and seed decide.

    Args:
        ids: Row ids, `(n,)`.
        side: `users` or `items`.
        rank: Components.
        seed: Seed.

    Returns:
        Shape `(n, rank)`, with a deviation of .1 / sqrt(rank) (Rendle et al. 2021).
    """
    drawn = draws(ids, rank, seed=seed * 2 + (side == "items"))
    radius = np.sqrt(-2 * np.log(((drawn >> np.uint64(32)) + 0.5) / 2.0**32))
    angle = (2 * np.pi / 2.0**32) * (drawn & np.uint64(0xFFFFFFFF))
    normal = radius * np.cos(angle)
    return np.asarray(normal * (_SCALE / np.sqrt(rank)), np.float32)
