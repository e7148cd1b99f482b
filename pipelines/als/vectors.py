"""Between keys' vectors and blocks of factors: what a fit begins with, and what it ends in."""

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.als.cells.blocks import SIDES
from pipelines.als.fit import Fit
from pipelines.als.objective import Objective
from pipelines.als.stored_fit import StoredFit, factor_row
from pipelines.als.sweep import gramian
from pipelines.arrays.matrices import as_lists
from pipelines.errors import InputError
from pipelines.training.stored_arrays import SCHEMA, block_matrix, rows

_ENTITY = {"users": "user", "items": "item"}
_IDS = {"users": "user_ids", "items": "item_ids"}


def named(factors: DataFrame, frames: Mapping[str, DataFrame], fit: Fit) -> DataFrame:
    """Return factors by key: `entity, key, vector, norm`; rows without cells have none.

    With biases a user's vector is (factors, bias, 1) and an item's (factors, 1, bias): their inner
    product is the rating less the mean of all ratings.

    Args:
        factors: Rows of `stored.SCHEMA`.
        frames: `user_ids` and `item_ids`.
        fit: What tasks knew.
    """
    sides = []
    for side in SIDES:
        found = factors.where(F.col("kind") == side).mapInArrow(
            _unpacker(fit, side), "id int, vector array<float>, norm float"
        )
        ids = frames[_IDS[side]].select("id", "key")
        keyed = found.join(ids, "id", "left")
        sides.append(
            keyed.select(
                F.lit(_ENTITY[side]).alias("entity"),
                known_key(_IDS[side]).alias("key"),
                "vector",
                "norm",
            )
        )
    return sides[0].unionAll(sides[1])


def known_key(table: str) -> Column:
    """Return column `key`; where a join by `id` found none the query ends and names the id."""
    missing = F.concat(F.lit("id "), "id", F.lit(f" of inputs.interactions is not in {table}"))
    return F.coalesce("key", F.raise_error(missing))


def _unpacker(fit: Fit, side: str) -> Callable[..., Iterator[pa.RecordBatch]]:
    def unpack(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            numbers = batch.column(1).to_pylist()
            for number, first, second in zip(
                numbers, batch.column(2), batch.column(3), strict=True
            ):
                has_cells = np.frombuffer(second.as_buffer(), np.uint8).astype(np.bool_)
                matrix = published_factors(
                    block_matrix(first, fit.dimension)[has_cells], fit.objective, _ENTITY[side]
                )
                norms = np.linalg.norm(matrix.astype(np.float64), axis=1)
                columns = [
                    pa.array(fit.ids(side, number)[has_cells], pa.int32()),
                    as_lists(matrix),
                    pa.array(norms, pa.float32()),
                ]
                yield pa.RecordBatch.from_arrays(columns, names=["id", "vector", "norm"])

    return unpack


def published_factors(factors: np.ndarray, objective: Objective, entity: str) -> np.ndarray:
    """Return factors as vectors are published: see `named`."""
    if not objective.has_biases:
        return factors
    ones = np.ones((len(factors), 1), np.float32)
    bias = factors[:, -1:]
    tail = (bias, ones) if entity == "user" else (ones, bias)
    return np.hstack([factors[:, :-1], *tail])


def solved_factors(vectors: np.ndarray, objective: Objective, entity: str) -> np.ndarray:
    """Return factors as a fit has them, of vectors as they are published."""
    if not objective.has_biases:
        return vectors
    bias = vectors[:, -2:-1] if entity == "user" else vectors[:, -1:]
    return np.hstack([vectors[:, :-2], bias])


def initial(frames: Mapping[str, DataFrame], fit: Fit) -> DataFrame:
    """Return the version to begin from: an earlier space's vectors, and new rows for new keys.

    Args:
        frames: `user_ids`, `item_ids`, and `initial_vectors` of one space.
        fit: What tasks know.

    Returns:
        Rows of `stored.SCHEMA`: factors and Gramians of both sides.

    Raises:
        InputError: Vectors are of another rank, or no user has one.
    """
    _check(frames, fit)
    blocks = []
    for side in SIDES:
        earlier = frames["initial_vectors"].where(F.col("entity") == _ENTITY[side])
        ids = frames[_IDS[side]].select(F.col("id").cast("int").alias("id"), "key")
        known = ids.join(earlier.select("key", "vector"), "key", "inner").select(
            (F.col("id") % fit.blocks).alias("number"), "id", "vector"
        )
        every = known.sparkSession.range(0, fit.blocks, 1, 1).select(
            F.col("id").cast("int").alias("number"),
            F.lit(None).cast("int").alias("id"),
            F.lit(None).cast("array<float>").alias("vector"),
        )
        begun = known.unionByName(every).groupBy("number").applyInArrow(_begin(fit, side), SCHEMA)
        blocks.append(begun)
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


def _begin(fit: Fit, side: str) -> Callable[[pa.Table], pa.Table]:
    """Return the function that lays one block's known vectors over new rows."""

    def place(group: pa.Table) -> pa.Table:
        number = group["number"][0].as_py()
        for _, cells in StoredFit(fit.folder).cells(side, range(number, number + 1)):
            factors = fit.first_block(side, number, cells.counts)
            known = group.filter(pc.is_valid(group["id"]))
            if known.num_rows:
                places = known["id"].to_numpy() // fit.blocks
                flat = known["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
                within = places < len(factors)
                kept = solved_factors(
                    flat.reshape(len(places), -1)[within], fit.objective, _ENTITY[side]
                )
                factors[places[within]] = kept
                factors[cells.counts == 0] = 0
            content = [factor_row(side, number, factors, cells.counts)]
            total = gramian(factors)
            return rows([*content, (f"{side}_gramian", number, total.tobytes(), b"")])
        return rows([(f"{side}_gramian", number,
                      np.zeros((fit.dimension,) * 2).tobytes(), b"")])  # fmt: skip

    return place
