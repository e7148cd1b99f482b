"""Intervals of means over users by a Poisson bootstrap (Chamandy et al. 2012).

In each resample a user counts Poisson(1) times. The count is a function of a hash of the user's id,
so tasks need not communicate.
"""

import numpy as np
from numpy.typing import NDArray

from pipelines.arrays.hashing import draws

RESAMPLES = 500  # bootstrap resamples
_EDGES = np.cumsum(np.exp(-1) / np.cumprod(np.r_[1.0, np.arange(1, 16)]))
"""Cumulative Poisson(1) probabilities of 0 to 15, e^-1 / n!."""
Values = NDArray[np.float64]


def resampled_sums(user_ids: NDArray[np.int64], values: Values, *, seed: int) -> Values:
    """Return the number of users and the sum of each metric, by resample.

    Args:
        user_ids: Shape `(n,)`.
        values: Metrics of each user, `(n, m)`.
        seed: Seed of the counts.

    Returns:
        Shape `(RESAMPLES, 1 + m)`; add these up over batches of users.
    """
    uniform = draws(user_ids, RESAMPLES, seed=seed).astype(np.float64) / 2.0**64
    times = np.searchsorted(_EDGES, uniform).astype(np.float64)
    return np.column_stack([times.sum(axis=0), times.T @ values])


def interval(sums: Values, metric: int, *, level: float = 0.95) -> tuple[float, float]:
    """Return the ends of the central interval of the resampled means of a metric.

    Args:
        sums: What `resampled_sums` returns, added up over batches.
        metric: Column of the metric among the values.
        level: Share of resamples within the interval.
    """
    counted = sums[sums[:, 0] > 0]
    means = counted[:, 1 + metric] / counted[:, 0]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
