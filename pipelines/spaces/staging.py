"""From a trainer's vectors to a staged space: written once per id, registered when complete."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pyspark.sql import functions as F

from pipelines import tables
from pipelines.errors import ConfigError
from pipelines.results import JobResult
from pipelines.settings import beside
from pipelines.spaces.content import measure_content, observed_content, with_space
from pipelines.spaces.registry import Space, new_space, of_space, space_by_id, write_space
from pipelines.storage.lease import lease
from pipelines.table_store import TableStore
from pipelines.training.rounds import RoundState, Trained
from schemas import EMBEDDING_SPACES, TRAINING_HISTORY, VECTORS
from schemas.table import is_catalog_name

Train = Callable[[RoundState], Trained]


def stage(
    store: TableStore, *, name: str, metric: str, train: Train, work: str | None = None
) -> JobResult:
    """Train a space unless it is there complete, and write vectors, history and registry row.

    The space id is the hash of input versions, settings, code version and seed. The registry row is
    written last: without it the space does not exist, and a killed run is run again, from the last
    round that its trainer kept.

    Args:
        store: The run's tables, whose inputs have been read.
        name: Line of spaces that replace each other.
        metric: How vectors are compared, `cosine` or `dot`.
        train: Trains, given the place for its rounds.
        work: Folder for the rounds; `work` beside the vectors where not given.

    Raises:
        ConcurrentRunError: A living run is training the same space there.
    """
    space_id = f"{name}-{store.fingerprint}"
    known = _complete_space(store, space_id)
    if known is not None:
        write_space(store, known.requested_again())
        return JobResult(
            rows_out={"vectors": known.row_count},
            space_id=space_id,
            status="unchanged",
            lines=["this space was trained before"],
        )
    state = RoundState(store.spark, f"{work or _beside(store)}/{store.job}/{space_id}")
    with lease(store.files, state.folder):
        trained = train(state)
        rows = _write_trained(store, trained, space_id=space_id, name=name, metric=metric)
        state.clear()
    return JobResult(
        rows_out={"vectors": rows},
        space_id=space_id,
        measures=trained.measures,
        lines=trained.lines,
    )


def _write_trained(
    store: TableStore, trained: Trained, *, space_id: str, name: str, metric: str
) -> int:
    """Write a space: vectors and history, then its registry row; return the vectors."""
    rows, content = _write_rows(store, space_id, trained)
    space = new_space(
        space_id=space_id,
        name=name,
        metric=metric,
        measured=content,
        metadata=store.metadata,
        parameters=store.parameters,
    )
    write_space(store, space)
    return rows


def _beside(store: TableStore) -> str:
    vectors = store.output("vectors")
    if is_catalog_name(vectors):
        raise ConfigError(f"outputs.vectors: {vectors} is a catalog name; set work to a folder")
    return beside(vectors, "work")


def _complete_space(store: TableStore, space_id: str) -> Space | None:
    """Return the registered space when its stored vectors still are what was registered."""
    registry, vectors = store.output("embedding_spaces"), store.output("vectors")
    if not (tables.exists(store.spark, registry) and tables.exists(store.spark, vectors)):
        return None
    spaces = tables.read(store.spark, registry, EMBEDDING_SPACES)
    if spaces.where(F.col("space_id") == space_id).isEmpty():
        return None
    space = space_by_id(spaces, space_id)
    stored = of_space(tables.read(store.spark, vectors, VECTORS), space_id)
    if stored.isEmpty() or measure_content(stored)["checksum"] != space.checksum:
        return None
    return space


def _write_rows(store: TableStore, space_id: str, trained: Trained) -> tuple[int, dict[str, Any]]:
    """Write vectors and history side by side; return the rows written and what they measure."""
    vectors, content = observed_content(with_space(trained.vectors, space_id))
    with ThreadPoolExecutor(1) as pool:  # a small table's commit is mostly waiting
        history = pool.submit(_write_history, store, space_id, trained)
        rows = store.write(vectors, VECTORS, part={"space_id": space_id})
    history.result()
    if not is_catalog_name(store.output("vectors")):
        return rows, content()
    written = tables.read(store.spark, store.output("vectors"), VECTORS)
    return rows, measure_content(of_space(written, space_id))  # Spark did not observe the write


def _write_history(store: TableStore, space_id: str, trained: Trained) -> None:
    rows = [(space_id, *row) for row in trained.history]
    history = store.spark.createDataFrame(rows, TRAINING_HISTORY.schema()).coalesce(1)
    store.write(history, TRAINING_HISTORY, part={"space_id": space_id})
