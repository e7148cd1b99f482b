"""Columns of one value, which batches share: making them anew costs as much as a column read."""

from functools import lru_cache

import pyarrow as pa


def repeated(value: str | None, count: int, kind: pa.DataType | None = None) -> pa.Array:
    """Return an array that has a value, or null, so many times; of strings unless told."""
    return _repeated(value, kind or pa.string(), 1 << count.bit_length()).slice(0, count)


@lru_cache(maxsize=16)
def _repeated(value: str | None, kind: pa.DataType, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, kind), count)
