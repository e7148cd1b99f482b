"""The other side's factors that a task of a half-sweep holds: all, or those its rows need."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from pipelines.als import sweep
from pipelines.als.fit import Fit
from pipelines.als.sides import opposite_side
from pipelines.als.stored_fit import StoredFit
from pipelines.als.sweep import Cells, Opposite

Read = Callable[[int], Cells]
_WHOLE: dict[tuple[str, str], Opposite] = {}  # by folder and round, the last one of this worker


@dataclass(frozen=True)
class HalfSweep:
    """One half-sweep.

    Args:
        fit: Values that tasks are given.
        side: The side that is solved.
        before: Round that holds its factors before.
        opposite: Round that holds the other side's.
        held: Rows of the other side that a task holds at once.
        pieces: Pieces of long rows: block, row in it, first cell, end of the cells.
    """

    fit: Fit
    side: str
    before: str
    opposite: str
    held: int
    pieces: tuple[tuple[int, int, int, int], ...] = ()

    @property
    def other(self) -> str:
        """Return the side whose factors are kept."""
        return opposite_side(self.side)

    @property
    def is_whole(self) -> bool:
        """Tell whether a task holds all of the other side."""
        return self.held >= self.fit.sizes[self.other]


@dataclass(frozen=True)
class HeldRows:
    """Rows of the other side that a task holds.

    Args:
        opposite: The rows.
        places: Index among them of each row of the other side; None where all are held.
    """

    opposite: Opposite
    places: np.ndarray | None = None

    def of(self, cells: Cells) -> Cells:
        """Return cells whose columns are rows that are held."""
        return cells if self.places is None else replace(cells, columns=self.places[cells.columns])


def held_rows(
    half: HalfSweep, stored: StoredFit, numbers: list[int], read: Read, run: sweep.Map
) -> Iterator[tuple[list[int], HeldRows]]:
    """Yield groups of numbers that need no more rows than a task holds, with these rows.

    Each group reads all of the other side from storage once. A number that alone needs more rows
    is a group by itself.

    Args:
        half: The half-sweep.
        stored: The folder of the run.
        numbers: Blocks, or pieces of long rows.
        read: Returns the cells of one number.
        run: Map over parts of the work; may use threads.
    """
    if half.is_whole:
        yield numbers, HeldRows(_whole(half, stored, run))
        return
    for group, is_needed in _groups(half, numbers, read):
        yield group, _some(half, stored, is_needed, run)


def _groups(
    half: HalfSweep, numbers: list[int], read: Read
) -> Iterator[tuple[list[int], np.ndarray]]:
    """Yield groups of numbers, and which rows of the other side each needs."""
    nothing = np.zeros(half.fit.sizes[half.other], np.bool_)
    group, is_needed = list[int](), nothing
    for number in numbers:
        columns, more = read(number).columns, is_needed.copy()
        more[columns] = True
        if group and np.count_nonzero(more) > half.held:
            yield group, is_needed
            group, more = [], nothing.copy()
            more[columns] = True
        group, is_needed = [*group, number], more
    yield group, is_needed


def _some(half: HalfSweep, stored: StoredFit, is_needed: np.ndarray, run: sweep.Map) -> HeldRows:
    """Return some rows of the other side."""
    places = np.cumsum(is_needed, dtype=np.int32) - np.int32(1)
    rows = stored.some_factors(
        half.opposite,
        half.other,
        (is_needed, places),
        blocks=half.fit.blocks,
        dimension=half.fit.dimension,
        run=run,
    )
    return HeldRows(_prepare(half, stored, rows, run), places)


def _whole(half: HalfSweep, stored: StoredFit, run: sweep.Map) -> Opposite:
    """Return all of the other side; a worker keeps it for its later tasks of the half-sweep."""
    key = (half.fit.folder, half.opposite)
    if key not in _WHOLE:
        _WHOLE.clear()
        fit = half.fit
        factors = stored.factors(
            half.opposite,
            half.other,
            size=fit.sizes[half.other],
            blocks=fit.blocks,
            dimension=fit.dimension,
        )
        _WHOLE[key] = _prepare(half, stored, factors, run)
    return _WHOLE[key]


def _prepare(half: HalfSweep, stored: StoredFit, factors: np.ndarray, run: sweep.Map) -> Opposite:
    fit = half.fit
    total = stored.gramian(half.opposite, half.other, fit.dimension)
    count = fit.counts[half.other]
    return sweep.prepare_opposite(factors, total, fit.objective, fit.solver, count, run)
