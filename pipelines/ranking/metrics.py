"""Ranking metrics on arrays: how many held-out items recommended lists hit, and how early."""

import numpy as np
from numpy.typing import NDArray

from pipelines.arrays.matrices import Indices
from pipelines.arrays.ragged import Ragged

Values = NDArray[np.float64]

METRICS = ("recall", "truncated_recall", "ndcg", "map", "hit_rate", "mrr")


def find_hits(recommended: Indices, held_out: Ragged) -> NDArray[np.bool_]:
    """Return which recommended items are held-out items of their user, `(n, k)`.

    Args:
        recommended: Item indices of shape `(n, k)`, best first; -1 where there is none.
        held_out: Held-out item indices of each of the `n` users; -1 is never hit.
    """
    width = int(max(recommended.max(initial=-1), held_out.values.max(initial=-1))) + 1
    is_known = held_out.values >= 0
    wanted = held_out.rows[is_known] * width + held_out.values[is_known]
    shown = np.arange(len(recommended))[:, None] * width + recommended
    hits: NDArray[np.bool_] = np.isin(shown, wanted) & (recommended >= 0)
    return hits


def measure_ranking(hits: NDArray[np.bool_], held_out_counts: Indices) -> dict[str, Values]:
    """Return each metric of each user, by name; a user without recommendations has zeros.

    `recall` divides the hits by the held-out items, `truncated_recall` by those that fit into k
    (so that one is reachable), `ndcg` has binary gains, `map` is the mean over reachable items of
    the precision at each hit, `mrr` is 1 / place of the first hit.

    Args:
        hits: Shape `(n, k)`, best recommendation first.
        held_out_counts: Held-out items of each user, at least one.
    """
    k = hits.shape[1]
    counts = np.count_nonzero(hits, axis=1)
    reachable = np.minimum(held_out_counts, k)
    discounts = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.cumsum(discounts)[reachable - 1]
    first = np.where(counts > 0, hits.argmax(axis=1), -1)
    return {
        "recall": counts / held_out_counts,
        "truncated_recall": counts / reachable,
        "ndcg": (hits * discounts).sum(axis=1) / ideal,
        "map": (hits * np.cumsum(hits, axis=1) / np.arange(1, k + 1)).sum(axis=1) / reachable,
        "hit_rate": (counts > 0).astype(np.float64),
        "mrr": np.where(first >= 0, 1 / (first + 1.0 + (first < 0)), 0.0),
    }
