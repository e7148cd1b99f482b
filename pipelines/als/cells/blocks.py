"""Pairs laid out as blocks of cells: tasks cut batches by block, and a shuffle joins the parts.

Row ids equal modulo the number of blocks lie in one block, in order: a row's place follows from its
id, and long rows, which are neighbours where ids go by age, are spread over the blocks.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.als.cells.checks import lacks_id, require_ids
from pipelines.als.fit import block_size
from pipelines.als.sides import opposite_side
from pipelines.als.stored_fit import BlockCounts, cells_row, counts_row, pairs_of, pairs_row
from pipelines.arrays.batches import by_class, gathered
from pipelines.training.stored_arrays import SCHEMA, rows

_PAIRS_PER_CUT = 4_000_000  # pairs that a task collects before it cuts them: 48 MB


@dataclass(frozen=True)
class InteractionsSurvey:
    """Counts of the training interactions, and how they are laid out.

    Args:
        pairs: Pairs of user and item.
        users: Largest user id + 1.
        items: Largest item id + 1.
        mean: Mean weight.
        blocks: Blocks of each side's rows.
        long_row_cells: Cells above which a row is a long row.
    """

    pairs: int
    users: int
    items: int
    mean: float
    blocks: int
    long_row_cells: int

    def size(self, side: str) -> int:
        """Return the number of row ids of a side."""
        return self.users if side == "users" else self.items

    def with_room_for(self, pairs: DataFrame) -> "InteractionsSurvey":
        """Return a survey whose sizes also hold the ids of other pairs.

        Raises:
            InputError: An id is missing or negative.
        """
        user, item, missing = pairs.agg(
            F.max("user_id"), F.max("item_id"), F.count_if(lacks_id())
        ).collect()[0]
        require_ids(missing)
        users, items = max(self.users, (user or 0) + 1), max(self.items, (item or 0) + 1)
        return replace(self, users=users, items=items)


def pack(pairs: DataFrame, survey: InteractionsSurvey, sides: tuple[str, ...]) -> DataFrame:
    """Return the blocks of cells of some sides and their counts, as rows of `stored_fit`.

    Args:
        pairs: `user_id, item_id, weight`.
        survey: Their counts.
        sides: `users`, `items`, or both.
    """
    plain = pairs.select(
        F.col("user_id").cast("int"), F.col("item_id").cast("int"), F.col("weight").cast("float")
    )
    cut = plain.mapInArrow(_cutter(survey.blocks, sides), SCHEMA)
    return cut.groupBy("kind", "position").applyInArrow(_joiner(survey), SCHEMA)


def _cutter(blocks: int, sides: tuple[str, ...]) -> Callable[..., Iterator[pa.RecordBatch]]:
    """Return the function that cuts batches of pairs into parts of blocks."""

    def cut(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for table in gathered(batches, _PAIRS_PER_CUT):
            yield from _parts(table, blocks, sides)

    return cut


def _parts(table: pa.Table, blocks: int, sides: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    ids = {"users": table["user_id"].to_numpy(), "items": table["item_id"].to_numpy()}
    weights = table["weight"].to_numpy()
    for side in sides:
        own, other = ids[side], ids[opposite_side(side)]
        for block, some in by_class(own, blocks):
            part = pairs_row(side, block, own[some], other[some], weights[some])
            yield from rows([part]).to_batches()


def _joiner(survey: InteractionsSurvey) -> Callable[[pa.Table], pa.Table]:
    """Return the function that joins the parts of a block, sorted by row and column."""

    def join(parts: pa.Table) -> pa.Table:
        side, number = parts["kind"][0].as_py(), parts["position"][0].as_py()
        pairs = [pairs_of(*part) for part in zip(parts["first"], parts["second"], strict=True)]
        row, column, weights = (np.concatenate(arrays) for arrays in zip(*pairs, strict=True))
        order = np.argsort((row.astype(np.int64) << 32) | column)
        row, column = row[order], column[order]
        size = block_size(survey.size(side), survey.blocks, number)
        per_row = np.bincount(row // survey.blocks, minlength=size)
        counts = _count(side, (row, column), per_row, survey.long_row_cells)
        cells = cells_row(side, number, per_row, column, weights[order])
        return rows([cells, counts_row(number, counts)])

    return join


def _count(
    side: str, pairs: tuple[np.ndarray, np.ndarray], per_row: np.ndarray, long_row_cells: int
) -> BlockCounts:
    """Return a block's counts; its pairs are sorted, so that equal pairs are neighbours."""
    row, column = pairs
    repeats = np.flatnonzero((np.diff(row) == 0) & (np.diff(column) == 0))
    long_rows = np.flatnonzero(per_row > long_row_cells)
    return BlockCounts(
        side=side,
        rows=int(np.count_nonzero(per_row)),
        long_rows=[(int(n), int(per_row[n])) for n in long_rows],
        duplicates=int(repeats.size),
        example=(int(row[repeats[0]]), int(column[repeats[0]])) if repeats.size else None,
    )
