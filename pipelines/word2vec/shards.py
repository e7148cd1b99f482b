"""Sentences in a seeded order as shards of packed token ids on storage."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.errors import InputError

SCHEMA = "kind string, position int, first binary, second binary"
"""What trainers' tasks read and write. `shard` and `held_out` rows: token ids and sentence lengths;
`counts` rows: counts; `model` rows: input and output vectors; `measures`: JSON."""

_ARROW = pa.schema(
    [("kind", pa.string()), ("position", pa.int32()), ("first", pa.binary()),
     ("second", pa.binary())]
)  # fmt: skip
BLOCK_ROWS = 4096  # token ids per row of `counts` and `model`
_SHARD_TOKENS = 250_000
_BUCKETS = 10_000


@dataclass(frozen=True)
class Survey:
    """What the sentences hold: counts, and how many shards they make."""

    sentences: int
    tokens: int
    longest: int
    shards: int


def survey(sentences: DataFrame, *, vocabulary_size: int) -> Survey:
    """Count sentences and tokens, and refuse ids that the vocabulary does not have.

    Raises:
        InputError: A token id is outside the vocabulary, or there is no pair to train on.
    """
    size = F.size("token_ids")
    row = sentences.agg(
        F.count(F.lit(1)),
        F.sum(size),
        F.max(size),
        F.min(F.array_min("token_ids")),
        F.max(F.array_max("token_ids")),
    ).collect()[0]
    count, tokens, longest, lowest, highest = row
    if not count or not longest or longest == 1:
        raise InputError(
            f"inputs.sentences: {count} sentences, the longest of {longest or 0} tokens: "
            "no token has another beside it to be trained on"
        )
    if lowest < 0 or highest >= vocabulary_size:
        worst = lowest if lowest < 0 else highest
        raise InputError(
            f"inputs.sentences: token id {worst} is not in inputs.vocabulary, which has "
            f"{vocabulary_size} tokens; both must come from the same run"
        )
    return Survey(count, tokens, longest, -(-tokens // _SHARD_TOKENS))


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
    return placed.groupBy("position").applyInArrow(_pack_group, SCHEMA)


def _shard(order: Column, shards: int) -> Column:
    return F.pmod(order, F.lit(shards)).cast("int")


def _pack_group(group: pa.Table) -> pa.Table:
    ordered = group.sort_by("order")
    position = ordered["position"][0].as_py()
    lists = ordered["token_ids"].combine_chunks()
    lengths = np.diff(lists.offsets.to_numpy()).astype(np.int32)
    tokens = np.asarray(lists.flatten()).astype(np.int32)
    kind = "held_out" if position < 0 else "shard"
    return rows([(kind, max(position, 0), tokens.tobytes(), lengths.tobytes())])


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


def rows(content: list[tuple[str, int, bytes, bytes]]) -> pa.Table:
    """Return rows of `SCHEMA` as an Arrow table."""
    columns = zip(*content, strict=True)
    return pa.Table.from_arrays([pa.array(c) for c in columns], schema=_ARROW)


def model_rows(inputs: np.ndarray, outputs: np.ndarray) -> Iterator[tuple[str, int, bytes, bytes]]:
    """Yield a model as `model` rows of `BLOCK_ROWS` vectors of each side."""
    for position, first in enumerate(range(0, len(inputs), BLOCK_ROWS)):
        block = slice(first, first + BLOCK_ROWS)
        yield "model", position, inputs[block].tobytes(), outputs[block].tobytes()


def measures(content: object) -> tuple[str, int, bytes, bytes]:
    """Return a `measures` row that holds a JSON value."""
    return ("measures", 0, json.dumps(content).encode(), b"")


class Inbox:
    """What a trainer's task was given: rows of `SCHEMA`, sorted by kind and position."""

    def __init__(self, batches: Iterable[pa.RecordBatch]) -> None:
        self._found: dict[str, dict[int, tuple[pa.Scalar, pa.Scalar]]] = {}
        for batch in batches:
            kinds, positions = batch.column(0).to_pylist(), batch.column(1).to_pylist()
            for i, (kind, position) in enumerate(zip(kinds, positions, strict=True)):
                pair = (batch.column(2)[i], batch.column(3)[i])
                self._found.setdefault(kind, {})[position] = pair

    def positions(self, kind: str) -> list[int]:
        """Return the positions there are of a kind, in order."""
        return sorted(self._found.get(kind, {}))

    def sentences(self, kind: str, position: int) -> tuple[np.ndarray, np.ndarray]:
        """Return a shard's token ids and the offsets of its sentences."""
        first, second = self._found[kind][position]
        lengths = np.frombuffer(second.as_buffer(), np.int32)
        offsets = np.zeros(lengths.size + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        return np.frombuffer(first.as_buffer(), np.int32), offsets

    def counts(self) -> np.ndarray:
        """Return the counts of all token ids."""
        blocks = self._found["counts"]
        return np.concatenate(
            [np.frombuffer(blocks[n][0].as_buffer(), np.int64) for n in self.positions("counts")]
        )

    def model(self, dimension: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Return copies of input and output vectors; None where there are none."""
        blocks = self._found.get("model")
        if blocks is None:
            return None
        sides = [
            np.concatenate(
                [np.frombuffer(blocks[n][side].as_buffer(), np.float32) for n in sorted(blocks)]
            ).reshape(-1, dimension)
            for side in (0, 1)
        ]
        return sides[0], sides[1]

    def measured(self) -> list[dict[str, float]]:
        """Return what the rounds before measured."""
        rows = self._found.get("measures")
        return json.loads(rows[0][0].as_py()) if rows else []
