"""Packs sentences, in an order drawn by the seed, into shards of token ids on storage."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from pipelines.errors import InputError
from pipelines.storage.task_files.columns import Columns
from pipelines.training.rounds import FILE
from pipelines.training.stored_arrays import Content, rows
from pipelines.word2vec.bundles import BUCKETS, BUNDLES, Bundling, unbundle
from pipelines.word2vec.stored_model import (
    blocks,
    counts_row,
)

Write = Callable[[pa.Table], pa.Table]

_SHARD_TOKENS = 250_000  # tokens per shard, about
_MAX_SHARDS = 64_000  # shards; of larger corpora each has more tokens
_BATCH_ROWS = 10_000  # sentences per Arrow batch that a task reads


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


def bundled(
    sentences: Columns, *, shards: int, held_out_share: float, seed: int
) -> tuple[DataFrame, Observation]:
    """Return sentences in bundles, by a hash of their ids; partitions do not change the shards.

    Args:
        sentences: `sentence_id, token_ids`.
        shards: Shards to make.
        held_out_share: Share of sentences kept apart to measure the loss on.
        seed: Seed of the order.

    Returns:
        Rows of `bundles.BUNDLES`; and what observes the fields of `SentencesSurvey` but `shards`
        when they are computed.
    """
    bundling = Bundling(shards, round(held_out_share * BUCKETS), seed)
    bundles = sentences.map_in_arrow(bundling, BUNDLES, rows=_BATCH_ROWS)
    observed = Observation()
    counted = bundles.observe(
        observed,
        _total("sentences"),
        _total("tokens"),
        F.coalesce(F.max("longest"), F.lit(0)).alias("longest"),
        F.coalesce(F.min("lowest"), F.lit(0)).alias("lowest"),
        F.coalesce(F.max("highest"), F.lit(0)).alias("highest"),
    )
    return counted, observed


def packed(bundles: DataFrame, vocabulary: DataFrame, size: int, write: Write) -> DataFrame:
    """Return the names of files that tasks write: all sentences in shards, and all counts.

    Args:
        bundles: Rows of `bundles.BUNDLES`.
        vocabulary: `token_id, count`; token ids that are missing count 0.
        size: Token ids.
        write: Writes rows of `stored_model`, and returns the file's name.
    """

    def write_shards(group: pa.Table) -> pa.Table:
        return write(unbundle(group))

    def write_counts(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from write(rows(_count_rows(batches, size))).to_batches()

    pairs = vocabulary.select(F.col("token_id").cast("int"), "count").coalesce(1)
    counts = pairs.mapInArrow(write_counts, FILE)  # one task: each trainer holds all counts too
    return bundles.groupBy("file").applyInArrow(write_shards, FILE).unionByName(counts)


def _count_rows(batches: Iterable[pa.RecordBatch], size: int) -> Iterator[Content]:
    """Yield the occurrences of all token ids as rows of `stored_model.counts_row`."""
    counts = np.zeros(size, np.int64)
    for batch in batches:
        counts[batch.column("token_id").to_numpy()] = batch.column("count").to_numpy()
    for position, block in blocks(size):
        yield counts_row(position, counts[block])


def _total(name: str) -> Column:
    return F.coalesce(F.sum(name), F.lit(0)).alias(name)
