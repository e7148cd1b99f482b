"""Staged to published in one commit; the registry records the intent before, the outcome after."""

import json
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines import tables
from pipelines.spaces.registry import Space, space_by_id, write_space
from pipelines.storage.hadoop import Files
from pipelines.table_store import TableStore
from schemas import EMBEDDING_SPACES, VECTORS
from schemas.table import is_catalog_name


def published_space(spark: SparkSession, uri: str) -> str | None:
    """Return the space a published table holds by its last commit; None where there is none."""
    if not tables.exists(spark, uri):
        return None
    space_id = tables.commit(spark, uri)["metadata"].get("space_id")
    return None if space_id is None else str(space_id)


def reconcile(store: TableStore, uri: str) -> None:
    """Make the registry agree with a published table.

    A run that was killed between its commit and the registry left the state `publishing`; the
    table's last commit decides whether that publication happened.
    """
    registry = store.output("embedding_spaces")
    spaces = tables.read(store.spark, registry, EMBEDDING_SPACES)
    concerned = spaces.where(
        (F.col("published_to") == uri) & F.col("state").isin("publishing", "published")
    )
    live = published_space(store.spark, uri)
    for row in concerned.select("space_id", "state").collect():  # at most two rows per table
        state = "published" if row["space_id"] == live else _not_live(row["state"])
        if state != row["state"]:
            set_state(store, space_by_id(spaces, row["space_id"]), state, uri)


def _not_live(state: str) -> str:
    return "superseded" if state == "published" else "passed"


def set_state(store: TableStore, space: Space, state: str, uri: str) -> Space:
    """Record a space's state with the table it concerns."""
    changed = space.changed(state=state, published_to=uri)
    write_space(store, changed)
    return changed


def publish(
    store: TableStore, space: Space, vectors: DataFrame, uri: str, manifest: dict[str, Any]
) -> None:
    """Replace the published table by one space: intent, the one commit, outcome.

    Args:
        store: The run's tables.
        space: Registry row of a space that passed.
        vectors: Its rows.
        uri: The published table.
        manifest: Recorded in the commit itself and, for readers without Delta, in a file beside.
    """
    set_state(store, space, "publishing", uri)
    metadata = {**store.metadata, "space_id": space.space_id, "manifest": manifest}
    tables.publish(
        vectors, VECTORS, uri, format=store.format, space_id=space.space_id, metadata=metadata
    )
    reconcile(store, uri)


def write_manifest(files: Files, uri: str, manifest: dict[str, Any]) -> None:
    """Write the manifest beside a published path; a catalog table has it in its commit alone."""
    if not is_catalog_name(uri):
        text = json.dumps(manifest, indent=2, sort_keys=True)
        files.replace_text(f"{uri.rstrip('/')}.manifest.json", text)
