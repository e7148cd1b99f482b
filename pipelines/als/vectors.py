"""Conversion of vectors by key to blocks of factors (initial vectors), and back (results)."""

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.als.fit import Fit
from pipelines.als.objective import Objective
from pipelines.als.sides import ENTITY, IDS, SIDES
from pipelines.als.stored_fit import (
    StoredFit,
    factors_kind,
    factors_row,
    gramian_row,
    known_factors,
)
from pipelines.als.sweep import gramian
from pipelines.arrays.matrices import as_lists
from pipelines.errors import InputError
from pipelines.training.stored_arrays import SCHEMA, rows


def named(factors: DataFrame, frames: Mapping[str, DataFrame], fit: Fit) -> DataFrame:
    """Return factors by key: `entity, key, vector, norm`; rows without cells are left out.

    With biases a user's vector is (factors, bias, 1) and an item's (factors, 1, bias): their inner
    product is the predicted rating minus the mean of all ratings.

    Args:
        factors: Rows of both sides' factors, as `stored_fit` stores them.
        frames: `user_ids` and `item_ids`.
        fit: Values that tasks are given.
    """
    sides = []
    for side in SIDES:
        vectors = factors.where(F.col("kind") == factors_kind(side)).mapInArrow(
            _unpacker(fit, side), "id int, vector array<float>, norm float"
        )
        keyed = vectors.join(frames[IDS[side]].select("id", "key"), "id", "left")
        entity, key = F.lit(ENTITY[side]).alias("entity"), known_key(IDS[side]).alias("key")
        sides.append(keyed.select(entity, key, "vector", "norm"))
    return sides[0].unionAll(sides[1])


def known_key(table: str) -> Column:
    """Return column `key`; a row without one fails the query with a message that names its id."""
    missing = F.concat(F.lit("id "), "id", F.lit(f" of inputs.interactions is not in {table}"))
    return F.coalesce("key", F.raise_error(missing))


def _unpacker(fit: Fit, side: str) -> Callable[..., Iterator[pa.RecordBatch]]:
    def unpack(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            numbers = batch.column(1).to_pylist()
            content = zip(numbers, batch.column(2), batch.column(3), strict=True)
            for number, first, second in content:
                has_cells, factors = known_factors(first, second, fit.dimension)
                ids = pa.array(fit.ids(side, number)[has_cells], pa.int32())
                yield vector_batch(ids, published_factors(factors, fit.objective, ENTITY[side]))

    return unpack


def vector_batch(ids: pa.Array, matrix: np.ndarray) -> pa.RecordBatch:
    """Return vectors `(n, d)` as columns `id, vector, norm`; norms are summed in float64."""
    norms = np.linalg.norm(matrix.astype(np.float64), axis=1)
    columns = [ids, as_lists(matrix), pa.array(norms, pa.float32())]
    return pa.RecordBatch.from_arrays(columns, names=["id", "vector", "norm"])


def published_factors(factors: np.ndarray, objective: Objective, entity: str) -> np.ndarray:
    """Return factors `(n, d)` as vectors are published, `(n, d + 1)` with biases: see `named`."""
    if not objective.has_biases:
        return factors
    ones = np.ones((len(factors), 1), np.float32)
    bias = factors[:, -1:]
    tail = (bias, ones) if entity == "user" else (ones, bias)
    return np.hstack([factors[:, :-1], *tail])


def solved_factors(vectors: np.ndarray, objective: Objective, entity: str) -> np.ndarray:
    """Return the factors of published vectors: the inverse of `published_factors`."""
    if not objective.has_biases:
        return vectors
    bias = vectors[:, -2:-1] if entity == "user" else vectors[:, -1:]
    return np.hstack([vectors[:, :-2], bias])


def initial(frames: Mapping[str, DataFrame], fit: Fit) -> DataFrame:
    """Return the initial round: vectors of an earlier space, and first factors for new keys.

    Args:
        frames: `user_ids`, `item_ids`, and `initial_vectors` of one space.
        fit: Values that tasks are given.

    Returns:
        Factors and Gramians of both sides, as rows of `stored_fit`.

    Raises:
        InputError: Vectors are of another rank, or no user has one.
    """
    _check(frames, fit)
    blocks = []
    for side in SIDES:
        earlier = frames["initial_vectors"].where(F.col("entity") == ENTITY[side])
        ids = frames[IDS[side]].select(F.col("id").cast("int").alias("id"), "key")
        known = ids.join(earlier.select("key", "vector"), "key", "inner").select(
            (F.col("id") % fit.blocks).alias("number"), "id", "vector"
        )
        empty = known.sparkSession.range(0, fit.blocks, 1, 1).select(
            F.col("id").cast("int").alias("number"),
            F.lit(None).cast("int").alias("id"),
            F.lit(None).cast("array<float>").alias("vector"),
        )
        placed = known.unionByName(empty).groupBy("number").applyInArrow(_placer(fit, side), SCHEMA)
        blocks.append(placed)
    return blocks[0].unionAll(blocks[1])


def _check(frames: Mapping[str, DataFrame], fit: Fit) -> None:
    users = frames["initial_vectors"].where(F.col("entity") == "user")
    known = users.join(frames["user_ids"].select("key"), "key", "left_semi")
    lowest, highest, count = known.agg(
        F.min(F.size("vector")), F.max(F.size("vector")), F.count(F.lit(1))
    ).collect()[0]
    if not count:
        raise InputError(
            "inputs.initial_vectors: no user of inputs.user_ids has a vector in that space; name a "
            "space of the same users"
        )
    if {lowest, highest} != {fit.rank + 2 * fit.objective.has_biases}:
        raise InputError(
            f"inputs.initial_vectors: vectors of {lowest} components, and this fit has "
            f"{fit.rank + 2 * fit.objective.has_biases}; set rank and objective to that space's"
        )


def _placer(fit: Fit, side: str) -> Callable[[pa.Table], pa.Table]:
    """Return the function that replaces first factors of one block by earlier vectors."""

    def place(group: pa.Table) -> pa.Table:
        number = group["number"][0].as_py()
        for _, cells in StoredFit(fit.folder).cells(side, range(number, number + 1)):
            factors = fit.first_block(side, number, cells.counts)
            _place(factors, group.filter(pc.is_valid(group["id"])), fit, side)
            factors[cells.counts == 0] = 0
            block = factors_row(side, number, factors, cells.counts)
            return rows([block, gramian_row(side, number, gramian(factors))])
        return rows([gramian_row(side, number, np.zeros((fit.dimension,) * 2))])

    return place


def _place(factors: np.ndarray, known: pa.Table, fit: Fit, side: str) -> None:
    """Set a block's factors, in place, to those of the earlier vectors of its rows."""
    if not known.num_rows:
        return
    places = known["id"].to_numpy() // fit.blocks
    flat = known["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    is_row = places < len(factors)
    vectors = flat.reshape(len(places), -1)[is_row]
    factors[places[is_row]] = solved_factors(vectors, fit.objective, ENTITY[side])
