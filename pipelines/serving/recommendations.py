"""Recommendations for users: blocks of them pass through tasks that each hold all items."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, PandasCogroupedOps, SparkSession
from pyspark.sql import functions as F

from pipelines.arrays.matrices import Floats, as_matrix, normalised
from pipelines.arrays.ragged import Ragged
from pipelines.errors import InputError
from pipelines.ranking.catalogue import Catalogue
from pipelines.ranking.top_k import top_k
from pipelines.serving.neighbours import near_keys
from pipelines.serving.seen import seen_items
from pipelines.storage.pieces import Pieces

NO_ITEM_LEFT = (
    "no item is left to recommend: candidate_items and excluded_items leave none that has a vector"
)


def choose_users(vectors: DataFrame, asked: Sequence[str]) -> tuple[DataFrame, list[str]]:
    """Return the vectors of the users asked for, all where none is named, and the unknown keys.

    Args:
        vectors: Vectors of one space.
        asked: Keys of users, as many as the configuration lists.

    Raises:
        InputError: None of them has a vector; the nearest spellings are named.
    """
    users = vectors.where(F.col("entity") == "user")
    if not asked:
        return users, []
    chosen = users.where(F.col("key").isin(list(asked)))
    known = {row["key"] for row in chosen.select("key").collect()}
    if not known:
        near = ", ".join(near_keys(users, asked[0])) or "none"
        raise InputError(
            f"no user of these has a vector: {', '.join(asked[:10])}; "
            f"nearest to {asked[0]!r}: {near}"
        )
    return chosen, [key for key in dict.fromkeys(asked) if key not in known]


def discounted(catalogue: Catalogue, counts: Floats, strength: float) -> Catalogue:
    """Return a catalogue of one more component, by which popularity takes from a score.

    A query's is 1, an item's is less the strength times the logarithm of its training users.
    """
    taken = np.asarray(strength * np.log(np.maximum(counts, 1)), np.float32)
    return replace(catalogue, matrix=np.column_stack([catalogue.matrix, -taken]), extra=1)


def choose_items(vectors: DataFrame, *, only: Sequence[str], without: Sequence[str]) -> DataFrame:
    """Return the vectors of the items that may be recommended.

    Args:
        vectors: Vectors of one space.
        only: Keys of the items that may be recommended; all where none is named.
        without: Keys of items that may not.

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


def recommend(
    users: PandasCogroupedOps, catalogue: Catalogue, spark: SparkSession, *, k: int
) -> Pieces:
    """Return the best unseen items of each user, exactly, over the full catalogue.

    Args:
        users: Blocks of `seen.beside_seen`.
        catalogue: All items, broadcast here: one copy per executor costs less than shuffling k
            candidates per user and block of items. Normalised ones give cosines.
        spark: Session.
        k: Items per user.

    Returns:
        Rows of `recommendations`, in blocks; a user with no unseen item has an empty list.
    """
    shared = spark.sparkContext.broadcast(catalogue)

    def apply(then: Callable[[pa.Table], pa.Table], schema: str) -> DataFrame:
        def best(block: pa.Table, pairs: pa.Table) -> pa.Table:
            seen = shared.value.positions(seen_items(block, pairs))
            return then(best_items(block, seen, shared.value, k))

        return users.applyInArrow(best, schema)

    return Pieces(apply)


def best_items(users: pa.Table, seen: Ragged, catalogue: Catalogue, k: int) -> pa.Table:
    """Return rows of `recommendations` of a block of users: `space_id, user, items`.

    Args:
        users: `space_id, key, vector`.
        seen: The rows of the catalogue that each user must not get; -1 is none.
        catalogue: All items.
        k: Items per user.
    """
    extra = catalogue.extra
    matrix = as_matrix(users["vector"], dimension=catalogue.matrix.shape[1] - extra)
    queries = normalised(matrix) if catalogue.is_normalised else matrix
    queries = np.hstack([queries, np.ones((len(queries), extra), np.float32)])
    rows, scores = top_k(queries, catalogue.panels, k=k, masked=seen)
    is_item = rows >= 0
    offsets = np.concatenate([[0], np.cumsum(np.count_nonzero(is_item, axis=1))])
    keys = pa.DictionaryArray.from_arrays(rows[is_item].astype(np.int32), catalogue.keys)
    scored = pa.StructArray.from_arrays([keys, pa.array(scores[is_item])], ["key", "score"])
    lists = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), scored)
    return pa.table({"space_id": users["space_id"], "user": users["key"], "items": lists})


def say_recommendations(
    recommendations: DataFrame, asked: Sequence[str], unknown: Sequence[str], *, shown: int
) -> tuple[str | None, list[str]]:
    """Return the space, None where there is no row, and lines of the first few users.

    They come in the order asked, else by key.
    """
    keys = recommendations.select("user", "space_id")  # sorted alone: lists are far larger
    first = keys.orderBy("user").head(max(shown, 1))
    wanted = [key for key in dict.fromkeys(asked) if key not in set(unknown)]
    names = (wanted or [row["user"] for row in first])[:shown]
    rows = recommendations.where(F.col("user").isin(names)).collect()  # `shown` users at most
    lines = {
        row["user"]: f"for {row['user']}: "
        f"{', '.join(item['key'] for item in row['items']) or 'nothing'}"
        for row in rows
    }
    told = [lines[key] for key in names if key in lines]
    told += [f"unknown user: {', '.join(unknown)}"] if unknown else []
    return first[0]["space_id"] if first else None, told
