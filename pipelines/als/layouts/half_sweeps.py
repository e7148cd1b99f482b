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
from pipelines.als.fit import OTHER, Fit
from pipelines.als.layouts import long_rows
from pipelines.als.layouts.opposite import HalfSweep, HeldRows, Read, held_rows
from pipelines.als.stored_fit import StoredFit, factor_row
from pipelines.als.sweep import Cells, Opposite
from pipelines.cluster.threads import in_turn
from pipelines.training.stored_arrays import Content, json_row

Task = Callable[[list[int]], Iterator[Content]]
SUMS = "sums"
_T = TypeVar("_T")
_NO_CELLS = Cells(np.zeros(1, np.int64), np.empty(0, np.int32), np.empty(0, np.float32))


def first_task(fit: Fit) -> Task:
    """Return the task that makes what a fit begins with, for block numbers."""

    def run(numbers: list[int]) -> Iterator[Content]:
        stored = StoredFit(fit.folder)
        for side in OTHER:
            total = np.zeros((fit.dimension,) * 2)
            for number in numbers:
                for _, cells in stored.cells(side, range(number, number + 1)):
                    factors = fit.first_block(side, number, cells.counts)
                    total += sweep.gramian(factors)
                    yield factor_row(side, number, factors, cells.counts)
            yield _gramian_row(side, numbers, total)

    return run


def partial_task(half: HalfSweep) -> Task:
    """Return the task that sums normal equations over pieces of long rows, for piece numbers."""

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
    matrix, vector, constant = long_rows.sum_cells(cells, opposite, half.fit.objective)
    return (SUMS, piece, matrix.tobytes(), np.append(vector, constant).tobytes())


def half_task(half: HalfSweep) -> Task:
    """Return the task that solves blocks of rows, for block numbers."""

    def run(numbers: list[int]) -> Iterator[Content]:
        stored, total = StoredFit(half.fit.folder), np.zeros((half.fit.dimension,) * 2)

        def read(number: int) -> Cells:
            return _without_long_rows(half, _cells(half, stored, number), number)

        def solve(number: int, held: HeldRows) -> tuple[list[Content], np.ndarray]:
            return _solve_block(half, stored, number, held)

        for content, gramian in _each(half, stored, numbers, read, solve):
            total += gramian
            yield from content
        yield _gramian_row(half.side, numbers, total)

    return run


def _each(
    half: HalfSweep,
    stored: StoredFit,
    numbers: list[int],
    read: Read,
    do: Callable[[int, HeldRows], _T],
) -> Iterator[_T]:
    """Yield what is done of each number with the rows it needs, by the threads of the task."""
    with threadpool_limits(1), ThreadPoolExecutor(half.fit.threads) as pool:
        for group, held in held_rows(half, stored, numbers, read, pool.map):
            calls = (partial(do, number, held) for number in group)
            yield from in_turn(pool, calls, half.fit.threads)
            del held, calls  # before the next group's rows are read


def _cells(half: HalfSweep, stored: StoredFit, number: int) -> Cells:
    """Return a block's cells; no row where no row of it has any."""
    for _, cells in stored.cells(half.side, range(number, number + 1)):
        return cells
    return _NO_CELLS


def _solve_block(
    half: HalfSweep, stored: StoredFit, number: int, held: HeldRows
) -> tuple[list[Content], np.ndarray]:
    """Return a block's factors and measures, and their Gramian; nothing where it has no cells."""
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
    rows = [factor_row(half.side, number, factors, cells.counts)]
    return [*rows, json_row("measures", number, measures)], sweep.gramian(factors)


def _without_long_rows(half: HalfSweep, cells: Cells, number: int) -> Cells:
    """Return the cells without those of rows that are solved from sums over pieces."""
    long_rows = {row for block, row, _, _ in half.pieces if block == number}
    if not long_rows:
        return cells
    lengths = cells.counts
    kept = np.repeat(~np.isin(np.arange(lengths.size), list(long_rows)), lengths)
    lengths = np.where(np.isin(np.arange(lengths.size), list(long_rows)), 0, lengths)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Cells(offsets, cells.columns[kept], cells.weights[kept])


def _solve_long_rows(
    half: HalfSweep, stored: StoredFit, number: int, block: tuple[Cells, np.ndarray, np.ndarray],
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
        factors[row], value = long_rows.solve_one(
            matrix, right[:-1], before[row], ridges[row], opposite, fit.solver,
            free=int(fit.objective.has_biases),
        )  # fmt: skip
        total += value + right[-1]
    return total


def _gramian_row(side: str, numbers: list[int], total: np.ndarray) -> Content:
    """Return the sum of the outer products of a task's rows."""
    return (f"{side}_gramian", numbers[0], total.tobytes(), b"")


def _partition() -> int:
    context: Any = TaskContext.get()
    return int(context.partitionId()) if context else 0
