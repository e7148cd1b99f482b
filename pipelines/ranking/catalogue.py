"""The vectors of one side, mostly items, as one block of arrays that every task has."""

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

_MEGABYTE = 1 << 20
_NONE = (
    "no {entity} is left: the space has no vectors of entity {entity!r}, or those chosen are "
    "retired; name one of users and items, or other keys"
)


@dataclass(frozen=True)
class Catalogue:
    """One side in the order of its keys: `ids (m,)`, -1 where none, `keys`, `matrix (m, d)`.

    Of the matrix's components the last `extra` are no vector's, and 1 in every query.
    """

    ids: Indices
    keys: Any
    matrix: Floats
    is_normalised: bool
    extra: int = 0

    @cached_property
    def panels(self) -> Panels:
        """Return the matrix as `top_k` multiplies it, made once."""
        return Panels.of(self.matrix)

    @cached_property
    def _rows(self) -> Indices:
        """Return the row of each id, -1 where it has none, and behind the last id."""
        rows = np.full(max(self.ids.max(initial=-1), -1) + 2, -1)
        rows[self.ids] = np.arange(len(self.ids))  # those without an id are overwritten
        rows[-1] = -1
        return rows

    def positions(self, items: Ragged) -> Ragged:
        """Return lists of item ids as lists of rows of the matrix, -1 where an item has none."""
        rows = self._rows
        known = np.where((items.values >= 0) & (items.values < len(rows)), items.values, -1)
        return Ragged(items.offsets, rows[known])

    def totals(self, ids: Indices, counts: Indices) -> Floats:
        """Return the count of each row, `(m,)`, from those of some ids; 0 where there is none."""
        rows = self.positions(Ragged(np.array([0, len(ids)]), ids)).values
        total = np.zeros(len(self.ids), dtype=np.float32)
        total[rows[rows >= 0]] = counts[rows >= 0]
        return total


def collect_catalogue(
    vectors: DataFrame,
    ids: DataFrame,
    *,
    is_normalised: bool,
    max_megabytes: int,
    entity: str = "item",
    setting: str = "max_catalogue_megabytes",
) -> Catalogue:
    """Collect the vectors of one side of one space.

    This is the one table that passes through the driver: each task needs every item, and one copy
    per executor is what an exact search costs least; the size is checked before.

    Args:
        vectors: Vectors of one space.
        ids: `key, id`, dense ids; and `is_retired` where retired ones are to be left out.
        is_normalised: Whether to bring vectors to length one, for cosines.
        max_megabytes: Largest matrix collected, in MiB.
        entity: The side.
        setting: Where `max_megabytes` is configured, for the message.

    Raises:
        InputError: The side has no vectors, or more than fit.
    """
    side = vectors.where(F.col("entity") == entity)
    _check_size(side, entity, max_megabytes, setting)
    items = side.join(ids, "key", "left")
    if "is_retired" in ids.columns:
        items = items.where(~F.coalesce("is_retired", F.lit(False)))
    table = items.select("key", F.coalesce("id", F.lit(-1)).alias("id"), "vector").toArrow()
    return in_order(table, entity=entity, is_normalised=is_normalised)


def in_order(table: pa.Table, *, entity: str, is_normalised: bool) -> Catalogue:
    """Return one side's vectors, `key, id, vector`, in the order of their keys.

    Raises:
        InputError: There are none.
    """
    if not table.num_rows:
        raise InputError(_NONE.format(entity=entity))
    table = table.sort_by("key")
    matrix = as_matrix(table["vector"])
    return Catalogue(
        table["id"].to_numpy().astype(np.int64), table["key"].combine_chunks(),
        normalised(matrix) if is_normalised else matrix, is_normalised,
    )  # fmt: skip


def _check_size(side: DataFrame, entity: str, most: int, setting: str) -> None:
    """Refuse what does not fit, retired ones among it: they are told apart only by a join."""
    row = side.agg(F.count(F.lit(1)).alias("rows"), F.max(F.size("vector")).alias("width")).first()
    if row is None or not row["rows"]:
        raise InputError(_NONE.format(entity=entity))
    require_size(row["rows"], row["width"], most, entity=entity, setting=setting)


def require_size(rows: int, width: int, most: int, *, entity: str, setting: str) -> None:
    """Refuse a matrix of one side's vectors that is larger than so many MiB.

    Raises:
        InputError: It is; the setting is named.
    """
    megabytes = rows * width * 4 / _MEGABYTE
    if megabytes > most:
        raise InputError(
            f"{rows:,} {entity}s need {megabytes:,.0f} MiB in each executor, more "
            f"than {setting}: {most}; raise it, or export the vectors to a search index"
        )


def train_counts(interactions: DataFrame, catalogue: Catalogue) -> Floats:
    """Return how many users have each item of the catalogue in train, shape `(m,)`.

    One number per item reaches the driver, where the catalogue already is.
    """
    counted = interactions.where(F.col("split") == "train").groupBy("item_id").count().toArrow()
    ids = counted["item_id"].to_numpy().astype(np.int64)
    return catalogue.totals(ids, counted["count"].to_numpy())


def items_by_user(interactions: DataFrame, *, name: str) -> DataFrame:
    """Return one row per user: `user_id` and the list of their item ids under a name."""
    return interactions.groupBy("user_id").agg(F.collect_list("item_id").alias(name))
