"""The manifest of a publication: what was published, from which inputs, with which measures."""

from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.spaces.registry import Space


def recorded_metrics(metrics: DataFrame, space_id: str) -> dict[str, float]:
    """Return the measures of a space in `quality_metrics`, by `<job>.<entity>.<metric>`."""
    chosen = metrics.where((F.col("space_id") == space_id) & F.col("value").isNotNull())
    rows = chosen.select("job", "entity", "metric", "value").collect()  # one row per metric
    return {f"{row['job']}.{row['entity']}.{row['metric']}": row["value"] for row in rows}


def build_manifest(space: Space, metrics: Mapping[str, float], *, run_id: str) -> dict[str, Any]:
    """Return the manifest as JSON values: inputs, settings, counts, checksum, metrics."""
    return {
        "space_id": space.space_id,
        "name": space.name,
        "run_id": run_id,
        "dimension": space.dimension,
        "metric": space.metric,
        "row_count": space.row_count,
        "checksum": space.checksum,
        "parameters": space.parameters,
        "seed": space.seed,
        "input_versions": space.input_versions,
        "config_hash": space.config_hash,
        "code_version": space.code_version,
        "metrics": dict(metrics),
    }
