"""The vectors of one side of a space (its items or its users), by key, as arrays in one process."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.arrays.matrices import Floats, Indices, as_matrix, normalised
from pipelines.arrays.ragged import Ragged
from pipelines.errors import InputError
from pipelines.ranking.top_k import Panels

_MEGABYTE = 1 << 20  # bytes
_NONE = (
    "no {entity} is left: the space has no vectors of entity {entity!r}, or those chosen are "
    "retired; name one of users and items, or other keys"
)


@dataclass(frozen=True)
class KeyedVectors:
    """Vectors of one side, sorted by key.

    Args:
        ids: Dense id of each row, `(m,)`; -1 where the key has none.
        keys: Key of each row, an Arrow array.
        matrix: A vector per row, float32, `(m, d)`.
        is_normalised: Whether the rows have length 1, so that products are cosines.
        has_offset: Whether the last column of `matrix` is a number that is added to each score of
            its row: score = query · row[:-1] + row[-1].
    """

    ids: Indices
    keys: Any
    matrix: Floats
    is_normalised: bool
    has_offset: bool = False

    @property
    def dimension(self) -> int:
        """Return the components of a vector, without the offset."""
        return int(self.matrix.shape[1]) - self.has_offset

    @cached_property
    def panels(self) -> Panels:
        """Return the matrix as `top_k` multiplies it, made once."""
        return Panels.of(self.matrix)

    @cached_property
    def _row_of_id(self) -> Indices:
        """Return the row of each id from 0 to the largest, -1 where there is none; then one -1."""
        rows = np.full(max(self.ids.max(initial=-1), -1) + 2, -1)
        rows[self.ids] = np.arange(len(self.ids))  # id -1 writes the last element
        rows[-1] = -1
        return rows

    def positions(self, items: Ragged) -> Ragged:
        """Return lists of ids as lists of rows of the matrix, -1 where an id has none."""
        rows = self._row_of_id
        known = np.where((items.values >= 0) & (items.values < len(rows)), items.values, -1)
        return Ragged(items.offsets, rows[known])

    def totals(self, ids: Indices, counts: Indices) -> Floats:
        """Return the count of each row, `(m,)`, given those of some ids; 0 for all other rows."""
        rows = self.positions(Ragged(np.array([0, len(ids)]), ids)).values
        total = np.zeros(len(self.ids), dtype=np.float32)
        total[rows[rows >= 0]] = counts[rows >= 0]
        return total


def collect_vectors(
    vectors: DataFrame,
    ids: DataFrame,
    *,
    is_normalised: bool,
    max_megabytes: int,
    entity: str = "item",
    setting: str = "max_catalogue_megabytes",
) -> KeyedVectors:
    """Collect the vectors of one side of one space on the driver.

    An exact search needs all items in each task. To send one copy to each executor costs less than
    to shuffle candidates; the size is checked before.

    Args:
        vectors: Vectors of one space.
        ids: `key, id`, dense ids; with `is_retired`, retired keys are left out.
        is_normalised: Whether to scale vectors to length 1, for cosines.
        max_megabytes: Largest matrix that may be collected, in MiB.
        entity: The side.
        setting: Name of the setting behind `max_megabytes`, for the message.

    Raises:
        InputError: The side has no vectors, or more than fit.
    """
    side = vectors.where(F.col("entity") == entity)
    _check_size(side, entity, max_megabytes, setting)
    items = side.join(ids, "key", "left")
    if "is_retired" in ids.columns:
        items = items.where(~F.coalesce("is_retired", F.lit(False)))
    table = items.select("key", F.coalesce("id", F.lit(-1)).alias("id"), "vector").toArrow()
    return by_key(table, entity=entity, is_normalised=is_normalised)


def by_key(table: pa.Table, *, entity: str, is_normalised: bool) -> KeyedVectors:
    """Return one side's vectors, `key, id, vector`, sorted by key.

    Raises:
        InputError: There are none.
    """
    if not table.num_rows:
        raise InputError(_NONE.format(entity=entity))
    table = table.sort_by("key")
    matrix = as_matrix(table["vector"])
    return KeyedVectors(
        ids=table["id"].to_numpy().astype(np.int64),
        keys=table["key"].combine_chunks(),
        matrix=normalised(matrix) if is_normalised else matrix,
        is_normalised=is_normalised,
    )


def _check_size(side: DataFrame, entity: str, most: int, setting: str) -> None:
    """Refuse a side that does not fit. Retired keys count: only a join would tell them."""
    row = side.agg(F.count(F.lit(1)).alias("rows"), F.max(F.size("vector")).alias("width")).first()
    if row is None or not row["rows"]:
        raise InputError(_NONE.format(entity=entity))
    require_size(row["rows"], row["width"], most, entity=entity, setting=setting)


def require_size(rows: int, width: int, most: int, *, entity: str, setting: str) -> None:
    """Refuse a float32 matrix of `rows` by `width` that takes more than `most` MiB.

    Raises:
        InputError: It takes more; the setting is named.
    """
    megabytes = rows * width * 4 / _MEGABYTE
    if megabytes > most:
        raise InputError(
            f"{rows:,} {entity}s need {megabytes:,.0f} MiB in each executor, more "
            f"than {setting}: {most}; raise it, or export the vectors to a search index"
        )


def train_counts(interactions: DataFrame, items: KeyedVectors) -> Floats:
    """Return how many users have each item in the split `train`, shape `(m,)`.

    One number per item reaches the driver, which already holds the items' vectors.
    """
    counted = interactions.where(F.col("split") == "train").groupBy("item_id").count().toArrow()
    ids = counted["item_id"].to_numpy().astype(np.int64)
    return items.totals(ids, counted["count"].to_numpy())


def items_by_user(interactions: DataFrame, *, name: str) -> DataFrame:
    """Return one row per user: `user_id` and the list of the user's item ids, named `name`."""
    return interactions.groupBy("user_id").agg(F.collect_list("item_id").alias(name))
