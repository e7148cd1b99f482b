"""Rows that ALS tasks store: each kind is written by one function and read by one.

Rows have `stored_arrays.SCHEMA`; n is the number of rows of a block, d of columns of factors.

| frame | kind | position | `first` | `second` |
|---|---|---|---|---|
| in a shuffle | a side | block | int32 rows, int32 columns of pairs | float32 weights |
| `cells`, `held_out` | a side | block | int32 cells per row, (n,) | int32 columns, weights |
| `cells`, `held_out` | `counts` | block | JSON of `BlockCounts` | |
| `round=N` | a side | block | float32 factors, (n, d) | uint8 has cells, (n,) |
| `round=N` | a side and `_gramian` | a block of the task | float64 Gramian, (d, d) | |
| `round=N` | `measures` | block; 0 in layout packed | JSON | |
| `sums` | `sums` | piece of a long row | float64 matrix, (d, d) | float64 right side, constant |
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.als.sweep import Cells, Map
from pipelines.arrays.offsets import offsets_of
from pipelines.training.stored_arrays import Content, StoredArrays, block_matrix, json_row

CELLS, HELD_OUT = "cells", "held_out"  # frames of cells: of training, and of the split to rank
SUMS = "sums"  # frame, and kind of its rows
_COUNTS, _MEASURES = "counts", "measures"
_READS = 32  # ranges of blocks that a task's threads read in parallel, at most


@dataclass(frozen=True)
class BlockCounts:
    """Counts of one block of a side.

    Args:
        side: `users` or `items`.
        rows: Rows that have cells.
        long_rows: Each long row as (row in the block, cells).
        duplicates: Pairs that repeat an earlier pair.
        example: Row id and column id of one of them.
    """

    side: str
    rows: int
    long_rows: list[tuple[int, int]]
    duplicates: int = 0
    example: tuple[int, int] | None = None


class StoredFit(StoredArrays):
    """The folder of a run: frames of cells, and rounds of factors."""

    def cells(self, side: str, numbers: range, name: str = CELLS) -> Iterator[tuple[int, Cells]]:
        """Yield some blocks of one side by number; those without any cell are absent."""
        for number, first, second in self.rows(name, "", kind=side, only=numbers):
            yield number, _cells_of(first, second)

    def counts(self) -> list[tuple[int, BlockCounts]]:
        """Return the number and counts of all blocks of both sides, by number."""
        rows = self.rows(CELLS, "", kind=_COUNTS)
        counts = [(number, BlockCounts(**json.loads(first.as_py()))) for number, first, _ in rows]
        return sorted(counts, key=lambda block: block[0])

    def block(self, name: str, side: str, number: int, dimension: int) -> np.ndarray:
        """Return one block's factors in a round, `(n, dimension)`.

        Raises:
            LookupError: The round has no such block.
        """
        for _, first, _ in self.rows(name, "", kind=side, only=range(number, number + 1)):
            return block_matrix(first, dimension)
        raise LookupError(f"{name} holds no factors of {side}, block {number}")

    def factors(
        self, name: str, side: str, *, size: int, blocks: int, dimension: int
    ) -> np.ndarray:
        """Return one side of a round in the order of ids, `(size, dimension)`."""
        whole = np.zeros((size, dimension), np.float32)
        for number, first, _ in self.rows(name, "", kind=side):
            whole[number::blocks] = block_matrix(first, dimension)
        return whole

    def some_factors(
        self,
        name: str,
        side: str,
        wanted: tuple[np.ndarray, np.ndarray],
        *,
        blocks: int,
        dimension: int,
        run: Map = map,
    ) -> np.ndarray:
        """Return the factors of some ids in a round; each thread holds one more block.

        Args:
            name: The round's frame.
            side: The side.
            wanted: Whether each id is wanted, and the row of each wanted id in the result.
            blocks: Blocks of the side.
            dimension: Columns of the factors.
            run: Map over ranges of blocks; may use threads.
        """
        is_wanted, places = wanted
        some = np.zeros((int(np.count_nonzero(is_wanted)), dimension), np.float32)

        def copy(numbers: range) -> None:
            for number, first, _ in self.rows(name, "", kind=side, only=numbers):
                own = is_wanted[number::blocks]
                some[places[number::blocks][own]] = block_matrix(first, dimension)[own]

        step = -(-blocks // _READS)
        for _ in run(copy, (range(n, min(n + step, blocks)) for n in range(0, blocks, step))):
            pass
        return some

    def gramian(self, name: str, side: str, dimension: int) -> np.ndarray:
        """Return the Gramian of one side in a round, `(d, d)`: the sum of the tasks' parts."""
        total = np.zeros((dimension, dimension))
        for _, first, _ in self.rows(name, "", kind=_gramian_kind(side)):
            total += np.frombuffer(first.as_buffer(), np.float64).reshape(total.shape)
        return total

    def sums(self, piece: int, dimension: int) -> tuple[np.ndarray, np.ndarray]:
        """Return a piece's matrix `(d, d)`, and its right side and constant `(d + 1,)`.

        Raises:
            LookupError: There are no sums of it.
        """
        for _, first, second in self.rows(SUMS, "", only=range(piece, piece + 1)):
            matrix = np.frombuffer(first.as_buffer(), np.float64).reshape(dimension, dimension)
            return matrix, np.frombuffer(second.as_buffer(), np.float64)
        raise LookupError(f"{SUMS} holds none of piece {piece}")

    def measures(self, name: str) -> list[Any]:
        """Return the measures that a round holds, by position."""
        return self.json(_MEASURES, name)


def pairs_row(
    side: str, number: int, rows: np.ndarray, columns: np.ndarray, weights: np.ndarray
) -> Content:
    """Return some pairs of a block, as the shuffle moves them."""
    return (side, number, rows.tobytes() + columns.tobytes(), weights.tobytes())


def pairs_of(first: pa.Scalar, second: pa.Scalar) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows, columns and weights of a row of `pairs_row`."""
    rows, columns = np.frombuffer(first.as_buffer(), np.int32).reshape(2, -1)
    return rows, columns, np.frombuffer(second.as_buffer(), np.float32)


def cells_row(
    side: str, number: int, counts: np.ndarray, columns: np.ndarray, weights: np.ndarray
) -> Content:
    """Return a block's cells: cells per row; columns and weights, row by row."""
    first = counts.astype(np.int32, copy=False).tobytes()
    return (side, number, first, columns.tobytes() + weights.tobytes())


def _cells_of(first: pa.Scalar, second: pa.Scalar) -> Cells:
    """Return the cells of a row of `cells_row`, without copying them."""
    offsets = offsets_of(np.frombuffer(first.as_buffer(), np.int32))
    cells, count = second.as_buffer(), int(offsets[-1])
    columns = np.frombuffer(cells, np.int32, count)
    return Cells(offsets, columns, np.frombuffer(cells, np.float32, count, 4 * count))


def counts_row(number: int, counts: BlockCounts) -> Content:
    """Return the counts of a block."""
    return json_row(_COUNTS, number, asdict(counts))


def factors_row(side: str, number: int, factors: np.ndarray, counts: np.ndarray) -> Content:
    """Return a block's factors `(n, d)`, and which rows have cells from their cells `(n,)`."""
    return (side, number, factors.tobytes(), (counts > 0).astype(np.uint8).tobytes())


def known_factors(first: pa.Scalar, second: pa.Scalar, dimension: int) -> tuple[Any, Any]:
    """Read `factors_row`: return which rows have cells, `(n,)`, and the factors of these rows."""
    has_cells = np.frombuffer(second.as_buffer(), np.uint8).astype(np.bool_)
    return has_cells, block_matrix(first, dimension)[has_cells]


def gramian_row(side: str, number: int, total: np.ndarray) -> Content:
    """Return the sum of the outer products of a task's rows, float64, `(d, d)`."""
    return (_gramian_kind(side), number, total.tobytes(), b"")


def sums_row(piece: int, matrix: np.ndarray, right: np.ndarray, constant: float) -> Content:
    """Return the normal equations of a piece of a long row, in float64."""
    return (SUMS, piece, matrix.tobytes(), np.append(right, constant).tobytes())


def measures_row(number: int, measures: object) -> Content:
    """Return measures of a block or, in layout packed, of all sweeps so far."""
    return json_row(_MEASURES, number, measures)


def factors_kind(side: str) -> str:
    """Return the kind of the rows that hold a side's factors."""
    return side


def _gramian_kind(side: str) -> str:
    return f"{side}_gramian"
