"""Non-negative least squares of one row by coordinate descent (numba, float32)."""

import numpy as np

from pipelines.als.kernels.arrays import Floats
from pipelines.kernels.compiling import compiled


@compiled(nogil=True, fastmath=True, error_model="numpy", forceinline=True)
def coordinate_descent(
    A: Floats, b: Floats, x: Floats, free: int, tolerance: np.float32, most: int
) -> float:
    """Minimise with x not negative, except for its last `free` components (Franc et al. 2005).

    A pass sets each x[i] to max(0, x[i] + (b - Ax)[i] / A[i, i]), without the max for free ones.
    Passes end when none moved by more than `tolerance` times the largest, or after `most` passes.
    Returns x'Ax - 2b'x.
    """
    d = x.size
    for _ in range(most):
        moved, largest = np.float32(0), np.float32(0)
        for i in range(d):
            gradient = b[i]
            row = A[i]
            for k in range(d):
                gradient -= row[k] * x[k]
            new = x[i] + gradient / row[i]
            if i < d - free:
                new = max(new, np.float32(0))
            moved = max(moved, abs(new - x[i]))
            largest = max(largest, abs(new))
            x[i] = new
        if moved <= tolerance * largest:
            break
    value = 0.0
    for i in range(d):
        product = 0.0
        for k in range(d):
            product += np.float64(A[i, k]) * np.float64(x[k])
        value += x[i] * (product - 2.0 * b[i])
    return value
