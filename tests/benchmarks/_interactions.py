"""Generated implicit feedback for benchmarks: heavy tails on both sides, planted tastes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import scipy.sparse as sp

from pipelines import tables
from schemas import INTERACTIONS, ITEM_IDS, USER_IDS

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_GROUPS = 50


@dataclass
class Shape:
    """How large, and how skewed."""

    pairs: int = 4_000_000
    users: int = 60_000
    items: int = 15_000
    first_user_share: float = 0.0
    first_item_share: float = 0.0


def generate(shape: Shape, seed: int = 1) -> sp.csr_matrix:
    """Return weights from 1 to 5, users by items; half of the pairs are of the user's own group.

    Both sides' frequencies fall by a power of the rank, as those of shops and music services do;
    a share of all pairs may be of one user or item besides.
    """
    rng, found = np.random.default_rng(seed), np.empty(0, np.int64)
    chances = [1 / np.arange(1, n + 1) ** a for n, a in ((shape.users, 0.6), (shape.items, 0.8))]
    edges = [np.cumsum(c / c.sum()) for c in chances]
    user_of, item_of = rng.permutation(shape.users), rng.permutation(shape.items)
    while found.size < shape.pairs:
        users, items = (np.searchsorted(e, rng.random(shape.pairs // 2)) for e in edges)
        is_own = rng.random(users.size) < 0.5
        items[is_own] += (users[is_own] - items[is_own]) % _GROUPS
        users = np.minimum(users, shape.users - 1)
        items = np.minimum(items, shape.items - 1)
        found = np.unique(np.r_[found, users.astype(np.int64) * shape.items + items])
    extra = [
        rng.choice(shape.items, int(shape.first_user_share * shape.pairs), replace=False),
        rng.choice(shape.users, int(shape.first_item_share * shape.pairs), replace=False)
        * np.int64(shape.items),
    ]
    room = shape.pairs - sum(e.size for e in extra)
    found = np.unique(np.concatenate([rng.choice(found, room, replace=False), *extra]))
    users, items = user_of[found // shape.items], item_of[found % shape.items]
    weights = rng.integers(1, 6, found.size).astype(np.float32)
    made = sp.csr_matrix((weights, (users, items)), shape=(shape.users, shape.items))
    made.sort_indices()
    return made


def write_tables(spark: Any, matrix: sp.csr_matrix, folder: Path) -> None:
    """Write the pairs as `interactions` of the split train, and ids of both sides (Delta)."""
    pairs = matrix.tocoo()
    splits = np.repeat("train", pairs.nnz)
    write_pairs(spark, (pairs.row, pairs.col, pairs.data, splits), folder)


def write_pairs(
    spark: Any, pairs: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray], folder: Path
) -> None:
    """Write users, items, weights and splits as `interactions`, and ids of both sides (Delta)."""
    users, items, weights, splits = pairs
    moment = pa.array([NOON], pa.timestamp("us", "UTC"))
    moments = moment.take(pa.array(np.zeros(users.size, np.int32)))
    columns = {
        "user_id": pa.array(users, pa.int32()),
        "item_id": pa.array(items, pa.int32()),
        "weight": pa.array(weights),
        "count": pa.array(np.ones(users.size, np.int64)),
        "first_time": moments,
        "last_time": moments,
        "split": pa.array(splits.tolist()),
    }
    _write(spark, INTERACTIONS, pa.table(columns), folder)
    for table, size in ((USER_IDS, users.max() + 1), (ITEM_IDS, items.max() + 1)):
        keys = pa.array([f"{table.name[0]}{n}" for n in range(size)])
        ids = {
            "id": pa.array(np.arange(size), pa.int32()),
            "key": keys,
            "count": pa.array(np.ones(size, np.int64)),
            "is_retired": pa.array([False] * size),
        }
        _write(spark, table, pa.table(ids), folder)


def _write(spark: Any, table: Any, content: pa.Table, folder: Path) -> None:
    file = folder / f"{table.name}.parquet"
    pq.write_table(content, file)
    frame = spark.read.parquet(str(file)).select(
        [spark_column.name for spark_column in table.schema().fields]
    )
    tables.write(frame, table, str(folder / table.name), format="delta", part={}, metadata={})
