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
_WHOLE: dict[tuple[str, str], Opposite] = {}  # this worker's last side, by folder and round


@dataclass(frozen=True)
class HalfSweep:
    """One half-sweep.

    Args:
        fit: Values that tasks are given.
        side: The side that is solved.
        before: Round with the side's previous factors.
        opposite: Round with the other side's factors.
        held: Rows of the other side that a task holds at once.
        pieces: Pieces of long rows: (block, row in the block, first cell, last cell + 1).
    """

    fit: Fit
    side: str
    before: str
    opposite: str
    held: int
    pieces: tuple[tuple[int, int, int, int], ...] = ()

    @property
    def other(self) -> str:
        """Return the other side, whose factors are fixed."""
        return opposite_side(self.side)

    @property
    def is_whole(self) -> bool:
        """Tell whether a task holds all of the other side."""
        return self.held >= self.fit.sizes[self.other]


@dataclass(frozen=True)
class HeldRows:
    """Rows of the other side that a task holds.

    Args:
        opposite: The rows, prepared for the kernel.
        places: Index in `opposite` of each row of the other side, `(m,)`, valid for rows that are
            held; None where all are held.
    """

    opposite: Opposite
    places: np.ndarray | None = None

    def of(self, cells: Cells) -> Cells:
        """Return the cells with columns as row numbers of `opposite`."""
        return cells if self.places is None else replace(cells, columns=self.places[cells.columns])


def held_rows(
    half: HalfSweep, stored: StoredFit, numbers: list[int], read: Read, run: sweep.Map
) -> Iterator[tuple[list[int], HeldRows]]:
    """Yield groups of numbers and the rows each group needs, at most `half.held` rows.

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
    """Yield groups of numbers, and which rows of the other side each needs, `(m,)`."""
    none = np.zeros(half.fit.sizes[half.other], np.bool_)
    group, is_needed = list[int](), none
    for number in numbers:
        columns, with_number = read(number).columns, is_needed.copy()
        with_number[columns] = True
        if group and np.count_nonzero(with_number) > half.held:
            yield group, is_needed
            group, with_number = [], none.copy()
            with_number[columns] = True
        group, is_needed = [*group, number], with_number
    yield group, is_needed


def _some(half: HalfSweep, stored: StoredFit, is_needed: np.ndarray, run: sweep.Map) -> HeldRows:
    """Return the rows of the other side where `is_needed`."""
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
