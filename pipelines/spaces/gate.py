"""The gate of a space: its measures, the bounds they must keep, and the rows that record both."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.cluster.threads import at_once
from pipelines.errors import InputError
from pipelines.expectations import validation
from pipelines.expectations.validation import MeasureBounds, Outcome
from pipelines.spaces.config import Limits
from pipelines.spaces.content import measure_content
from pipelines.spaces.gate_measures import coverage, mean_cosines, measure_entities
from pipelines.spaces.registry import Space
from schemas import VECTORS

Measures = dict[str, float | None]
_JOB = "validate_vectors"  # job named in `quality_metrics`
_COUNTS = ("duplicate_keys", "wrong_dimension", "non_finite", "null_components", "wrong_norm")
"""Measures that count wrong vectors or keys: each must be 0."""


@dataclass(frozen=True)
class SpaceValidation:
    """Measures of a space, and the outcomes of its expectations.

    Args:
        measured: Measures by entity; those of the whole space under `all`.
        outcomes: The outcome of each expectation, with its entity.
    """

    measured: dict[str, Measures]
    outcomes: list[tuple[str, Outcome]]


def measure_vectors(
    vectors: DataFrame, *, dimension: int, keys: Mapping[str, DataFrame]
) -> dict[str, Measures]:
    """Measure the vectors of one space per entity.

    Args:
        vectors: Rows of the space.
        dimension: Components that each vector must have.
        keys: By entity the keys that must have a vector, one column `key`.
    """
    own = {entity: vectors.where(F.col("entity") == entity) for entity in keys}
    found: list[Any] = at_once(
        vectors.sparkSession,
        lambda: measure_entities(vectors, dimension=dimension),
        lambda: mean_cosines(vectors),
        *(partial(coverage, own[entity], frame) for entity, frame in keys.items()),
    )
    entities, cosines, *shares = found
    measured: dict[str, Measures] = {}
    for entity, measures in entities.items():
        measured[entity] = {**measures, "mean_cosine": cosines.get(entity)}
    for entity, share in zip(keys, shares, strict=True):
        measured.setdefault(entity, {"vectors": 0})["coverage"] = share
    return measured


def measure_space(
    vectors: DataFrame, space: Space, keys: Mapping[str, DataFrame]
) -> dict[str, Measures]:
    """Measure a registered space: per entity, and under `all` whether its checksum has changed.

    Args:
        vectors: Rows of the space.
        space: Its registry row.
        keys: By entity the keys that must have a vector, one column `key`.
    """
    found: list[Any] = at_once(
        vectors.sparkSession,
        partial(measure_vectors, vectors, dimension=space.dimension, keys=keys),
        partial(_is_changed, vectors, space),
    )
    measured, is_changed = found
    return {**measured, "all": {"changed_since_training": float(is_changed)}}


def _is_changed(vectors: DataFrame, space: Space) -> bool:
    try:
        return bool(measure_content(vectors)["checksum"] != space.checksum)
    except InputError:  # no rows are left
        return True


def validate(vectors: DataFrame, measured: dict[str, Measures], limits: Limits) -> SpaceValidation:
    """Validate rows by the contract of `vectors`, and the measures of each entity by limits."""
    outcomes = [("all", outcome) for outcome in validation.validate(vectors, VECTORS)]
    for entity, own in measured.items():
        bounds = bounds_of(entity, own, limits)
        bounded = {name: own.get(name) for name in bounds}
        outcomes += [(entity, o) for o in validation.validate_measures(bounded, bounds)]
    return SpaceValidation(measured, outcomes)


def earlier_metrics(metrics: DataFrame, space_id: str, wanted: Iterable[str]) -> Measures:
    """Return metrics of a space by `<job>.<metric>`; None for one that no earlier job measured."""
    name = F.concat_ws(".", "job", "metric")
    chosen = metrics.where((F.col("space_id") == space_id) & name.isin(list(wanted)))
    values = {
        row["name"]: row["value"] for row in chosen.select(name.alias("name"), "value").collect()
    }
    return {metric: values.get(metric) for metric in wanted}


def bounds_of(entity: str, measured: Mapping[str, float | None], limits: Limits) -> MeasureBounds:
    """Return the bounds that an entity's measures must keep."""
    if entity == "all":
        return {
            "changed_since_training": (None, 0.0),
            **{metric: (low, None) for metric, low in limits.min_metrics.items()},
        }
    bounds: dict[str, tuple[float | None, float | None]] = {
        "vectors": (limits.min_vectors, None),
        **dict.fromkeys(_COUNTS, (None, 0.0)),
        "zero_vector_share": (None, limits.max_zero_vector_share),
    }
    if limits.max_mean_cosine is not None and measured.get("mean_cosine") is not None:
        bounds["mean_cosine"] = (None, limits.max_mean_cosine)
    if "coverage" in measured:
        bounds["coverage"] = (limits.min_coverage, None)
    return bounds


def metric_rows(space_id: str, validated: SpaceValidation) -> list[tuple[Any, ...]]:
    """Return `quality_metrics` rows: each outcome, and each measure by its entity."""
    rows = [_outcome_row(space_id, *outcome) for outcome in validated.outcomes]
    rows += [
        (space_id, _JOB, entity, name, float(value), None, "measured", None)
        for entity, measures in validated.measured.items()
        for name, value in measures.items()
        if value is not None
    ]
    return rows


def _outcome_row(space_id: str, entity: str, outcome: Outcome) -> tuple[Any, ...]:
    name = f"{outcome.measure} {outcome.expectation.removeprefix('expect_')}"
    value = None if outcome.value is None else float(outcome.value)
    outcome_columns = (outcome.expectation, outcome.status, outcome.detail)
    return (space_id, _JOB, entity, name, value, *outcome_columns)


def keys_of(frame: DataFrame, entity: str) -> DataFrame:
    """Return the keys that must have a vector: all tokens, or the users and items not retired."""
    if entity == "word":
        return frame.select(F.col("token").alias("key"))
    return frame.where(~F.col("is_retired")).select("key")
