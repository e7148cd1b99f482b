"""Between tokens' vectors and a model's blocks of rows: what training begins and ends with."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.arrays.matrices import as_lists
from pipelines.errors import InputError
from pipelines.training.stored_arrays import SCHEMA, block_matrix, rows
from pipelines.word2vec.config import Word2VecSettings
from pipelines.word2vec.modes.balance import Moments, Stretch
from pipelines.word2vec.shards import BLOCK_ROWS, MOST_WRITERS, token_ids
from pipelines.word2vec.trainer import TrainerParameters, new_rows

_CONTEXT = "context"


def context_entity(entity: str) -> str:
    """Name the entity of a model's output vectors."""
    return f"{entity}_{_CONTEXT}"


def items_as_tokens(items: DataFrame) -> DataFrame:
    """Return `token_id, token, count` of the items that sessions consist of (item2vec).

    Barkan and Koenigstein 2016: a session is a sentence, an item a token.

    Args:
        items: `id, key, count, is_retired`.
    """
    kept = items.where(~F.col("is_retired") & (F.col("count") > 0))
    return kept.select(F.col("id").alias("token_id"), F.col("key").alias("token"), "count")


def named(
    model: DataFrame,
    vocabulary: DataFrame,
    settings: Word2VecSettings,
    parameters: TrainerParameters,
    stretch: Stretch | None,
) -> DataFrame:
    """Return a model's vectors by token: `entity, key, vector, norm`.

    Args:
        model: Rows of `stored.SCHEMA`.
        vocabulary: `token_id, token`.
        settings: How vectors are trained; context vectors are kept where they say so.
        parameters: What trainers knew, the number of tokens and of classes among it.
        stretch: What the rows need before they are used, if anything.
    """
    dimension, has_context = settings.vector_size, settings.keep_context_vectors

    def unpack(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            columns = [batch.column(n).to_pylist() for n in (0, 1)]
            for kind, position, *blocks in zip(*columns, *batch.columns[2:], strict=True):
                sides = [block_matrix(block, dimension).copy() for block in blocks]
                if stretch is not None:
                    stretch.apply(*sides)
                for is_context, side in _kept_sides(kind, sides, has_context=has_context):
                    ids = token_ids(position, len(side), size=parameters.vocabulary_size,
                                    classes=parameters.classes)  # fmt: skip
                    yield _vector_rows(ids, side, is_context=is_context)

    blocks = model.where(F.col("kind").isin("model", "inputs", "outputs"))
    unpacked = blocks.mapInArrow(
        unpack, "token_id int, is_context boolean, vector array<float>, norm float"
    )
    entity = F.when(F.col("is_context"), context_entity(settings.entity)).otherwise(settings.entity)
    tokens = vocabulary.select("token_id", F.col("token").alias("key"))
    return unpacked.join(tokens, "token_id").select(entity.alias("entity"), "key", "vector", "norm")


def _kept_sides(
    kind: str, sides: list[np.ndarray], *, has_context: bool
) -> Iterator[tuple[bool, np.ndarray]]:
    """Yield the sides of a row that are wanted, and whether each is that of contexts."""
    if kind != "outputs":
        yield False, sides[0]
    if has_context and kind != "inputs":
        yield True, sides[-1] if kind == "model" else sides[0]


def _vector_rows(ids: np.ndarray, side: np.ndarray, *, is_context: bool) -> pa.RecordBatch:
    columns = [
        pa.array(ids),
        pa.array(np.full(len(side), is_context)),
        as_lists(side),
        pa.array(np.linalg.norm(side.astype(np.float64), axis=1).astype(np.float32)),
    ]
    return pa.RecordBatch.from_arrays(columns, names=["token_id", "is_context", "vector", "norm"])


def initial(
    frames: Mapping[str, DataFrame], settings: Word2VecSettings, parameters: TrainerParameters
) -> DataFrame:
    """Return the model to begin from: an earlier space's vectors, and new rows for new tokens.

    Args:
        frames: `vocabulary`, and `initial_vectors` of one space.
        settings: How vectors are trained.
        parameters: What trainers know; shards and counts are kept by now.

    Returns:
        Rows of `stored.SCHEMA`: the model and its moments. Without context vectors in the earlier
        space the output side begins at zero, as a new one does.

    Raises:
        InputError: No token has a vector, or vectors are of another dimension.
    """
    vectors = frames["initial_vectors"].where(
        F.col("entity").isin(settings.entity, context_entity(settings.entity))
    )
    _check(vectors, frames["vocabulary"], settings)
    tokens = frames["vocabulary"].select("token_id", F.col("token").alias("key"))
    block = F.floor(F.col("token_id") / BLOCK_ROWS).cast("int").alias("position")
    known = tokens.join(vectors.select("entity", "key", "vector"), "key", "left").select(
        block, "token_id", (F.col("entity") != settings.entity).alias("is_context"), "vector"
    )
    model = known.groupBy("position").applyInArrow(_begin(parameters), SCHEMA)
    return model.coalesce(MOST_WRITERS).mapInArrow(_with_moments(parameters), SCHEMA)


def _check(vectors: DataFrame, vocabulary: DataFrame, settings: Word2VecSettings) -> None:
    own = vectors.where(F.col("entity") == settings.entity)
    shared = own.join(vocabulary.select(F.col("token").alias("key")), "key", "left_semi")
    lowest, highest, count = shared.agg(
        F.min(F.size("vector")), F.max(F.size("vector")), F.count(F.lit(1))
    ).collect()[0]
    if not count:
        raise InputError(
            f"inputs.initial_vectors: no token of inputs.vocabulary has a {settings.entity!r} "
            "vector in that space; name a space of the same kind of tokens"
        )
    if {lowest, highest} != {settings.vector_size}:
        raise InputError(
            f"inputs.initial_vectors: vectors of {lowest} components, and vector_size is "
            f"{settings.vector_size}; set vector_size to {lowest}"
        )


def _begin(parameters: TrainerParameters):  # type: ignore[no-untyped-def]
    """Return the function that lays one block's known vectors over new rows."""

    def place(group: pa.Table) -> pa.Table:
        position = group["position"][0].as_py()
        first = position * BLOCK_ROWS
        count = min(BLOCK_ROWS, parameters.vocabulary_size - first)
        inputs = new_rows(count, parameters, block=position)
        outputs = np.zeros_like(inputs)
        for side, is_context in ((inputs, False), (outputs, True)):
            own = group.filter(pa.compute.equal(group["is_context"], is_context))
            if own.num_rows:
                flat = own["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
                ids = own["token_id"].to_numpy() - first
                side[ids] = flat.reshape(-1, parameters.vector_size)
        return rows([("model", position, inputs.tobytes(), outputs.tobytes())])

    return place


def _with_moments(parameters: TrainerParameters):  # type: ignore[no-untyped-def]
    """Return the task that passes model rows on and ends with the sums over them."""

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        moments = Moments(parameters.vector_size)
        for batch in batches:
            yield batch
            positions = batch.column(1).to_pylist()
            for position, *sides in zip(positions, batch.column(2), batch.column(3), strict=True):
                inputs, outputs = (block_matrix(side, parameters.vector_size) for side in sides)
                moments.add(position, inputs, outputs)
        yield from moments.rows()

    return run
