"""Recommendations of a space and of baselines to a batch of users with known held-out items."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.arrays.matrices import Floats, Indices, as_matrix
from pipelines.arrays.ragged import Ragged, as_ragged
from pipelines.ranking.keyed_vectors import KeyedVectors
from pipelines.ranking.top_k import top_k


class Ranker(StrEnum):
    """What ranks the items: the evaluated space, or a baseline."""

    SPACE = "space"
    """Scores of the space's vectors, over the full catalogue."""
    POPULARITY = "popularity"
    """Number of the item's users in train, the same for all users."""
    ITEM_KNN = "item_knn"
    """Similarity to the user's items in train."""
    SAMPLED = "sampled"
    """Scores of the space's vectors, among held-out and sampled items only."""

    def named(self, metric: str) -> str:
        """Return the name of a metric of this ranker; the space's own names have no prefix."""
        return metric if self is Ranker.SPACE else f"{self.value}_{metric}"


@dataclass(frozen=True)
class UserBatch:
    """A batch of `n` users; items are rows of the catalogue, -1 for items it lacks.

    Args:
        catalogue: Vectors of all items that can be recommended.
        user_ids: Shape `(n,)`.
        queries: User vectors, `(n, d)`; zeros where there is none.
        has_vector: Shape `(n,)`.
        held_out: Items of each user in the split that is evaluated.
        seen: Items of each user in train; they are not recommended.
        item_knn: Items that the item-KNN baseline recommends; None without that baseline.
    """

    catalogue: KeyedVectors
    user_ids: Indices
    queries: Floats
    has_vector: NDArray[np.bool_]
    held_out: Ragged
    seen: Ragged
    item_knn: Ragged | None

    @classmethod
    def of(cls, batch: pa.RecordBatch, catalogue: KeyedVectors) -> "UserBatch":
        """Read a batch of `held_out_users`."""
        vectors = batch.column("vector")
        has_vector = vectors.is_valid().to_numpy(zero_copy_only=False)
        queries = np.zeros((batch.num_rows, catalogue.matrix.shape[1]), dtype=np.float32)
        queries[has_vector] = as_matrix(vectors.drop_null(), dimension=queries.shape[1])
        lists = {
            name: catalogue.positions(as_ragged(batch.column(name)))
            for name in ("held_out", "seen", Ranker.ITEM_KNN.value)
            if name in batch.schema.names
        }
        ids: Any = batch.column("user_id")
        return cls(
            catalogue=catalogue,
            user_ids=ids.to_numpy().astype(np.int64),
            queries=queries,
            has_vector=has_vector,
            held_out=lists["held_out"],
            seen=lists["seen"],
            item_knn=lists.get(Ranker.ITEM_KNN.value),
        )


@dataclass(frozen=True)
class RankingTask:
    """Rankers, and the numbers of items that they rank for each user.

    Args:
        rankers: The space and its baselines.
        k: Items recommended per user.
        sampled_items: Unseen items drawn per user for `Ranker.SAMPLED`. Metrics over a sample may
            order models differently than those over the full catalogue (Krichene and Rendle 2020).
        seed: Seed of the sample.
    """

    rankers: Sequence[Ranker]
    k: int
    sampled_items: int
    seed: int

    def recommend(self, ranker: Ranker, users: UserBatch, popularity: Floats) -> Indices:
        """Return the catalogue rows recommended to each user, `(n, k)`, -1 for none."""
        if ranker is Ranker.ITEM_KNN and users.item_knn is not None:
            return _padded(users.item_knn, self.k)
        if ranker is Ranker.SAMPLED:
            return self._rank_sample(users)
        if ranker is Ranker.POPULARITY:
            ones = np.ones((len(users.queries), 1), dtype=np.float32)
            return top_k(ones, popularity[:, None], k=self.k, masked=users.seen)[0]
        best, _ = top_k(users.queries, users.catalogue.panels, k=self.k, masked=users.seen)
        best[~users.has_vector] = -1
        return best

    def _rank_sample(self, users: UserBatch) -> Indices:
        """Rank each user's held-out items among unseen items drawn uniformly."""
        ranked = np.full((len(users.queries), self.k), -1, np.int64)
        for n in np.flatnonzero(users.has_vector).tolist():
            own, seen = (lists.part(n, n + 1).values for lists in (users.held_out, users.seen))
            rng = np.random.default_rng([self.seed, users.user_ids[n]])
            every = np.arange(len(users.catalogue.ids))
            unseen = np.setdiff1d(every, np.concatenate([own, seen]))
            drawn = rng.choice(unseen, min(self.sampled_items, unseen.size), replace=False)
            rows = np.concatenate([own[own >= 0], drawn])
            scores = users.catalogue.matrix[rows] @ users.queries[n]
            best = rows[np.lexsort((rows, -scores))][: self.k]
            ranked[n, : best.size] = best
        return ranked


def _padded(lists: Ragged, k: int) -> Indices:
    """Return the first k known items of each list, `(n, k)`, padded with -1."""
    padded = np.full((len(lists.counts), k), -1, np.int64)
    for n in range(len(padded)):
        own = lists.part(n, n + 1).values
        own = own[own >= 0][:k]
        padded[n, : own.size] = own
    return padded
