"""Packs sentences, in an order drawn by the seed, into shards of token ids on storage."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from pipelines.errors import InputError
from pipelines.training.stored_arrays import SCHEMA, rows
from pipelines.word2vec.stored_model import (
    BLOCK_ROWS,
    HELD_OUT,
    SHARD,
    SHARDS_PER_FILE,
    counts_row,
    sentences_row,
)

_SHARD_TOKENS = 250_000  # tokens per shard, about
_MAX_SHARDS = 64_000  # shards; of larger corpora each has more tokens
_BUCKETS = 10_000  # hash buckets of sentences: the held-out share is rounded to 1 / this
_HELD_OUT_POSITION = -1  # while sentences are packed: shards are numbered from 0


@dataclass(frozen=True)
class SentencesSurvey:
    """Counts of the sentences.

    Args:
        sentences: Sentences.
        tokens: Tokens of all sentences.
        longest: Tokens of the longest sentence.
        lowest: Lowest token id.
        highest: Highest token id.
        shards: Shards that the sentences are packed into.
    """

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
    """Return the same rows, and the observation that counts them when they are computed."""
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


def check(survey: SentencesSurvey, *, vocabulary_size: int) -> None:
    """Refuse sentences that cannot be trained on.

    Raises:
        InputError: A token id is outside the vocabulary, or no sentence has two tokens.
    """
    if survey.longest <= 1:
        raise InputError(
            f"inputs.sentences: {survey.sentences} sentences, the longest of {survey.longest} "
            "tokens: no token has another beside it to be trained on"
        )
    if survey.lowest < 0 or survey.highest >= vocabulary_size:
        worst = survey.lowest if survey.lowest < 0 else survey.highest
        raise InputError(
            f"inputs.sentences: token id {worst} is not in inputs.vocabulary, which has "
            f"{vocabulary_size} tokens; both must come from the same run"
        )


def pack(sentences: DataFrame, *, shards: int, held_out_share: float, seed: int) -> DataFrame:
    """Pack sentences into shards by a hash of their ids; partitions do not change the result.

    Args:
        sentences: `sentence_id, token_ids`.
        shards: Shards to make.
        held_out_share: Share of sentences kept apart to measure the loss on.
        seed: Seed of the order.

    Returns:
        Rows of `stored_model.sentences_row`.
    """
    order = F.xxhash64("sentence_id", F.lit(seed))
    is_held_out = F.pmod(F.xxhash64(F.lit("held out"), order), F.lit(_BUCKETS)) < F.lit(
        round(held_out_share * _BUCKETS)
    )
    position = F.when(is_held_out, F.lit(_HELD_OUT_POSITION)).otherwise(_shard(order, shards))
    placed = sentences.where(F.size("token_ids") > 0).select(
        position.alias("position"), order.alias("order"), "token_ids"
    )
    return placed.groupBy(file_of("position").alias("file")).applyInArrow(_pack_file, SCHEMA)


def file_of(position: str) -> Column:
    """Return the number of the file that keeps the row at a position."""
    return F.floor(F.col(position) / SHARDS_PER_FILE).cast("int")


def _shard(order: Column, shards: int) -> Column:
    return F.pmod(order, F.lit(shards)).cast("int")


def _pack_file(sentences: pa.Table) -> pa.Table:
    ordered = sentences.sort_by([("position", "ascending"), ("order", "ascending")])
    lists = ordered["token_ids"].combine_chunks()
    tokens, offsets = np.asarray(lists.values).astype(np.int32), lists.offsets.to_numpy()
    positions, firsts = np.unique(ordered["position"].to_numpy(), return_index=True)
    bounds = pairwise([*firsts, len(lists)])
    packed = []
    for position, (start, stop) in zip(positions.tolist(), bounds, strict=True):
        ids = tokens[offsets[start] : offsets[stop]]
        lengths = np.diff(offsets[start : stop + 1]).astype(np.int32)
        kind = HELD_OUT if position == _HELD_OUT_POSITION else SHARD
        packed.append(sentences_row(kind, max(position, 0), ids, lengths))
    return rows(packed)


def count_blocks(vocabulary: DataFrame) -> DataFrame:
    """Return the occurrences of tokens as rows of `stored_model.counts_row`.

    Args:
        vocabulary: `token_id, count`; token ids that are missing count 0.
    """
    block = F.floor(F.col("token_id") / BLOCK_ROWS).cast("int")

    def packed(group: pa.Table) -> pa.Table:
        ids = np.asarray(group["token_id"])
        position = int(ids[0]) // BLOCK_ROWS
        counts = np.zeros(int(ids.max()) - position * BLOCK_ROWS + 1, np.int64)
        counts[ids - position * BLOCK_ROWS] = np.asarray(group["count"])
        return rows([counts_row(position, counts)])

    return (
        vocabulary.select(block.alias("block"), F.col("token_id").cast("int"), "count")
        .groupBy("block")
        .applyInArrow(packed, SCHEMA)
    )
