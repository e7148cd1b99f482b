"""Sentences in a seeded order as shards of packed token ids on storage."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from pipelines.errors import InputError
from pipelines.training.stored_arrays import SCHEMA, Content, rows

BLOCK_ROWS = 4096  # token ids per row of `counts` and `model`
MOST_WRITERS = 16  # of a version: each leaves two d by d matrices for the driver to add up
_SHARD_TOKENS = 250_000
_MAX_SHARDS = 64_000
SHARDS_PER_FILE = 16
_BUCKETS = 10_000


@dataclass(frozen=True)
class SentencesSurvey:
    """What the sentences hold, and how many shards they make."""

    sentences: int
    tokens: int
    longest: int
    lowest: int
    highest: int
    shards: int


def shards_of(tokens: int) -> int:
    """Return how many shards so many tokens make."""
    size = max(_SHARD_TOKENS, -(-tokens // _MAX_SHARDS))
    return max(1, -(-tokens // size))


def surveyed(sentences: DataFrame) -> tuple[DataFrame, Observation]:
    """Return the same rows, and what is counted of them in passing once they are used."""
    observed, size = Observation(), F.size("token_ids")
    counted = sentences.observe(
        observed,
        F.count(F.lit(1)).alias("sentences"),
        F.coalesce(F.sum(size), F.lit(0)).alias("tokens"),
        F.coalesce(F.max(size), F.lit(0)).alias("longest"),
        F.coalesce(F.min(F.array_min("token_ids")), F.lit(0)).alias("lowest"),
        F.coalesce(F.max(F.array_max("token_ids")), F.lit(0)).alias("highest"),
    )
    return counted, observed


def check(found: SentencesSurvey, *, vocabulary_size: int) -> None:
    """Refuse ids that the vocabulary does not have, and sentences without a pair.

    Raises:
        InputError: A token id is outside the vocabulary, or there is no pair to train on.
    """
    if found.longest <= 1:
        raise InputError(
            f"inputs.sentences: {found.sentences} sentences, the longest of {found.longest} "
            "tokens: no token has another beside it to be trained on"
        )
    if found.lowest < 0 or found.highest >= vocabulary_size:
        worst = found.lowest if found.lowest < 0 else found.highest
        raise InputError(
            f"inputs.sentences: token id {worst} is not in inputs.vocabulary, which has "
            f"{vocabulary_size} tokens; both must come from the same run"
        )


def pack(sentences: DataFrame, *, shards: int, held_out_share: float, seed: int) -> DataFrame:
    """Pack sentences into shards by a hash of their ids; the same whatever the partitions were.

    Args:
        sentences: `sentence_id, token_ids`.
        shards: Shards to make.
        held_out_share: Share of sentences kept apart to measure the loss on.
        seed: Seed of the order.

    Returns:
        Rows of `SCHEMA`: `first` holds the token ids as int32, `second` the sentence lengths.
    """
    order = F.xxhash64("sentence_id", F.lit(seed))
    is_held_out = F.pmod(F.xxhash64(F.lit("held out"), order), F.lit(_BUCKETS)) < F.lit(
        round(held_out_share * _BUCKETS)
    )
    placed = sentences.where(F.size("token_ids") > 0).select(
        F.when(is_held_out, F.lit(-1)).otherwise(_shard(order, shards)).alias("position"),
        order.alias("order"),
        "token_ids",
    )
    return placed.groupBy(file_of("position").alias("file")).applyInArrow(_pack_file, SCHEMA)


def file_of(position: str) -> Column:
    """Return the file that a row of a position is kept in: many shards in one, as files cost."""
    return F.floor(F.col(position) / SHARDS_PER_FILE).cast("int")


def _shard(order: Column, shards: int) -> Column:
    return F.pmod(order, F.lit(shards)).cast("int")


def _pack_file(sentences: pa.Table) -> pa.Table:
    ordered = sentences.sort_by([("position", "ascending"), ("order", "ascending")])
    lists = ordered["token_ids"].combine_chunks()
    tokens, offsets = np.asarray(lists.values).astype(np.int32), lists.offsets.to_numpy()
    positions, first = np.unique(ordered["position"].to_numpy(), return_index=True)
    packed = []
    for position, (start, stop) in zip(
        positions.tolist(), pairwise([*first, len(lists)]), strict=True
    ):
        ids = tokens[offsets[start] : offsets[stop]]
        lengths = np.diff(offsets[start : stop + 1]).astype(np.int32)
        kind = "held_out" if position < 0 else "shard"
        packed.append((kind, max(position, 0), ids.tobytes(), lengths.tobytes()))
    return rows(packed)


def count_blocks(vocabulary: DataFrame) -> DataFrame:
    """Return the tokens' counts as rows of `SCHEMA`, `BLOCK_ROWS` token ids each.

    Args:
        vocabulary: `token_id, count`; ids that are missing count 0.
    """
    block = F.floor(F.col("token_id") / BLOCK_ROWS).cast("int")

    def packed(group: pa.Table) -> pa.Table:
        ids = np.asarray(group["token_id"])
        position = int(ids[0]) // BLOCK_ROWS
        counts = np.zeros(int(ids.max()) - position * BLOCK_ROWS + 1, np.int64)
        counts[ids - position * BLOCK_ROWS] = np.asarray(group["count"])
        return rows([("counts", position, counts.tobytes(), b"")])

    return (
        vocabulary.select(block.alias("block"), F.col("token_id").cast("int"), "count")
        .groupBy("block")
        .applyInArrow(packed, SCHEMA)
    )


def blocks(size: int) -> Iterator[tuple[int, slice]]:
    """Yield the position of each block of `BLOCK_ROWS` token ids, and the ids in it."""
    for position, first in enumerate(range(0, size, BLOCK_ROWS)):
        yield position, slice(first, min(size, first + BLOCK_ROWS))


def blocks_of_class(size: int, classes: int) -> int:
    """Return how many blocks hold a class of token ids: those equal modulo the classes."""
    return -(-size // (classes * BLOCK_ROWS))


def token_ids(position: int, count: int, *, size: int, classes: int) -> np.ndarray:
    """Return the token ids of the rows of a block; class after class, each in its own blocks."""
    which, block = divmod(position, blocks_of_class(size, classes))
    return (block * BLOCK_ROWS + np.arange(count, dtype=np.int32)) * classes + which


def model_rows(inputs: np.ndarray, outputs: np.ndarray) -> Iterator[Content]:
    """Yield a model as `model` rows of `BLOCK_ROWS` vectors of each side."""
    for position, block in blocks(len(inputs)):
        yield "model", position, inputs[block].tobytes(), outputs[block].tobytes()
