"""From a trainer's vectors to a staged space: written once per id, registered when complete."""

from collections.abc import Callable

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines import tables
from pipelines.results import JobResult
from pipelines.tables import TableStore
from pipelines.vectors.spaces import (
    Space,
    find_space,
    measure_content,
    new_space,
    of_space,
)
from schemas import EMBEDDING_SPACES, TRAINING_HISTORY, VECTORS

Train = Callable[[], tuple[DataFrame, dict[str, float]]]


def stage(store: TableStore, *, name: str, metric: str, rounds: int, train: Train) -> JobResult:
    """Train a space unless it is there complete, and write vectors, history and registry row.

    The space id is the hash of input versions, settings, code version and seed. The registry row is
    written last: without it the space does not exist, and a killed run is simply run again.

    Args:
        store: The run's tables, whose inputs have been read.
        name: Line of spaces that replace each other.
        metric: How vectors are compared, `cosine` or `dot`.
        rounds: Rounds of training that the measures speak of.
        train: Returns vectors as `entity, key, vector` and measures.
    """
    space_id = f"{name}-{store.fingerprint}"
    known = _complete_space(store, space_id)
    if known is not None:
        _register(store, known.requested_again())
        return JobResult(
            rows_out={"vectors": known.row_count},
            space_id=space_id,
            status="unchanged",
            lines=["this space was trained before"],
        )
    trained, measures = train()
    rows = store.write(_rows(trained, space_id), VECTORS, part={"space_id": space_id})
    written = tables.read(store.spark, store.output("vectors"), VECTORS)
    measured = measure_content(of_space(written, space_id))
    _write_history(store, space_id, rounds, measures)
    _register(
        store,
        new_space(
            space_id=space_id,
            name=name,
            metric=metric,
            measured=measured,
            metadata=store.metadata,
            parameters=store.parameters,
        ),
    )
    return JobResult(rows_out={"vectors": rows}, space_id=space_id, measures=dict(measures))


def _complete_space(store: TableStore, space_id: str) -> Space | None:
    """Return the registered space when its stored vectors still are what was registered."""
    registry, vectors = store.output("embedding_spaces"), store.output("vectors")
    if not (tables.exists(store.spark, registry) and tables.exists(store.spark, vectors)):
        return None
    spaces = tables.read(store.spark, registry, EMBEDDING_SPACES)
    if spaces.where(F.col("space_id") == space_id).isEmpty():
        return None
    space = find_space(spaces, name="", space_id=space_id)
    stored = of_space(tables.read(store.spark, vectors, VECTORS), space_id)
    if stored.isEmpty() or measure_content(stored)["checksum"] != space.checksum:
        return None
    return space


def _rows(trained: DataFrame, space_id: str) -> DataFrame:
    squares = F.aggregate("vector", F.lit(0.0), lambda total, x: total + x.cast("double") * x)
    return trained.select(
        F.lit(space_id).alias("space_id"),
        "entity",
        "key",
        "vector",
        F.sqrt(squares).cast("float").alias("norm"),
    )


def _write_history(
    store: TableStore, space_id: str, rounds: int, measures: dict[str, float]
) -> None:
    rows = [(space_id, rounds, metric, float(value)) for metric, value in measures.items()]
    history = store.spark.createDataFrame(rows, TRAINING_HISTORY.schema()).coalesce(1)
    store.write(history, TRAINING_HISTORY, part={"space_id": space_id})


def _register(store: TableStore, space: Space) -> None:
    store.write(space.to_frame(store.spark), EMBEDDING_SPACES, part={"space_id": space.space_id})
