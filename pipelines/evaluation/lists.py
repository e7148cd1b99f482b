"""What a space and the baselines recommend to a batch of users whose held-out items are known."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.arrays.matrices import Floats, Indices, as_matrix
from pipelines.arrays.ragged import Ragged, as_ragged
from pipelines.ranking.keyed_vectors import KeyedVectors
from pipelines.ranking.top_k import top_k

SPACE, POPULARITY, ITEM_KNN, SAMPLED = "", "popularity_", "item_knn_", "sampled_"
KNN_COLUMN = "item_knn"


@dataclass(frozen=True)
class Asked:
    """A batch of users: items as rows of the catalogue, -1 where it has them not."""

    catalogue: KeyedVectors
    user_ids: Indices
    queries: Floats
    has_vector: NDArray[np.bool_]
    held_out: Ragged
    seen: Ragged
    item_knn: Ragged | None

    @property
    def held_out_counts(self) -> Indices:
        """Return the held-out items of each user, those without a vector among them."""
        return self.held_out.counts

    @classmethod
    def of(cls, batch: pa.RecordBatch, catalogue: KeyedVectors) -> "Asked":
        """Read a batch of `held_out_users`."""
        vectors = batch.column("vector")
        has_vector = vectors.is_valid().to_numpy(zero_copy_only=False)
        queries = np.zeros((batch.num_rows, catalogue.matrix.shape[1]), dtype=np.float32)
        queries[has_vector] = as_matrix(vectors.drop_null(), dimension=queries.shape[1])
        found = {
            name: catalogue.positions(as_ragged(batch.column(name)))
            for name in ("held_out", "seen", KNN_COLUMN)
            if name in batch.schema.names
        }
        ids: Any = batch.column("user_id")
        return cls(
            catalogue, ids.to_numpy().astype(np.int64), queries, has_vector, found["held_out"],
            found["seen"], found.get(KNN_COLUMN),
        )  # fmt: skip


@dataclass(frozen=True)
class Judging:
    """What is recommended.

    Args:
        k: Items per user.
        sampled_items: Unseen items drawn per user, among which the held-out ones are ranked too;
            0 for none. Such measures order models otherwise than the full catalogue does
            (Krichene and Rendle 2020), so they bear a name of their own.
        seed: Seed of what is drawn.
    """

    k: int
    sampled_items: int
    seed: int

    def models(self, columns: Sequence[str]) -> list[str]:
        """Return the prefixes of all metrics, given the columns of the users' frame."""
        more = [ITEM_KNN] if KNN_COLUMN in columns else []
        return [SPACE, POPULARITY, *more, *([SAMPLED] if self.sampled_items else [])]

    def recommend(self, model: str, asked: Asked, popularity: Floats) -> Indices:
        """Return the rows of the catalogue that a model recommends, `(n, k)`, -1 for none."""
        if model == ITEM_KNN and asked.item_knn is not None:
            return _padded(asked.item_knn, self.k)
        if model == SAMPLED:
            return self._sampled(asked)
        if model == POPULARITY:
            ones = np.ones((len(asked.queries), 1), dtype=np.float32)
            return top_k(ones, popularity[:, None], k=self.k, masked=asked.seen)[0]
        own, _ = top_k(asked.queries, asked.catalogue.panels, k=self.k, masked=asked.seen)
        own[~asked.has_vector] = -1
        return own

    def _sampled(self, asked: Asked) -> Indices:
        """Rank each user's held-out items among some that are drawn evenly from the unseen ones."""
        ranked = np.full((len(asked.queries), self.k), -1, np.int64)
        for n in np.flatnonzero(asked.has_vector).tolist():
            own, seen = (lists.part(n, n + 1).values for lists in (asked.held_out, asked.seen))
            rng = np.random.default_rng([self.seed, asked.user_ids[n]])
            every = np.arange(len(asked.catalogue.ids))
            unseen = np.setdiff1d(every, np.concatenate([own, seen]))
            drawn = rng.choice(unseen, min(self.sampled_items, unseen.size), replace=False)
            rows = np.concatenate([own[own >= 0], drawn])
            scores = asked.catalogue.matrix[rows] @ asked.queries[n]
            best = rows[np.lexsort((rows, -scores))][: self.k]
            ranked[n, : best.size] = best
        return ranked


def _padded(lists: Ragged, k: int) -> Indices:
    """Return lists of known items as a matrix, -1 where they end."""
    padded = np.full((len(lists.counts), k), -1, np.int64)
    for n in range(len(padded)):
        own = lists.part(n, n + 1).values
        own = own[own >= 0][:k]
        padded[n, : own.size] = own
    return padded
