# mypy: ignore-errors
"""Pieces of text data, as lines are, to an Arrow array."""

from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.arrays.offsets import offsets_of
from pipelines.kernels.compiling import inner
from pipelines.kernels.marks import PADDING, copy_bytes


def gathered(data: Any, starts: Any, ends: Any) -> pa.Array:
    """Return pieces of some bytes as an array of strings, which is not checked to be UTF-8.

    Args:
        data: The bytes, uint8, and `marks.PADDING` more.
        starts: First byte of each piece, int64.
        ends: The byte after its last one, int64.
    """
    offsets = offsets_of(ends - starts).astype(np.int32)
    texts = pa.allocate_buffer(int(offsets[-1]) + PADDING)
    _copy(data, starts, offsets, np.frombuffer(texts, np.uint8))
    buffers = [None, pa.py_buffer(offsets), texts.slice(0, int(offsets[-1]))]
    return pa.Array.from_buffers(pa.string(), len(starts), buffers, null_count=0)


@inner
def _copy(data, starts, offsets, out):
    for piece in range(len(starts)):
        first = np.intp(offsets[piece])
        copy_bytes(out, first, data, starts[piece], offsets[piece + 1] - first)
