# mypy: ignore-errors
"""Lists end to end (numba): values gathered by their owners, and lists in another order."""

import numpy as np

from pipelines.kernels.compiling import compiled


@compiled(nogil=True)
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


@compiled(nogil=True)
def taken(values, offsets, places):
    """Return offsets and values of the lists at some places, end to end; that of -1 is empty.

    Args:
        values: All lists, end to end.
        offsets: Where each begins, and the last ends.
        places: Lists that are taken, `(n,)`.
    """
    starts = np.zeros(places.size + 1, np.int64)
    for n in range(places.size):
        place = places[n]
        length = offsets[place + 1] - offsets[place] if place >= 0 else 0
        starts[n + 1] = starts[n] + length
    found = np.empty(starts[-1], values.dtype)
    for n in range(places.size):
        if places[n] >= 0:
            first = offsets[places[n]]
            for i in range(starts[n + 1] - starts[n]):
                found[starts[n] + i] = values[first + i]
    return starts, found
