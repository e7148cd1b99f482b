"""Vectors without a registry: validated and published from a frame."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal
from uuid import uuid4

from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession

from pipelines import __version__, tables
from pipelines.errors import InputError
from pipelines.space_rows import of_space, require_one_space
from pipelines.spaces import gate
from pipelines.spaces.config import Limits
from pipelines.spaces.content import measure_content, with_space
from pipelines.spaces.gate_outcome import require_passed
from pipelines.spaces.manifest import build_manifest
from pipelines.spaces.publishing import published_space, write_manifest
from pipelines.spaces.registry import new_space
from pipelines.storage.digests import digest
from pipelines.storage.hadoop import Files
from pipelines.storage.runs.lease import lease
from schemas import VECTORS

Keys = Mapping[str, DataFrame]
"""By entity the keys that must have a vector, one column `key`."""


def check_vectors(
    vectors: DataFrame, limits: Limits | None = None, *, keys: Keys | None = None
) -> dict[str, gate.Measures]:
    """Validate the vectors of one space by the contract of `vectors` and by limits.

    Args:
        vectors: `space_id, entity, key, vector, norm`, of one space.
        limits: Limits of the measures; the defaults where None.
        keys: Keys that must have a vector; coverage is not measured where None.

    Returns:
        The measures by entity.

    Raises:
        GateError: An expectation failed; each is named with its measure and bound.
        InputError: There are no rows, or several spaces.
    """
    space_id = require_one_space(vectors)
    dimension = measure_content(vectors)["dimension"]
    return _checked(vectors, space_id, dimension, limits or Limits(), keys or {})


def _checked(
    vectors: DataFrame, space_id: str, dimension: int, limits: Limits, keys: Keys
) -> dict[str, gate.Measures]:
    """Hold the vectors of a space to the gate; return their measures by entity."""
    measured = gate.measure_vectors(vectors, dimension=dimension, keys=keys)
    require_passed(space_id, gate.validate(vectors, measured, limits).outcomes)
    return measured


def publish_vectors(
    vectors: DataFrame,
    uri: str,
    *,
    space_id: str | None = None,
    metric: Literal["cosine", "dot"] = "cosine",
    limits: Limits | None = None,
    keys: Keys | None = None,
    stored_as: Literal["delta", "parquet"] = "delta",
) -> dict[str, Any]:
    """Validate a frame of vectors, then replace a published table by it in one commit.

    Readers see the old table or the new one. No registry is read or written. Where the table holds
    the same vectors already, nothing is done.

    Args:
        vectors: `entity, key, vector`; `norm` is added where it is missing. A column `space_id`
            must hold one space, or `space_id` chooses among several.
        uri: The published table: a path, a URI or a catalog name.
        space_id: The space; needed where there is no such column.
        metric: How the vectors are to be compared, for the manifest.
        limits: Limits of the measures; the defaults where None.
        keys: Keys that must have a vector; coverage is not measured where None.
        stored_as: Format of a new table; one that is there keeps its own.

    Returns:
        The manifest, which lies beside the table and in its commit.

    Raises:
        GateError: The vectors do not pass; the table stays as it was.
        InputError: There are no rows, several spaces, or no id; or the table holds other vectors
            under the same id.
        ConcurrentRunError: Another run is publishing to the table.
    """
    spark = vectors.sparkSession
    files, bounds = Files(spark), limits or Limits()
    with lease(files, uri), _one_space(vectors, space_id) as (chosen, rows):
        content = measure_content(rows)
        known = _published_manifest(spark, uri, chosen)
        if known is not None:
            if known.get("checksum") != content["checksum"]:
                raise InputError(f"{uri} holds other vectors of space {chosen}; name a new space")
            return known
        measured = _checked(rows, chosen, content["dimension"], bounds, keys or {})
        metadata = _metadata(chosen, metric, content, measured, bounds)
        tables.publish(rows, VECTORS, uri, format=stored_as, space_id=chosen, metadata=metadata)
        write_manifest(files, uri, metadata["manifest"])
    return dict(metadata["manifest"])


def _published_manifest(spark: SparkSession, uri: str, space_id: str) -> dict[str, Any] | None:
    """Return the manifest of a published table; None where it does not hold this space."""
    if published_space(spark, uri) != space_id:
        return None
    return dict(tables.commit(spark, uri)["metadata"].get("manifest") or {})


def _metadata(
    space_id: str,
    metric: str,
    content: Mapping[str, Any],
    measured: Mapping[str, gate.Measures],
    limits: Limits,
) -> dict[str, Any]:
    """Return the metadata of the commit: the space's id and its manifest."""
    record = {
        "vectormill": __version__,
        "config_hash": digest(limits.model_dump(mode="json")),
        "input_versions": {},
        "seed": 0,
    }
    space = new_space(
        space_id=space_id,
        name=space_id,
        metric=metric,
        measured=content,
        metadata=record,
        parameters={},
    )
    metrics = {
        f"check_vectors.{entity}.{name}": float(value)
        for entity, measures in measured.items()
        for name, value in measures.items()
        if value is not None
    }
    manifest = build_manifest(space, metrics, run_id=uuid4().hex)
    return {**record, "space_id": space_id, "manifest": manifest}


@contextmanager
def _one_space(vectors: DataFrame, space_id: str | None) -> Iterator[tuple[str, DataFrame]]:
    """Yield the id and the rows of a space, persisted so that what is validated is published."""
    if "space_id" in vectors.columns:
        space_id = space_id or require_one_space(vectors, "space_id")
        vectors = of_space(vectors, space_id)
    if space_id is None:
        raise InputError("the vectors have no column space_id: name the space by space_id")
    rows = with_space(vectors, space_id).persist(StorageLevel.MEMORY_AND_DISK)
    try:
        yield space_id, rows
    finally:
        rows.unpersist()
