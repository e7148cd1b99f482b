"""`implicit` as a peer, at our objective: its confidence is alpha * weight, ours one more.

Its data is therefore given as 1 + alpha * weight, with an alpha of 1.
"""

import statistics
import time
from typing import Any

import numpy as np
import scipy.sparse as sp
from _measuring import peer

NAME = peer("implicit")


def model(rank: int, **settings: Any) -> Any:
    """Return its trainer; only where it is installed."""
    import implicit

    return implicit.als.AlternatingLeastSquares(factors=rank, alpha=1.0, **settings)


def fit(
    matrix: sp.csr_matrix,
    first: tuple[np.ndarray, np.ndarray],
    *,
    alpha: float,
    reg: float,
    iterations: int,
    threads: int,
) -> tuple[float, np.ndarray, np.ndarray]:
    """Fit from given factors of users and items, items first as we do.

    Returns:
        Median seconds per iteration, and the factors of users and of items.
    """
    users, items = first
    trainer = model(users.shape[1], regularization=reg, iterations=iterations, num_threads=threads)
    trainer.user_factors, trainer.item_factors = items.copy(), users.copy()
    confidence = matrix.T.tocsr().astype(np.float32)
    confidence.data = 1 + np.float32(alpha) * confidence.data
    times = [time.perf_counter()]
    trainer.fit(
        confidence, show_progress=False, callback=lambda *_: times.append(time.perf_counter())
    )
    return float(statistics.median(np.diff(times))), trainer.item_factors, trainer.user_factors
