"""Tokens' vectors to a model's stored rows, and back: what training begins and ends with."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.arrays.matrices import as_lists
from pipelines.errors import InputError
from pipelines.training.stored_arrays import SCHEMA, rows
from pipelines.word2vec.config import Word2VecSettings
from pipelines.word2vec.model import TrainerParameters, new_rows
from pipelines.word2vec.modes.balance import Moments, Stretch
from pipelines.word2vec.modes.runs import MOST_WRITERS
from pipelines.word2vec.stored_model import BLOCK_ROWS, VECTOR_KINDS, model_row, sides_of, token_ids

_CONTEXT = "context"


def context_entity(entity: str) -> str:
    """Return the entity of a model's output vectors."""
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
        model: Rows of `stored_model`.
        vocabulary: `token_id, token`.
        settings: Settings; `keep_context_vectors` asks for output vectors too.
        parameters: Parameters of the trainers.
        stretch: Applied to the rows before they are used, if any.
    """
    dimension, has_context = settings.vector_size, settings.keep_context_vectors

    def unpack(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            kinds, positions = (batch.column(n).to_pylist() for n in (0, 1))
            for kind, position, first, second in zip(
                kinds, positions, *batch.columns[2:], strict=True
            ):
                sides = [_copy(side) for side in sides_of(kind, first, second, dimension)]
                if stretch is not None and sides[0] is not None and sides[1] is not None:
                    stretch.apply(sides[0], sides[1])
                for is_context, side in enumerate(sides[: 1 + has_context]):
                    if side is not None:
                        yield _vector_rows(parameters, position, side, bool(is_context))

    blocks = model.where(F.col("kind").isin(*VECTOR_KINDS))
    unpacked = blocks.mapInArrow(
        unpack, "token_id int, is_context boolean, vector array<float>, norm float"
    )
    entity = F.when(F.col("is_context"), context_entity(settings.entity)).otherwise(settings.entity)
    tokens = vocabulary.select("token_id", F.col("token").alias("key"))
    return unpacked.join(tokens, "token_id").select(entity.alias("entity"), "key", "vector", "norm")


def _copy(side: np.ndarray | None) -> np.ndarray | None:
    return None if side is None else side.copy()


def _vector_rows(
    parameters: TrainerParameters, position: int, side: np.ndarray, is_context: bool
) -> pa.RecordBatch:
    size, classes = parameters.vocabulary_size, parameters.classes
    columns = [
        pa.array(token_ids(position, len(side), size=size, classes=classes)),
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
        parameters: Parameters of the trainers.

    Returns:
        Rows of `stored_model`: the model and its moments. The output vectors of tokens without
        context vectors begin at zero, as those of new tokens do.

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
    """Return the function that makes a block: new rows, in which known vectors replace theirs."""

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
        return rows([model_row(position, inputs, outputs)])

    return place


def _with_moments(parameters: TrainerParameters):  # type: ignore[no-untyped-def]
    """Return the task that passes model rows on, and ends with their moments."""

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        moments = Moments(parameters.vector_size)
        for batch in batches:
            yield batch
            for kind, position, first, second in zip(*batch.columns, strict=True):
                inputs, outputs = sides_of(kind.as_py(), first, second, parameters.vector_size)
                if inputs is not None and outputs is not None:
                    moments.add(position.as_py(), inputs, outputs)
        for row in moments.rows():
            yield from rows([row]).to_batches()

    return run
