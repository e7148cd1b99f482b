"""Interactions checked, counted, and laid out once as blocks of cells on storage."""

from collections.abc import Sequence
from dataclasses import asdict

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from pipelines.als.cells.blocks import InteractionsSurvey, pack
from pipelines.als.cells.checks import checked
from pipelines.als.config import AlsSettings
from pipelines.als.sides import SIDES
from pipelines.als.stored_fit import CELLS, HELD_OUT, StoredFit
from pipelines.cluster import progress
from pipelines.errors import ConfigError, InputError
from pipelines.training.rounds import RoundState

LongRows = dict[str, Sequence[tuple[int, int, int]]]
"""By side, each long row as (block, row in the block, cells)."""

_CELLS_PER_BLOCK = 250_000  # interactions per block, unless num_blocks is given
_MOST_BLOCKS = 8_192  # blocks per side, unless a block of factors would exceed _BLOCK_BYTES
_BLOCK_BYTES = 1 << 30  # bytes of a block of factors, at most: Parquet's values end at 2 GiB
_LEAST_LONG_ROW = 16_384  # cells; a row of no more cells is never a long row
_LONG_ROWS_PER_TASK = 8  # a long row has more than 1/8 of the cells of a task


def prepare(
    pairs: DataFrame, held_out: DataFrame | None, settings: AlsSettings, state: RoundState
) -> InteractionsSurvey:
    """Lay out the interactions, unless an earlier run did, and return their survey.

    Args:
        pairs: `user_id, item_id, weight` of the training split.
        held_out: Pairs of the split that is ranked, if any; stored as frame `held_out`.
        settings: Settings.
        state: Where cells are stored, as frame `cells`.

    Raises:
        InputError: There are no pairs; a weight is not a number, or negative where the objective
            is of implicit feedback; a pair occurs twice.
        ConfigError: Blocks of `num_blocks` would be too large.
    """
    known = state.noted("survey")
    if known is not None:
        return InteractionsSurvey(**known)
    with progress.step("reading interactions"):
        survey = _survey(pairs, settings)
        if held_out is not None:
            survey = survey.with_room_for(held_out)
    used = pairs if settings.objective == "explicit" else pairs.where(F.col("weight") > 0)
    with progress.step("laying out cells"):
        state.write(CELLS, pack(used, survey, SIDES))
        _refuse_duplicates(StoredFit(state.folder))
        if held_out is not None:
            state.write(HELD_OUT, pack(held_out, survey, ("users",)))
    state.note("survey", asdict(survey))
    return survey


def pairs_to_rank(interactions: DataFrame, split: str) -> DataFrame:
    """Return the pairs of a held-out split.

    Raises:
        InputError: There are none.
    """
    pairs = interactions.where(F.col("split") == split)
    if pairs.isEmpty():
        raise InputError(
            f"inputs.interactions: no pair of the split {split!r} to rank; give "
            "build_interactions a valid_share or test_share, or name another split"
        )
    return pairs


def _survey(pairs: DataFrame, settings: AlsSettings) -> InteractionsSurvey:
    counts = checked(pairs, settings.objective)
    blocks = _blocks(counts, settings)
    tasks = min(blocks, int(pairs.sparkSession.sparkContext.defaultParallelism))
    return InteractionsSurvey(
        pairs=counts["pairs"],
        users=counts["user"] + 1,
        items=counts["item"] + 1,
        mean=counts["mean"],
        blocks=blocks,
        long_row_cells=max(_LEAST_LONG_ROW, counts["pairs"] // (_LONG_ROWS_PER_TASK * tasks)),
    )


def _blocks(counts: Row, settings: AlsSettings) -> int:
    """Return the number of blocks of each side.

    Raises:
        ConfigError: With `num_blocks` a block's factors would be larger than Parquet can hold.
    """
    row_bytes = 4 * (settings.rank + 2)  # float32: factors, bias, and a 1
    least = -(-(max(counts["user"], counts["item"]) + 1) * row_bytes // _BLOCK_BYTES)
    if settings.num_blocks and settings.num_blocks < least:
        raise ConfigError(
            f"num_blocks: {settings.num_blocks} blocks of these ids by rank {settings.rank} are "
            f"larger than 1 GiB each; leave it out, or give at least {least}"
        )
    by_cells = min(_MOST_BLOCKS, -(-counts["pairs"] // _CELLS_PER_BLOCK))
    return settings.num_blocks or max(least, by_cells)


def _refuse_duplicates(stored: StoredFit) -> None:
    blocks = [counts for _, counts in stored.counts() if counts.side == "users"]
    examples = [counts.example for counts in blocks if counts.example is not None]
    if examples:
        user, item = examples[0]
        raise InputError(
            f"inputs.interactions: {sum(counts.duplicates for counts in blocks):,} pairs are there "
            f"more than once, such as user_id {user}, item_id {item}; build_interactions makes one "
            "row of a pair"
        )


def counts_by_side(stored: StoredFit) -> tuple[dict[str, int], LongRows]:
    """Return by side the number of rows that have cells, and the long rows."""
    rows: dict[str, int] = dict.fromkeys(SIDES, 0)
    long_rows: dict[str, list[tuple[int, int, int]]] = {side: [] for side in SIDES}
    for number, counts in stored.counts():
        rows[counts.side] += counts.rows
        long_rows[counts.side] += [(number, row, cells) for row, cells in counts.long_rows]
    return rows, dict(long_rows)
