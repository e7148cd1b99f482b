"""Opposite rows of a row's cells, copied end to end (numba)."""

from pipelines.als.kernels.arrays import Columns, Floats
from pipelines.kernels.compiling import compiled
from pipelines.kernels.prefetch import prefetch_to_read

_AHEAD = 6  # cells between the one that is copied and the one that is prefetched


@compiled(nogil=True, fastmath=True, error_model="numpy", forceinline=True)
def gather(opposite: Floats, columns: Columns, B: Floats) -> None:
    """Copy the opposite rows of some cells to the rows of B."""
    for j in range(min(_AHEAD, columns.size)):
        prefetch_to_read(opposite, columns[j])
    for j in range(columns.size):
        if j + _AHEAD < columns.size:
            prefetch_to_read(opposite, columns[j + _AHEAD])
        row = opposite[columns[j]]
        for k in range(row.size):
            B[j, k] = row[k]
