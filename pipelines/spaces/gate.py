"""The gate of a space: what is measured of it, the bounds it must keep, and the rows that tell."""

from collections.abc import Iterable, Mapping
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.spaces.config import Limits
from pipelines.spaces.gate_measures import coverage, mean_cosines, measure_entities
from pipelines.spaces.registry import Space, measure_content
from schemas import QUALITY_METRICS

Bounds = dict[str, tuple[float | None, float | None]]
Measures = dict[str, float | None]
_COUNTS = ("duplicate_keys", "wrong_dimension", "non_finite", "null_components", "wrong_norm")


def measure_space(
    vectors: DataFrame, space: Space, keys: Mapping[str, DataFrame]
) -> dict[str, Measures]:
    """Measure a space: per entity, and under `all` whether it still is what was registered.

    Args:
        vectors: Rows of the space.
        space: Its registry row.
        keys: By entity the keys that must have a vector, one column `key`.
    """
    cosines = mean_cosines(vectors)
    measured: dict[str, Measures] = {}
    for entity, found in measure_entities(vectors, dimension=space.dimension).items():
        measured[entity] = {**found, "mean_cosine": cosines.get(entity)}
    for entity, frame in keys.items():
        own = vectors.where(F.col("entity") == entity)
        measured.setdefault(entity, {"vectors": 0})["coverage"] = coverage(own, frame)
    is_changed = not measured or measure_content(vectors)["checksum"] != space.checksum
    return {**measured, "all": {"changed_since_training": float(is_changed)}}


def earlier_metrics(metrics: DataFrame, space_id: str, wanted: Iterable[str]) -> Measures:
    """Return what earlier jobs measured of a space, by `<job>.<metric>`; else None."""
    name = F.concat_ws(".", "job", "metric")
    chosen = metrics.where((F.col("space_id") == space_id) & name.isin(list(wanted)))
    found = {
        row["name"]: row["value"] for row in chosen.select(name.alias("name"), "value").collect()
    }
    return {metric: found.get(metric) for metric in wanted}


def bounds_of(entity: str, measured: Mapping[str, float | None], limits: Limits) -> Bounds:
    """Return the bounds that an entity's measures must keep."""
    if entity == "all":
        return {
            "changed_since_training": (None, 0.0),
            **{metric: (low, None) for metric, low in limits.min_metrics.items()},
        }
    counts: Bounds = dict.fromkeys(_COUNTS, (None, 0.0))
    bounds: Bounds = {
        "vectors": (limits.min_vectors, None),
        **counts,
        "zero_vector_share": (None, limits.max_zero_vector_share),
    }
    if limits.max_mean_cosine is not None and measured.get("mean_cosine") is not None:
        bounds["mean_cosine"] = (None, limits.max_mean_cosine)
    if "coverage" in measured:
        bounds["coverage"] = (limits.min_coverage, None)
    return bounds


def metric_rows(
    spark: SparkSession,
    space_id: str,
    measured: Mapping[str, Measures],
    outcomes: Iterable[tuple[str, Any]],
) -> DataFrame:
    """Return `quality_metrics` rows: every outcome, and every measure that no bound judged."""
    job = "validate_vectors"
    rows: list[tuple[Any, ...]] = []
    for entity, outcome in outcomes:
        name = f"{outcome.measure} {outcome.expectation.removeprefix('expect_')}"
        value = None if outcome.value is None else float(outcome.value)
        rows.append(
            (
                space_id,
                job,
                entity,
                name,
                value,
                outcome.expectation,
                outcome.status,
                outcome.detail,
            )
        )
    for entity, measures in measured.items():
        rows += [
            (space_id, job, entity, name, float(value), None, "measured", None)
            for name, value in measures.items()
            if value is not None
        ]
    return spark.createDataFrame(rows, QUALITY_METRICS.schema()).coalesce(1)


def keys_of(frame: DataFrame, entity: str) -> DataFrame:
    """Return the keys that must have a vector: all tokens, or the users and items not retired."""
    if entity == "word":
        return frame.select(F.col("token").alias("key"))
    return frame.where(~F.col("is_retired")).select("key")
