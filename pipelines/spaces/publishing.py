"""Publication of a staged space by one commit, with the state in the registry before and after."""

import json
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines import tables
from pipelines.cluster import progress
from pipelines.spaces.registry import Space, space_of, write_space
from pipelines.storage.hadoop import Files
from pipelines.table_store import TableStore
from schemas import EMBEDDING_SPACES, VECTORS
from schemas.table import is_catalog_name


def published_space(spark: SparkSession, uri: str) -> str | None:
    """Return the id of the space that a published table's last commit names, else None."""
    if not tables.exists(spark, uri):
        return None
    space_id = tables.commit(spark, uri)["metadata"].get("space_id")
    return None if space_id is None else str(space_id)


def reconcile(store: TableStore, uri: str) -> None:
    """Make the registry agree with a published table.

    A run killed between its commit and its write to the registry leaves the state `publishing`.
    The table's last commit tells whether that publication happened.
    """
    registry = store.output("embedding_spaces")
    spaces = tables.read(store.spark, registry, EMBEDDING_SPACES)
    candidates = spaces.where(
        (F.col("published_to") == uri) & F.col("state").isin("publishing", "published")
    )
    live = published_space(store.spark, uri)
    for space in map(space_of, candidates.collect()):  # at most two rows per table
        state = "published" if space.space_id == live else _not_live(space.state)
        if state != space.state:
            set_state(store, space, state, uri)


def _not_live(state: str) -> str:
    return "superseded" if state == "published" else "passed"


def set_state(store: TableStore, space: Space, state: str, uri: str) -> Space:
    """Write a space's new state, and the published table it applies to, to the registry."""
    changed = space.changed(state=state, published_to=uri)
    write_space(store, changed)
    return changed


def publish(
    store: TableStore, space: Space, vectors: DataFrame, uri: str, manifest: dict[str, Any]
) -> None:
    """Replace the published table by one space: state `publishing`, one commit, then `published`.

    Args:
        store: The run's tables.
        space: Registry row of a space that passed.
        vectors: Its rows.
        uri: The published table.
        manifest: Recorded in the commit; `write_manifest` writes it beside the table too.
    """
    metadata = {**store.metadata, "space_id": space.space_id, "manifest": manifest}
    with progress.step(f"publishing {space.space_id}"):
        set_state(store, space, "publishing", uri)
        tables.publish(
            vectors, VECTORS, uri, format=store.format, space_id=space.space_id, metadata=metadata
        )
        reconcile(store, uri)


def write_manifest(files: Files, uri: str, manifest: dict[str, Any]) -> None:
    """Write the manifest beside a published path; a catalog table has it in its commit alone."""
    if not is_catalog_name(uri):
        text = json.dumps(manifest, indent=2, sort_keys=True)
        files.replace_text(f"{uri.rstrip('/')}.manifest.json", text)
