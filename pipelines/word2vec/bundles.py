"""Bundles: the sentences of one file of shards that a task has, in a few arrays.

A million sentences are a million rows with a list each: Spark took longer to shuffle and sort them
than to train on them. A task joins them, and what is shuffled is one row per task and file.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.arrays.offsets import offsets_of
from pipelines.kernels.xxhash64 import SPARK_SEED, hashes_of_numbers, hashes_of_texts
from pipelines.training.stored_arrays import ARROW, rows
from pipelines.word2vec.stored_model import HELD_OUT, SHARD, SHARDS_PER_FILE, sentences_row

BUNDLES = (
    "file int, orders binary, positions binary, lengths binary, token_ids binary, "
    "sentences bigint, tokens bigint, longest int, lowest int, highest int"
)
"""`orders` (int64), `positions` and `lengths` (int32) have a value per sentence; `token_ids`
(int32) lie end to end. What follows counts the sentences; ids are null where there are none."""

BUCKETS = 10_000  # hash buckets of sentences: the held-out share is rounded to 1 / this
HELD_OUT_POSITION = -1  # position of held-out sentences while they are packed; shards begin at 0
_HELD_OUT_SALT = b"held out"  # hashed before the order, so that the draws are independent
_INTS = range(-(1 << 31), 1 << 31)  # values that Spark's literals hold in four bytes
_BUNDLED_TOKENS = 4_000_000  # tokens, about, that a task holds before it yields bundles
_SCHEMA = pa.schema(
    {
        "file": pa.int32(),
        **dict.fromkeys(("orders", "positions", "lengths", "token_ids"), pa.binary()),
        "sentences": pa.int64(),
        "tokens": pa.int64(),
        **dict.fromkeys(("longest", "lowest", "highest"), pa.int32()),
    }
)


@dataclass(frozen=True)
class Bundling:
    """Puts sentences into bundles, by a hash of their ids.

    Args:
        shards: Shards.
        held_out: Held-out sentences of each `BUCKETS`.
        seed: Seed of the order.
    """

    shards: int
    held_out: int
    seed: int

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield rows of `BUNDLES` from batches of `sentence_id string, token_ids array<int>`.

        Empty sentences are counted, and left out where the bundles are unpacked.
        """
        held, tokens = list[pa.RecordBatch](), 0
        for batch in batches:
            held.append(batch)
            tokens += pc.sum(pc.list_value_length(batch.column("token_ids"))).as_py() or 0
            if tokens >= _BUNDLED_TOKENS:
                yield from self._bundled(held)
                held, tokens = [], 0
        yield from self._bundled(held)

    def _bundled(self, held: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        if not sum(batch.num_rows for batch in held):
            return
        table = pa.Table.from_batches(held).combine_chunks()
        orders, positions = self._placed(table["sentence_id"].combine_chunks())
        files = positions // SHARDS_PER_FILE
        by_file = np.argsort(files, kind="stable")
        lists = table["token_ids"].combine_chunks().take(pa.array(by_file))
        orders, positions, files = orders[by_file], positions[by_file], files[by_file]
        lengths = pc.fill_null(lists.value_lengths(), 0).to_numpy().astype(np.int32)
        tokens, offsets = lists.flatten().to_numpy(), offsets_of(lengths)
        names, firsts = np.unique(files, return_index=True)
        for file, (start, stop) in zip(names, pairwise([*firsts, len(files)]), strict=True):
            own, ids = slice(start, stop), tokens[offsets[start] : offsets[stop]]
            yield _row(int(file), (orders[own], positions[own], lengths[own], ids))

    def _placed(self, sentence_ids: Any) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return the order and the position of each sentence."""
        hashed = hashes_of_texts(*_bytes_of(sentence_ids), np.uint64(SPARK_SEED))
        seeds = np.full(hashed.size, self.seed)
        orders = hashes_of_numbers(seeds, hashed, self.seed in _INTS).view(np.int64)
        ends = np.array([0, len(_HELD_OUT_SALT)])
        salt = hashes_of_texts(np.frombuffer(_HELD_OUT_SALT, np.uint8), ends, np.uint64(SPARK_SEED))
        drawn = hashes_of_numbers(orders, np.repeat(salt, orders.size), False).view(np.int64)
        positions = np.where(
            drawn % BUCKETS < self.held_out, HELD_OUT_POSITION, orders % self.shards
        )
        return orders, positions.astype(np.int32)


def _bytes_of(strings: Any) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the bytes of Arrow strings, and where each string begins and the last ends."""
    strings = pc.fill_null(strings, "").cast(pa.large_string())
    _, offsets, data = strings.buffers()
    places = np.frombuffer(offsets, np.int64)[strings.offset :][: len(strings) + 1]
    return np.frombuffer(data or b"", np.uint8), places


def _row(file: int, arrays: tuple[NDArray[np.integer], ...]) -> pa.RecordBatch:
    _, _, lengths, ids = arrays
    ends = (int(ids.min()), int(ids.max())) if ids.size else (None, None)
    counts = lengths.size, ids.size, int(lengths.max()), *ends
    values = file, *(array.tobytes() for array in arrays), *counts
    columns = [pa.array([value], field.type) for value, field in zip(values, _SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=_SCHEMA)


def unbundle(bundles: pa.Table) -> pa.Table:
    """Return the shards in all bundles of a file, as rows of `stored_model.sentences_row`.

    Sentences of a shard are sorted by `order`.
    """
    orders, positions = (
        _joined(bundles, "orders", np.int64),
        _joined(bundles, "positions", np.int32),
    )
    lengths, tokens = _joined(bundles, "lengths", np.int32), _joined(bundles, "token_ids", np.int32)
    by_order = np.lexsort((orders, positions))
    by_order = by_order[lengths[by_order] > 0]
    lists = pa.ListArray.from_arrays(pa.array(offsets_of(lengths).astype(np.int32)), tokens)
    ordered = lists.take(pa.array(by_order))
    sorted_tokens, offsets = np.asarray(ordered.values), ordered.offsets.to_numpy()
    found, firsts = np.unique(positions[by_order], return_index=True)
    packed = []
    for position, (start, stop) in zip(
        found.tolist(), pairwise([*firsts, len(by_order)]), strict=True
    ):
        ids = sorted_tokens[offsets[start] : offsets[stop]]
        kind = HELD_OUT if position == HELD_OUT_POSITION else SHARD
        packed.append(sentences_row(kind, max(position, 0), ids, lengths[by_order[start:stop]]))
    return rows(packed) if packed else ARROW.empty_table()


def _joined(bundles: pa.Table, name: str, kind: Any) -> NDArray[np.integer]:
    return np.concatenate([np.frombuffer(value.as_buffer(), kind) for value in bundles[name]])
