"""From pairs to blocks of cells: batches are cut by block before the shuffle, which has few rows.

Row ids equal modulo the number of blocks lie in one block, in order: a row's place follows from its
id, and long rows, which come together where ids were given by age, are spread over the blocks.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.als.cells.checks import is_nobody, require_ids
from pipelines.als.fit import class_size
from pipelines.arrays.batches import by_class, gathered
from pipelines.training.stored_arrays import SCHEMA, Content, json_row, rows

SIDES = ("users", "items")
_PAIRS_PER_CUT = 4_000_000  # that a task holds before it cuts them: 48 MB


@dataclass(frozen=True)
class InteractionsSurvey:
    """What the training interactions are, and into how many blocks each side's rows are laid."""

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
        """Return it with sizes that the ids of other pairs fit into."""
        counted = F.count_if(is_nobody())
        user, item, nobody = pairs.agg(F.max("user_id"), F.max("item_id"), counted).collect()[0]
        require_ids(nobody)
        users, items = max(self.users, (user or 0) + 1), max(self.items, (item or 0) + 1)
        return replace(self, users=users, items=items)


def pack(pairs: DataFrame, found: InteractionsSurvey, sides: tuple[str, ...]) -> DataFrame:
    """Return rows of `stored.SCHEMA`: a block's cells by side, and `counts` of it as JSON.

    Args:
        pairs: `user_id, item_id, weight`.
        found: What they are.
        sides: Whose rows are wanted.
    """
    plain = pairs.select(
        F.col("user_id").cast("int"), F.col("item_id").cast("int"), F.col("weight").cast("float")
    )
    cut = plain.mapInArrow(_cutter(found.blocks, sides), SCHEMA)
    return cut.groupBy("kind", "position").applyInArrow(_joiner(found), SCHEMA)


def _cutter(blocks: int, sides: tuple[str, ...]) -> Callable[..., Iterator[pa.RecordBatch]]:
    """Return what cuts batches of pairs into parts of blocks: rows and columns; weights."""

    def cut(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for table in gathered(batches, _PAIRS_PER_CUT):
            yield from _parts(table, blocks, sides)

    return cut


def _parts(table: pa.Table, blocks: int, sides: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    ids = dict(zip(SIDES, (table["user_id"].to_numpy(), table["item_id"].to_numpy()), strict=True))
    weights = table["weight"].to_numpy()
    for side in sides:
        own, other = ids[side], ids[SIDES[side == SIDES[0]]]
        for block, some in by_class(own, blocks):
            places = own[some].tobytes() + other[some].tobytes()
            yield from rows([(side, block, places, weights[some].tobytes())]).to_batches()


def _joiner(found: InteractionsSurvey) -> Callable[[pa.Table], pa.Table]:
    """Return what joins a block's parts: lengths of its rows; columns and weights, end to end."""

    def join(parts: pa.Table) -> pa.Table:
        side, number = parts["kind"][0].as_py(), parts["position"][0].as_py()
        places = [np.frombuffer(part.as_buffer(), np.int32) for part in parts["first"]]
        row, column = (np.concatenate([p.reshape(2, -1)[n] for p in places]) for n in (0, 1))
        weights = [np.frombuffer(part.as_buffer(), np.float32) for part in parts["second"]]
        order = np.argsort((row.astype(np.int64) << 32) | column)
        row, column = row[order], column[order]
        size = class_size(found.size(side), found.blocks, number)
        lengths = np.bincount(row // found.blocks, minlength=size).astype(np.int32)
        cells = column.tobytes() + np.concatenate(weights)[order].tobytes()
        content: list[Content] = [(side, number, lengths.tobytes(), cells)]
        counts = {"side": side} | _count(row, column, lengths, found.long_row_cells)
        return rows([*content, json_row("counts", number, counts)])

    return join


def _count(
    row: np.ndarray, column: np.ndarray, lengths: np.ndarray, long_row_cells: int
) -> dict[str, Any]:
    """Count a block's rows, its very long ones, and the pairs that are there again."""
    again = np.flatnonzero((np.diff(row) == 0) & (np.diff(column) == 0))
    counts: dict[str, Any] = {
        "rows": int(np.count_nonzero(lengths)),
        "long_rows": [[int(n), int(lengths[n])] for n in np.flatnonzero(lengths > long_row_cells)],
    }
    if again.size:
        counts["duplicates"] = int(again.size)
        counts["example"] = int(row[again[0]]), int(column[again[0]])
    return counts
