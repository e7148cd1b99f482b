"""Staging: a trainer's vectors are written once per space id, and registered when complete."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pyspark.sql import functions as F

from pipelines import tables
from pipelines.errors import ConfigError
from pipelines.results import JobResult
from pipelines.settings import beside
from pipelines.space_rows import of_space
from pipelines.spaces.content import measure_content, observed_content, with_space
from pipelines.spaces.registry import Space, new_space, space_by_id, write_space
from pipelines.storage.runs.lease import lease
from pipelines.table_store import TableStore
from pipelines.training.rounds import RoundState, Trained
from schemas import EMBEDDING_SPACES, TRAINING_HISTORY, VECTORS
from schemas.table import is_catalog_name

Train = Callable[[RoundState], Trained]


def stage(
    store: TableStore, *, name: str, metric: str, train: Train, work: str | None = None
) -> JobResult:
    """Train a space unless it is stored already, and write its vectors, history and registry row.

    The space id is the hash of input versions, settings, code version and seed. The registry row is
    written last: without it the space does not exist, and the next run continues from the last
    round that the killed run stored.

    Args:
        store: The run's tables, whose inputs have been read.
        name: Name of the spaces that replace each other.
        metric: How vectors are compared, `cosine` or `dot`.
        train: Function that trains, given the `RoundState` that stores its rounds.
        work: Folder for the rounds; None means `work` beside the vectors.

    Raises:
        ConcurrentRunError: Another run is training the same space.
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
    """Write a space: vectors and history, then its registry row; return the rows of `vectors`."""
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
    """Return the registered space if its stored vectors have the registered checksum, else None."""
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
    """Write vectors and history in parallel; return the rows of `vectors` and their content."""
    vectors, content = observed_content(with_space(trained.vectors, space_id))
    with ThreadPoolExecutor(1) as pool:  # a small table's commit is mostly waiting
        history = pool.submit(_write_history, store, space_id, trained)
        rows = store.write(vectors, VECTORS, part={"space_id": space_id})
    history.result()
    if not is_catalog_name(store.output("vectors")):
        return rows, content()
    written = tables.read(store.spark, store.output("vectors"), VECTORS)
    return rows, measure_content(of_space(written, space_id))  # saveAsTable is not observed


def _write_history(store: TableStore, space_id: str, trained: Trained) -> None:
    rows = [(space_id, *row) for row in trained.history]
    store.write_rows(rows, TRAINING_HISTORY, part={"space_id": space_id})
