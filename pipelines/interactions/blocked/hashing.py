"""The bucket of each row by the hash of its key."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.kernels.xxhash64 import SPARK_SEED, hashes_of_texts
from pipelines.storage.task_files.buckets import Buckets


def buckets_of_texts(texts: pa.Array, count: int) -> Buckets:
    """Return the bucket of each string, `(n,)`; it is the same in every task.

    Args:
        texts: Strings.
        count: Number of buckets.
    """
    return np.asarray((_hashes(texts) % np.uint64(count)).astype(np.uint16))


def buckets_of_keys(keys: pa.DictionaryArray, count: int) -> Buckets:
    """Return the bucket of each row; rows without a key, which belong to none, go to all in turn.

    Args:
        keys: Dictionary-encoded strings.
        count: Number of buckets.
    """
    of_names = buckets_of_texts(keys.dictionary, count)
    if not keys.null_count:
        return np.asarray(of_names[np.asarray(keys.indices)])
    codes = keys.indices.fill_null(0).to_numpy()
    in_turn = (np.arange(len(keys)) % count).astype(np.uint16)
    if not len(of_names):
        return in_turn
    is_null: Any = keys.is_null().to_numpy(zero_copy_only=False)
    return np.where(is_null, in_turn, of_names[codes])


def _hashes(texts: pa.Array) -> NDArray[np.uint64]:
    _, offsets, data = texts.buffers()
    if not len(texts):
        return np.empty(0, np.uint64)
    ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    held = np.frombuffer(data or b" ", np.uint8)
    hashed = hashes_of_texts(held, ends.astype(np.int64), np.uint64(SPARK_SEED))
    return np.asarray(hashed, np.uint64)
