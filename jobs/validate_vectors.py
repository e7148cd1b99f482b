"""Validate a staged space by its contract and limits; a failed expectation stops publication."""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.cli.running import run_job
from pipelines.cluster import progress
from pipelines.expectations.validation import load_great_expectations
from pipelines.results import JobResult
from pipelines.space_rows import of_space
from pipelines.spaces import gate
from pipelines.spaces.config import ValidateVectorsConfig
from pipelines.spaces.gate_outcome import require_passed, state_after_gate
from pipelines.spaces.registry import Space, choose_space, write_space
from pipelines.table_store import TableStore
from pipelines.tables import exists, read
from schemas import EMBEDDING_SPACES, ITEM_IDS, QUALITY_METRICS, USER_IDS, VECTORS, VOCABULARY

CONFIG = ValidateVectorsConfig
_KEYS = {"word": VOCABULARY, "user": USER_IDS, "item": ITEM_IDS}


def run(spark: SparkSession, config: ValidateVectorsConfig) -> JobResult:
    """Measure and validate the space, write the outcomes, and fail where an expectation failed."""
    store = TableStore(spark, config, job="validate_vectors")
    spaces = read(spark, config.outputs.embedding_spaces, EMBEDDING_SPACES)
    space = choose_space(spaces, name=config.space_name, space_id=config.space_id)
    with ThreadPoolExecutor(1) as pool, progress.step(f"validating {space.space_id}"):
        pool.submit(load_great_expectations)  # a second of imports, while Spark measures
        validated = _validate(store, space, config)
    rows = gate.metric_rows(space.space_id, validated)
    part = {"space_id": space.space_id, "job": store.job}
    result = JobResult(space_id=space.space_id)
    result.rows_out["quality_metrics"] = store.write_rows(rows, QUALITY_METRICS, part=part)
    state = state_after_gate(validated.outcomes, space.state)
    write_space(store, space.changed(state=state))
    require_passed(space.space_id, validated.outcomes)
    result.measures = {"expectations passed": len(validated.outcomes)}
    return result


def _validate(
    store: TableStore, space: Space, config: ValidateVectorsConfig
) -> gate.SpaceValidation:
    """Measure the space's vectors, and validate the rows and the measures."""
    vectors = of_space(store.read("vectors", VECTORS), space.space_id)
    keys = {
        entity: gate.keys_of(store.read(table.name, table), entity)
        for entity, table in _KEYS.items()
        if getattr(config.inputs, table.name) is not None
    }
    measured = gate.measure_space(vectors, space, keys)
    if config.limits.min_metrics and exists(store.spark, config.outputs.quality_metrics):
        metrics = read(store.spark, config.outputs.quality_metrics, QUALITY_METRICS)
        measured["all"] |= gate.earlier_metrics(metrics, space.space_id, config.limits.min_metrics)
    return gate.validate(vectors, measured, config.limits)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
