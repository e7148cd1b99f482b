"""Recommending in both layouts: choice of users and items, and the ranking of a block of users."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.arrays.matrices import Floats, as_matrix, normalised
from pipelines.arrays.offsets import offsets_of
from pipelines.arrays.ragged import Ragged
from pipelines.errors import InputError
from pipelines.ranking.keyed_vectors import KeyedVectors
from pipelines.ranking.top_k import top_k
from pipelines.serving.neighbours import near_keys

NO_ITEM_LEFT = (
    "no item is left to recommend: candidate_items and excluded_items leave none that has a vector"
)


def choose_users(vectors: DataFrame, keys: Sequence[str]) -> tuple[DataFrame, list[str]]:
    """Return the vectors of the users with these keys; of all users where there are no keys.

    Args:
        vectors: Vectors of one space.
        keys: Keys of users, as many as the configuration lists.

    Returns:
        The rows of `vectors`, and the keys without a vector.

    Raises:
        InputError: None of them has a vector; the message names the nearest spellings.
    """
    users = vectors.where(F.col("entity") == "user")
    if not keys:
        return users, []
    chosen = users.where(F.col("key").isin(list(keys)))
    known = {row["key"] for row in chosen.select("key").collect()}
    if not known:
        near = ", ".join(near_keys(users, keys[0])) or "none"
        raise InputError(
            f"no user of these has a vector: {', '.join(keys[:10])}; nearest to {keys[0]!r}: {near}"
        )
    return chosen, [key for key in dict.fromkeys(keys) if key not in known]


def choose_items(vectors: DataFrame, *, only: Sequence[str], without: Sequence[str]) -> DataFrame:
    """Return the vectors of the items that may be recommended.

    Args:
        vectors: Vectors of one space.
        only: Keys of the only items that may be recommended; empty means all.
        without: Keys of items that must not be recommended.

    Raises:
        InputError: No item is left.
    """
    kept = vectors.where(F.col("entity") == "item")
    if only:
        kept = kept.where(F.col("key").isin(list(only)))
    if without:
        kept = kept.where(~F.col("key").isin(list(without)))
    if (only or without) and kept.isEmpty():
        raise InputError(NO_ITEM_LEFT)
    return kept


def discounted(items: KeyedVectors, counts: Floats, strength: float) -> KeyedVectors:
    """Return the items with an offset that lowers each score by strength * log(count).

    Args:
        items: Items without an offset.
        counts: Training users of each item, `(m,)`; 0 counts as 1.
        strength: Setting `popularity_discount`.
    """
    discount = np.asarray(strength * np.log(np.maximum(counts, 1)), np.float32)
    return replace(items, matrix=np.column_stack([items.matrix, -discount]), has_offset=True)


def best_items(users: pa.Table, seen: Ragged, items: KeyedVectors, k: int) -> pa.Table:
    """Return rows of `recommendations`, `space_id, user, items`, of a block of users.

    Args:
        users: `space_id, key, vector`.
        seen: Per user the rows of `items` that must not be recommended; -1 is ignored.
        items: All items.
        k: Items per user.
    """
    matrix = as_matrix(users["vector"], dimension=items.dimension)
    queries = normalised(matrix) if items.is_normalised else matrix
    queries = np.hstack([queries, np.ones((len(queries), int(items.has_offset)), np.float32)])
    rows, scores = top_k(queries, items.panels, k=k, masked=seen)
    is_item = rows >= 0
    offsets = offsets_of(np.count_nonzero(is_item, axis=1))
    keys = pa.DictionaryArray.from_arrays(rows[is_item].astype(np.int32), items.keys)
    scored = pa.StructArray.from_arrays([keys, pa.array(scores[is_item])], ["key", "score"])
    lists = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), scored)
    return pa.table({"space_id": users["space_id"], "user": users["key"], "items": lists})


def summarise(
    recommendations: DataFrame, chosen: Sequence[str], unknown: Sequence[str], *, shown: int
) -> tuple[str | None, list[str]]:
    """Return the id of the space (None of an empty table), and a line for each of a few users.

    Args:
        recommendations: The table as it was written.
        chosen: Keys of users, in the order of the lines; empty means all, sorted by key.
        unknown: Those without a vector, which share one line.
        shown: Most users that get a line.
    """
    keys = recommendations.select("user", "space_id")  # sorted without the lists: far less data
    first = keys.orderBy("user").head(max(shown, 1))
    wanted = [key for key in dict.fromkeys(chosen) if key not in set(unknown)]
    names = (wanted or [row["user"] for row in first])[:shown]
    rows = recommendations.where(F.col("user").isin(names)).collect()  # at most `shown` users
    line_of = {
        row["user"]: f"for {row['user']}: "
        f"{', '.join(item['key'] for item in row['items']) or 'nothing'}"
        for row in rows
    }
    lines = [line_of[key] for key in names if key in line_of]
    lines += [f"unknown user: {', '.join(unknown)}"] if unknown else []
    return first[0]["space_id"] if first else None, lines
