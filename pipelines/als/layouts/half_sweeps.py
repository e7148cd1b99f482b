"""Half-sweeps as Spark jobs: tasks solve blocks of rows, and read the other side from storage."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import numpy as np
from pyspark import TaskContext
from threadpoolctl import threadpool_limits

from pipelines.als import sweep
from pipelines.als.fit import Fit
from pipelines.als.layouts import long_rows
from pipelines.als.layouts.held_rows import HalfSweep, HeldRows, Read, held_rows
from pipelines.als.sides import SIDES
from pipelines.als.stored_fit import (
    StoredFit,
    factors_row,
    gramian_row,
    measures_row,
    sums_row,
)
from pipelines.als.sweep import Cells, Opposite
from pipelines.arrays.offsets import offsets_of
from pipelines.cluster.threads import in_turn
from pipelines.training.stored_arrays import Content

HalfSweepTask = Callable[[list[int]], Iterator[Content]]
_T = TypeVar("_T")
_NO_CELLS = Cells(np.zeros(1, np.int64), np.empty(0, np.int32), np.empty(0, np.float32))


def first_task(fit: Fit) -> HalfSweepTask:
    """Return the task that computes the first factors of blocks, given block numbers."""

    def run(numbers: list[int]) -> Iterator[Content]:
        stored = StoredFit(fit.folder)
        for side in SIDES:
            total = np.zeros((fit.dimension,) * 2)
            for number in numbers:
                for _, cells in stored.cells(side, range(number, number + 1)):
                    factors = fit.first_block(side, number, cells.counts)
                    total += sweep.gramian(factors)
                    yield factors_row(side, number, factors, cells.counts)
            yield gramian_row(side, numbers[0], total)

    return run


def partial_task(half: HalfSweep) -> HalfSweepTask:
    """Return the task that sums normal equations over pieces of long rows, given piece numbers."""

    def run(numbers: list[int]) -> Iterator[Content]:
        stored = StoredFit(half.fit.folder)

        def read(piece: int) -> Cells:
            number, row, first, last = half.pieces[piece]
            cells = _cells(half, stored, number)
            start = cells.offsets[row]
            part = slice(start + first, start + last)
            return Cells(np.array([0, last - first]), cells.columns[part], cells.weights[part])

        def add(piece: int, held: HeldRows) -> Content:
            return _sums(half, piece, held.of(read(piece)), held.opposite)

        yield from _each(half, stored, numbers, read, add)

    return run


def _sums(half: HalfSweep, piece: int, cells: Cells, opposite: Opposite) -> Content:
    matrix, right, constant = long_rows.sum_cells(cells, opposite, half.fit.objective)
    return sums_row(piece, matrix, right, constant)


def half_task(half: HalfSweep) -> HalfSweepTask:
    """Return the task that solves blocks of rows, given block numbers."""

    def run(numbers: list[int]) -> Iterator[Content]:
        stored, total = StoredFit(half.fit.folder), np.zeros((half.fit.dimension,) * 2)

        def read(number: int) -> Cells:
            return _without_long_rows(half, _cells(half, stored, number), number)

        def solve(number: int, held: HeldRows) -> tuple[list[Content], np.ndarray]:
            return _solve_block(half, stored, number, held)

        for content, gramian in _each(half, stored, numbers, read, solve):
            total += gramian
            yield from content
        yield gramian_row(half.side, numbers[0], total)

    return run


def _each(
    half: HalfSweep,
    stored: StoredFit,
    numbers: list[int],
    read: Read,
    do: Callable[[int, HeldRows], _T],
) -> Iterator[_T]:
    """Yield `do(number, held)` of each number in order; `held` has the opposite rows it needs."""
    with threadpool_limits(1), ThreadPoolExecutor(half.fit.threads) as pool:
        for group, held in held_rows(half, stored, numbers, read, pool.map):
            calls = (partial(do, number, held) for number in group)
            yield from in_turn(pool, calls, half.fit.threads)
            del held, calls  # before the next group's rows are read


def _cells(half: HalfSweep, stored: StoredFit, number: int) -> Cells:
    """Return a block's cells; zero rows if the block has no cell."""
    for _, cells in stored.cells(half.side, range(number, number + 1)):
        return cells
    return _NO_CELLS


def _solve_block(
    half: HalfSweep, stored: StoredFit, number: int, held: HeldRows
) -> tuple[list[Content], np.ndarray]:
    """Return a block's factors and measures, none without cells; and the factors' Gramian."""
    fit, started = half.fit, time.monotonic()
    cells = _cells(half, stored, number)
    if not cells.counts.size:
        return [], np.zeros((fit.dimension,) * 2)
    before = stored.block(half.before, half.side, number, fit.dimension)
    short = held.of(_without_long_rows(half, cells, number))
    factors, value = sweep.solve(short, before, held.opposite, fit.objective, fit.solver)
    value += _solve_long_rows(half, stored, number, (cells, before, factors), held.opposite)
    measures = {
        "value": value,
        "penalty": sweep.penalty(factors, cells.counts, fit.objective, fit.counts[half.other]),
        "seconds": time.monotonic() - started,
        "task": _partition(),
    }
    rows = [
        factors_row(half.side, number, factors, cells.counts),
        measures_row(number, measures),
    ]
    return rows, sweep.gramian(factors)


def _without_long_rows(half: HalfSweep, cells: Cells, number: int) -> Cells:
    """Return the cells without those of long rows, which are solved from sums over pieces."""
    rows = _long_rows(half, number)
    if not rows:
        return cells
    counts = cells.counts
    is_long = np.isin(np.arange(counts.size), rows)
    kept = np.repeat(~is_long, counts)
    offsets = offsets_of(np.where(is_long, 0, counts))
    return Cells(offsets, cells.columns[kept], cells.weights[kept])


def _long_rows(half: HalfSweep, number: int) -> list[int]:
    """Return the long rows of a block, in order."""
    return sorted({row for block, row, _, _ in half.pieces if block == number})


def _solve_long_rows(
    half: HalfSweep,
    stored: StoredFit,
    number: int,
    block: tuple[Cells, np.ndarray, np.ndarray],
    opposite: Opposite,
) -> float:
    """Solve the block's long rows from their pieces' sums, in place; return their value.

    Args:
        half: The half-sweep.
        stored: The folder of the run.
        number: Number of the block.
        block: Its cells, its previous factors, and the new factors, which are changed.
        opposite: The other side.
    """
    fit, (cells, before, factors), total = half.fit, block, 0.0
    free = int(fit.objective.has_biases)
    ridges = fit.objective.ridges(cells.counts, opposite.count).astype(np.float32)
    for row in _long_rows(half, number):
        matrix, right = np.zeros((fit.dimension, fit.dimension)), np.zeros(fit.dimension + 1)
        for piece, (piece_block, piece_row, _, _) in enumerate(half.pieces):
            if (piece_block, piece_row) == (number, row):
                piece_matrix, piece_right = stored.sums(piece, fit.dimension)
                matrix += piece_matrix
                right += piece_right
        equations = (matrix, right[:-1], before[row], ridges[row])
        factors[row], value = long_rows.solve_one(*equations, opposite, fit.solver, free=free)
        total += value + right[-1]
    return total


def _partition() -> int:
    context: Any = TaskContext.get()
    return int(context.partitionId()) if context else 0
