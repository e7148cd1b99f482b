# mypy: ignore-errors
"""Values gathered by their owners (numba): one pass counts, one puts each in its place."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def grouped(owners, values, size):
    """Return `offsets (size + 1,)` and the values of owners 0 to size - 1, each's in their order.

    Args:
        owners: int32 or int64, `(n,)`; those below zero, and from size on, own nothing.
        values: `(n,)`.
        size: Owners.
    """
    offsets = np.zeros(size + 1, np.int64)
    for owner in owners:
        if 0 <= owner < size:
            offsets[owner + 1] += 1
    for owner in range(size):
        offsets[owner + 1] += offsets[owner]
    found, places = np.empty(offsets[size], values.dtype), offsets[:-1].copy()
    for n in range(owners.size):
        owner = owners[n]
        if 0 <= owner < size:
            found[places[owner]] = values[n]
            places[owner] += 1
    return offsets, found
