"""Intervals of means over users: each is counted again and again as often as chance has it.

A Poisson bootstrap (Chamandy et al. 2012): in each of many resamples a user counts Poisson(1)
times, drawn from the user's id, so that tasks need not know of each other.
"""

import numpy as np
from numpy.typing import NDArray

from pipelines.arrays.hashing import draws

RESAMPLES = 500
_EDGES = np.cumsum(np.exp(-1) / np.cumprod(np.r_[1.0, np.arange(1, 16)]))
Values = NDArray[np.float64]


def resampled_sums(user_ids: NDArray[np.int64], values: Values, *, seed: int) -> Values:
    """Return of each resample the number of users and the sum of each metric.

    Args:
        user_ids: Shape `(n,)`.
        values: Metrics of each user, `(n, m)`.
        seed: Seed.

    Returns:
        Shape `(RESAMPLES, 1 + m)`; sums over batches of users are sums of these.
    """
    uniform = draws(user_ids, RESAMPLES, seed=seed).astype(np.float64) / 2.0**64
    times = np.searchsorted(_EDGES, uniform).astype(np.float64)
    return np.column_stack([times.sum(axis=0), times.T @ values])


def interval(sums: Values, metric: int, *, level: float = 0.95) -> tuple[float, float]:
    """Return the ends of the interval that holds so much of the resampled means.

    Args:
        sums: Of `resampled_sums`, added up.
        metric: Column of the metric among the values.
        level: Share of resamples.
    """
    counted = sums[sums[:, 0] > 0]
    means = counted[:, 1 + metric] / counted[:, 0]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
