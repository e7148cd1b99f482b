"""Half-sweeps as Spark jobs: tasks solve blocks of rows, and read the other side from storage."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pyspark import TaskContext
from threadpoolctl import threadpool_limits

from pipelines.als import sweep
from pipelines.als.fit import OTHER, Fit
from pipelines.als.stored import Stored, factor_row
from pipelines.als.sweep import Cells, Opposite
from pipelines.training.stored import Content, json_row

Task = Callable[[list[int]], Iterator[Content]]
SUMS = "sums"
_WHOLE: dict[tuple[str, str], Opposite] = {}


@dataclass(frozen=True)
class Half:
    """One half-sweep.

    Args:
        fit: What tasks know.
        side: The side that is solved.
        before: Version that holds its factors before.
        opposite: Version that holds the other side's.
        is_whole: Whether a task holds all of the other side; else the rows its block needs.
        pieces: Parts of rows too long for one task: block, row in it, first and last cell.
    """

    fit: Fit
    side: str
    before: str
    opposite: str
    is_whole: bool
    pieces: tuple[tuple[int, int, int, int], ...] = ()

    @property
    def other(self) -> str:
        """Return the side that is regressed on."""
        return OTHER[self.side]


def first_task(fit: Fit) -> Task:
    """Return the task that makes what a fit begins with, for block numbers."""

    def run(numbers: list[int]) -> Iterator[Content]:
        stored = Stored(fit.folder)
        for number in numbers:
            for side in OTHER:
                for _, cells in stored.cells(side, range(number, number + 1)):
                    factors = fit.first_block(side, number, cells.counts)
                    yield from _version(side, number, factors, cells.counts)

    return run


def partial_task(half: Half) -> Task:
    """Return the task that sums normal equations over pieces of long rows, for piece numbers."""

    def run(numbers: list[int]) -> Iterator[Content]:
        stored = Stored(half.fit.folder)
        for piece in numbers:
            number, row, first, last = half.pieces[piece]
            for _, cells in stored.cells(half.side, range(number, number + 1)):
                start = cells.offsets[row]
                part = slice(start + first, start + last)
                columns, weights = cells.columns[part], cells.weights[part]
                one = Cells(np.array([0, last - first]), columns, weights)
                with threadpool_limits(1):
                    opposite, one = _opposite(half, stored, one, map)
                    yield _sums(half, piece, one, opposite)

    return run


def _sums(half: Half, piece: int, cells: Cells, opposite: Opposite) -> Content:
    matrix, vector, constant = sweep.sum_cells(cells, opposite, half.fit.objective)
    return (SUMS, piece, matrix.tobytes(), np.append(vector, constant).tobytes())


def half_task(half: Half) -> Task:
    """Return the task that solves blocks of rows, for block numbers."""

    def run(numbers: list[int]) -> Iterator[Content]:
        stored = Stored(half.fit.folder)
        with threadpool_limits(1), ThreadPoolExecutor(half.fit.threads) as pool:
            if half.is_whole:
                _whole(half, stored, pool.map)
            for block in pool.map(lambda number: _solve_block(half, stored, number), numbers):
                yield from block

    return run


def _solve_block(half: Half, stored: Stored, number: int) -> list[Content]:
    """Return a block's factors, Gramian and measures; nothing where it has no cells."""
    fit, started = half.fit, time.monotonic()
    for _, cells in stored.cells(half.side, range(number, number + 1)):
        before = stored.block(half.before, half.side, number, fit.dimension)
        short = _without_giants(half, cells, number)
        opposite, short = _opposite(half, stored, short, map)
        factors, value = sweep.solve(short, before, opposite, fit.objective, fit.solver)
        value += _solve_giants(half, stored, number, (cells, before, factors), opposite)
        measures = {
            "value": value,
            "penalty": sweep.penalty(factors, cells.counts, fit.objective, fit.counts[half.other]),
            "seconds": time.monotonic() - started,
            "task": _partition(),
        }
        version = _version(half.side, number, factors, cells.counts)
        return [*version, json_row("measures", number, measures)]
    return []


def _without_giants(half: Half, cells: Cells, number: int) -> Cells:
    """Return the cells without those of rows that are solved from sums over pieces."""
    giants = {row for block, row, _, _ in half.pieces if block == number}
    if not giants:
        return cells
    lengths = cells.counts
    kept = np.repeat(~np.isin(np.arange(lengths.size), list(giants)), lengths)
    lengths = np.where(np.isin(np.arange(lengths.size), list(giants)), 0, lengths)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Cells(offsets, cells.columns[kept], cells.weights[kept])


def _solve_giants(
    half: Half, stored: Stored, number: int, block: tuple[Cells, np.ndarray, np.ndarray],
    opposite: Opposite,
) -> float:  # fmt: skip
    """Solve the block's long rows from their pieces' sums, in place; return their value."""
    fit, (cells, before, factors), total = half.fit, block, 0.0
    ridges = fit.objective.ridges(cells.counts, opposite.count).astype(np.float32)
    for row in sorted({row for of, row, _, _ in half.pieces if of == number}):
        matrix, right = np.zeros((fit.dimension, fit.dimension)), np.zeros(fit.dimension + 1)
        for piece, (of, which, _, _) in enumerate(half.pieces):
            if (of, which) == (number, row):
                for _, first, second in stored.rows(SUMS, "", only=range(piece, piece + 1)):
                    matrix += np.frombuffer(first.as_buffer()).reshape(matrix.shape)
                    right += np.frombuffer(second.as_buffer(), np.float64)
        factors[row], value = sweep.solve_one(
            matrix, right[:-1], before[row], ridges[row], opposite, fit.solver,
            free=int(fit.objective.has_biases),
        )  # fmt: skip
        total += value + right[-1]
    return total


def _opposite(half: Half, stored: Stored, cells: Cells, run: sweep.Map) -> tuple[Opposite, Cells]:
    """Return the other side as it is regressed on, and the cells with their places in it."""
    if half.is_whole:
        return _whole(half, stored, run), cells
    fit = half.fit
    ids, places = np.unique(cells.columns, return_inverse=True)
    some = stored.some_factors(
        half.opposite, half.other, ids, blocks=fit.blocks, dimension=fit.dimension
    )
    return _face(half, stored, some, run), replace(cells, columns=places.astype(np.int32))


def _whole(half: Half, stored: Stored, run: sweep.Map) -> Opposite:
    """Return all of the other side; a worker's later tasks of the half-sweep find it made."""
    key = (half.fit.folder, half.opposite)
    if key not in _WHOLE:
        _WHOLE.clear()
        fit = half.fit
        factors = stored.factors(
            half.opposite, half.other, size=fit.sizes[half.other], blocks=fit.blocks,
            dimension=fit.dimension,
        )  # fmt: skip
        _WHOLE[key] = _face(half, stored, factors, run)
    return _WHOLE[key]


def _face(half: Half, stored: Stored, factors: np.ndarray, run: sweep.Map) -> Opposite:
    fit = half.fit
    total = stored.gramian(half.opposite, half.other, fit.dimension)
    count = fit.counts[half.other]
    return sweep.face(factors, total, fit.objective, fit.solver, count, run)


def _version(side: str, number: int, factors: np.ndarray, counts: np.ndarray) -> Iterator[Content]:
    """Yield a block's factors, and the sum of their outer products."""
    yield factor_row(side, number, factors, counts)
    yield (f"{side}_gramian", number, sweep.gramian(factors).tobytes(), b"")


def _partition() -> int:
    context: Any = TaskContext.get()
    return int(context.partitionId()) if context else 0
