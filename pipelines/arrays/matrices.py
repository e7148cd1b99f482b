"""Matrices of vectors, and their conversion from and to Arrow columns of lists."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.arrays.offsets import offsets_of
from pipelines.errors import InputError

Floats = NDArray[np.float32]
"""Vectors and scores."""
Indices = NDArray[np.int64]
"""Ids, row numbers, offsets and counts."""


def as_matrix(column: Any, *, dimension: int | None = None) -> Floats:
    """Return an Arrow column of vectors as a float32 matrix `(rows, dimension)`.

    Args:
        column: Array or chunked array of lists of floats without nulls.
        dimension: Components each vector must have; None takes those of the first.

    Raises:
        InputError: A vector has another number of components.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    lengths = pc.list_value_length(column).to_numpy(zero_copy_only=False)
    expected = dimension if dimension is not None else int(lengths[0]) if len(lengths) else 0
    wrong = lengths[lengths != expected]
    if len(wrong):
        raise InputError(
            f"a vector has {wrong[0]} components where {expected} were expected; "
            "the table mixes spaces or is broken"
        )
    flat: Floats = column.flatten().to_numpy(zero_copy_only=False).astype(np.float32, copy=False)
    return flat.reshape(len(column), expected)


def as_lists(matrix: NDArray[Any], *, is_null: NDArray[np.bool_] | None = None) -> Any:
    """Return the rows of a matrix as an Arrow column of lists, null where `is_null`."""
    if is_null is None:
        is_null = np.zeros(len(matrix), np.bool_)
    lengths = np.where(is_null, 0, matrix.shape[1])
    offsets = pa.array(offsets_of(lengths), pa.int32())
    values = pa.array(matrix[~is_null].ravel())
    return pa.ListArray.from_arrays(offsets, values, mask=pa.array(is_null))


def normalised(matrix: Floats) -> Floats:
    """Return the rows scaled to Euclidean length 1; a row of zeros stays zero."""
    norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    unit: Floats = np.divide(matrix, norms, out=np.zeros_like(matrix), where=norms > 0)
    return unit
