"""Interactions laid out once: what they are is checked, and kept as blocks of cells on storage."""

import json
from dataclasses import asdict
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from pipelines.als.cells.blocks import SIDES, InteractionsSurvey, pack
from pipelines.als.cells.checks import checked
from pipelines.als.config import TrainAlsConfig
from pipelines.errors import ConfigError, InputError
from pipelines.training.rounds import RoundState
from pipelines.training.stored_arrays import StoredArrays

_BLOCK_CELLS = 250_000
_MOST_BLOCKS = 8_192
_BLOCK_BYTES = 1 << 30  # of factors: Arrow's value, and Parquet's, ends at 2 GiB
_LEAST_LONG_ROW = 16_384
_LONG_ROWS_PER_TASK = 8  # a row that is more than this part of a task is cut into pieces


def prepare(
    pairs: DataFrame, held_out: DataFrame | None, config: TrainAlsConfig, state: RoundState
) -> InteractionsSurvey:
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
        return InteractionsSurvey(**known)
    found = _survey(pairs, config)
    if held_out is not None:
        found = found.with_room_for(held_out)
    kept = pairs if config.objective == "explicit" else pairs.where(F.col("weight") > 0)
    state.write("cells", pack(kept, found, SIDES))
    _refuse_duplicates(StoredArrays(state.folder))
    if held_out is not None:
        state.write("held_out", pack(held_out, found, SIDES[:1]))
    state.note("survey", asdict(found))
    return found


def pairs_to_rank(interactions: DataFrame, split: str) -> DataFrame:
    """Return the pairs of a held-out split.

    Raises:
        InputError: There are none.
    """
    found = interactions.where(F.col("split") == split)
    if found.isEmpty():
        raise InputError(
            f"inputs.interactions: no pair of the split {split!r} to rank; give "
            "build_interactions a valid_share or test_share, or name another split"
        )
    return found


def _survey(pairs: DataFrame, config: TrainAlsConfig) -> InteractionsSurvey:
    found = checked(pairs, config.objective)
    blocks = _blocks(found, config)
    tasks = min(blocks, int(pairs.sparkSession.sparkContext.defaultParallelism))
    return InteractionsSurvey(
        found["pairs"], found["user"] + 1, found["item"] + 1, found["mean"], blocks,
        max(_LEAST_LONG_ROW, found["pairs"] // (_LONG_ROWS_PER_TASK * tasks)),
    )  # fmt: skip


def _blocks(found: Row, config: TrainAlsConfig) -> int:
    """Return into how many blocks each side is laid.

    Raises:
        ConfigError: One of as few as are asked for could not be written.
    """
    row = 4 * (config.rank + 2)
    least = -(-(max(found["user"], found["item"]) + 1) * row // _BLOCK_BYTES)
    if config.num_blocks and config.num_blocks < least:
        raise ConfigError(
            f"num_blocks: {config.num_blocks} blocks of these ids by rank {config.rank} are larger "
            f"than 1 GiB each; leave it out, or give at least {least}"
        )
    by_cells = min(_MOST_BLOCKS, -(-found["pairs"] // _BLOCK_CELLS))
    return config.num_blocks or max(least, by_cells)


def _refuse_duplicates(stored: StoredArrays) -> None:
    found = [c for c in stored.json("counts", "cells") if c.get("duplicates")]
    users = [c for c in found if c["side"] == "users"]
    if users:
        user, item = users[0]["example"]
        raise InputError(
            f"inputs.interactions: {sum(c['duplicates'] for c in users):,} pairs are there more "
            f"than once, such as user_id {user}, item_id {item}; build_interactions makes one row "
            "of a pair"
        )


def parse_counts(stored: StoredArrays) -> dict[str, dict[str, Any]]:
    """Return of each side how many rows have cells, and its rows of very many.

    Returns:
        By side: `rows`, and `long_rows` as (block, row in it, cells).
    """
    totals: dict[str, dict[str, Any]] = {side: {"rows": 0, "long_rows": []} for side in SIDES}
    for number, first, _ in sorted(stored.rows("cells", "", kind="counts"), key=lambda row: row[0]):
        counts = json.loads(first.as_py())
        total = totals[counts["side"]]
        total["rows"] += counts["rows"]
        total["long_rows"] += [(number, *long_row_cells) for long_row_cells in counts["long_rows"]]
    return totals
