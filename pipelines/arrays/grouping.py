"""Lists that lie end to end in one array (numba): grouping values by owner, and selecting lists."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.kernels.compiling import compiled


@compiled(nogil=True)
def grouped(
    owners: NDArray[Any], values: NDArray[Any], size: int
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Return the values grouped by owner, in their order: offsets `(size + 1,)`, then the values.

    Args:
        owners: Owner of each value, int32 or int64, `(n,)`; values of owners outside 0 to size - 1
            are left out.
        values: `(n,)`.
        size: Number of owners.
    """
    offsets = np.zeros(size + 1, np.int64)
    for owner in owners:
        if 0 <= owner < size:
            offsets[owner + 1] += 1
    for owner in range(size):
        offsets[owner + 1] += offsets[owner]
    result, places = np.empty(offsets[size], values.dtype), offsets[:-1].copy()
    for n in range(owners.size):
        owner = owners[n]
        if 0 <= owner < size:
            result[places[owner]] = values[n]
            places[owner] += 1
    return offsets, result


@compiled(nogil=True)
def taken(
    values: NDArray[Any], offsets: NDArray[np.int64], places: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Return offsets and values of the lists at some places; the list at -1 is empty.

    Args:
        values: All lists, end to end.
        offsets: Where each list begins, and the last ends.
        places: Numbers of the lists wanted, `(n,)`.
    """
    starts = np.zeros(places.size + 1, np.int64)
    for n in range(places.size):
        place = places[n]
        length = offsets[place + 1] - offsets[place] if place >= 0 else 0
        starts[n + 1] = starts[n] + length
    result = np.empty(starts[-1], values.dtype)
    for n in range(places.size):
        if places[n] >= 0:
            first = offsets[places[n]]
            for i in range(starts[n + 1] - starts[n]):
                result[starts[n] + i] = values[first + i]
    return starts, result
