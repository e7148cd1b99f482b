"""Columns in chunks, as Arrow's tables have them."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def taken(column: pa.ChunkedArray, rows: NDArray[np.integer[Any]]) -> pa.ChunkedArray:
    """Return some rows of a column, of each chunk a chunk.

    Arrow's own `take` joins the chunks first, and fails where 2 GiB of strings come together.

    Args:
        column: The column.
        rows: Places of the rows, which ascend.
    """
    parts, begin = [], 0
    for chunk in column.chunks:
        low, high = np.searchsorted(rows, (begin, begin + len(chunk)))
        if low < high:
            parts.append(chunk.take(pa.array(rows[low:high] - begin)))
        begin += len(chunk)
    return pa.chunked_array(parts, column.type)


def whole(column: pa.ChunkedArray) -> pa.Array:
    """Return a column as one array, whatever number of chunks it has."""
    joined = column.combine_chunks()
    if not isinstance(joined, pa.ChunkedArray):
        return joined
    return joined.chunk(0) if joined.num_chunks else pa.array([], joined.type)
