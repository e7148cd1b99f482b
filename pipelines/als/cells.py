"""Interactions laid out once: each side's rows in blocks, with their cells as arrays on storage.

Row ids equal modulo the number of blocks lie in one block, in order: a row's place follows from its
id, and long rows, which come together where ids were given by age, are spread over the blocks.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.als.config import TrainAlsConfig
from pipelines.als.factors import class_size
from pipelines.errors import InputError
from pipelines.training.rounds import RoundState
from pipelines.training.stored import SCHEMA, Content, StoredRows, json_row, rows

SIDES = ("users", "items")
_BLOCK_CELLS = 250_000
_MOST_BLOCKS = 8_192
_LEAST_GIANT = 16_384


@dataclass(frozen=True)
class Survey:
    """What the training interactions are, and into how many blocks each side's rows are laid."""

    pairs: int
    users: int
    items: int
    mean: float
    blocks: int
    giant: int

    def size(self, side: str) -> int:
        """Return the number of row ids of a side."""
        return self.users if side == "users" else self.items

    def with_room_for(self, pairs: DataFrame) -> "Survey":
        """Return it with sizes that the ids of other pairs fit into."""
        user, item = pairs.agg(F.max("user_id"), F.max("item_id")).collect()[0]
        users, items = max(self.users, (user or 0) + 1), max(self.items, (item or 0) + 1)
        return replace(self, users=users, items=items)


def prepare(
    pairs: DataFrame, held_out: DataFrame | None, config: TrainAlsConfig, state: RoundState
) -> Survey:
    """Lay the interactions out unless they are, and return what they are.

    Args:
        pairs: `user_id, item_id, weight` of the training split.
        held_out: Those of the split that rankings are measured on, if any; kept as `held_out`.
        config: Settings.
        state: Where cells are kept, as frame `cells`.

    Raises:
        InputError: There are no pairs; a weight is not a number, or negative where the objective
            is of implicit feedback; a pair is there twice.
    """
    known = state.noted("survey")
    if known is not None:
        return Survey(**known)
    found = _survey(pairs, config)
    if held_out is not None:
        found = found.with_room_for(held_out)
    kept = pairs if config.objective == "explicit" else pairs.where(F.col("weight") > 0)
    state.write("cells", _pack(kept, found, SIDES), by=("kind",))
    _refuse_duplicates(StoredRows(state.folder))
    if held_out is not None:
        state.write("held_out", _pack(held_out, found, SIDES[:1]), by=("kind",))
    state.note("survey", asdict(found))
    return found


def _survey(pairs: DataFrame, config: TrainAlsConfig) -> Survey:
    weight = F.col("weight").cast("double")
    is_number = weight.isNotNull() & ~F.isnan(weight) & (F.abs(weight) < float("inf"))
    is_bad = ~is_number if config.objective == "explicit" else ~(is_number & (weight >= 0))
    found = pairs.agg(
        F.count_if(F.lit(True) if config.objective == "explicit" else weight > 0).alias("pairs"),
        F.max("user_id").alias("user"),
        F.max("item_id").alias("item"),
        F.avg(weight).alias("mean"),
        F.count_if(is_bad).alias("bad"),
        F.min(F.when(is_bad, F.struct("user_id", "item_id", "weight"))).alias("example"),
    ).collect()[0]
    if found["bad"]:
        one = found["example"]
        raise InputError(
            f"inputs.interactions: {found['bad']:,} weights cannot be used, such as "
            f"{one['weight']} of user_id {one['user_id']}, item_id {one['item_id']}: "
            f"objective {config.objective} takes finite numbers"
            f"{'' if config.objective == 'explicit' else ' from 0'}; mend build_interactions' "
            "event_weights, or drop these pairs"
        )
    if not found["pairs"]:
        raise InputError(
            "inputs.interactions: no pair of the split 'train' has a weight above 0; "
            "build_interactions makes them"
        )
    blocks = config.num_blocks or min(_MOST_BLOCKS, -(-found["pairs"] // _BLOCK_CELLS))
    return Survey(
        found["pairs"], found["user"] + 1, found["item"] + 1, found["mean"], blocks,
        max(_LEAST_GIANT, found["pairs"] // (8 * blocks)),
    )  # fmt: skip


def _pack(pairs: DataFrame, found: Survey, wanted: tuple[str, ...]) -> DataFrame:
    """Return rows of `stored.SCHEMA`: a block's cells by side, and `counts` of it as JSON."""
    keys = ("user_id", "item_id")
    sides = [
        pairs.select(
            F.lit(bool(n)).alias("is_item"),
            F.col(keys[n]).cast("int").alias("row"),
            F.col(keys[1 - n]).cast("int").alias("column"),
            F.col("weight").cast("float").alias("weight"),
        )
        for n in range(len(wanted))
    ]
    placed = reduce(DataFrame.unionAll, sides).withColumn("block", F.col("row") % found.blocks)
    return placed.groupBy("is_item", "block").applyInArrow(_packer(found), SCHEMA)


def _packer(found: Survey) -> Callable[[pa.Table], pa.Table]:
    """Return what packs one block: lengths of its rows; columns and weights, end to end."""

    def pack(group: pa.Table) -> pa.Table:
        side = SIDES[group["is_item"][0].as_py()]
        number = group["block"][0].as_py()
        row = group["row"].to_numpy() // found.blocks
        column = group["column"].to_numpy()
        order = np.argsort((row.astype(np.int64) << 32) | column)
        row, column = row[order], column[order]
        size = class_size(found.size(side), found.blocks, number)
        lengths = np.bincount(row, minlength=size).astype(np.int32)
        cells = column.tobytes() + group["weight"].to_numpy()[order].tobytes()
        again = np.flatnonzero((np.diff(row) == 0) & (np.diff(column) == 0))
        giants = np.flatnonzero(lengths > found.giant)
        counts: dict[str, Any] = {
            "side": side,
            "rows": int(np.count_nonzero(lengths)),
            "giants": [[int(n), int(lengths[n])] for n in giants],
        }
        if again.size:
            first = int(row[again[0]]) * found.blocks + number, int(column[again[0]])
            counts |= {"duplicates": int(again.size), "example": first}
        content: list[Content] = [(side, number, lengths.tobytes(), cells)]
        return rows([*content, json_row("counts", number, counts)])

    return pack


def _refuse_duplicates(stored: StoredRows) -> None:
    found = [c for c in stored.json("counts", "cells") if c.get("duplicates")]
    users = [c for c in found if c["side"] == "users"]
    if users:
        user, item = users[0]["example"]
        raise InputError(
            f"inputs.interactions: {sum(c['duplicates'] for c in users):,} pairs are there more "
            f"than once, such as user_id {user}, item_id {item}; build_interactions makes one row "
            "of a pair"
        )


def parse_counts(stored: StoredRows) -> dict[str, dict[str, Any]]:
    """Return of each side how many rows have cells, and its rows of very many.

    Returns:
        By side: `rows`, and `giants` as (block, row in it, cells).
    """
    totals: dict[str, dict[str, Any]] = {side: {"rows": 0, "giants": []} for side in SIDES}
    for number, first, _ in sorted(stored.rows("cells", "kind=counts"), key=lambda row: row[0]):
        counts = json.loads(first.as_py())
        total = totals[counts["side"]]
        total["rows"] += counts["rows"]
        total["giants"] += [(number, *giant) for giant in counts["giants"]]
    return totals
