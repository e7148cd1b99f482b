"""Publish a space that passed its gate: one atomic commit, registry and manifest included."""

import sys
from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.cli.running import run_job
from pipelines.results import JobResult
from pipelines.space_rows import of_space
from pipelines.spaces import publishing
from pipelines.spaces.config import PublishVectorsConfig
from pipelines.spaces.content import measure_content
from pipelines.spaces.gate_outcome import require_publishable
from pipelines.spaces.manifest import build_manifest, recorded_metrics
from pipelines.spaces.registry import choose_space
from pipelines.storage.runs.lease import lease
from pipelines.table_store import TableStore
from pipelines.tables import exists, read
from schemas import EMBEDDING_SPACES, QUALITY_METRICS, VECTORS

CONFIG = PublishVectorsConfig


def run(spark: SparkSession, config: PublishVectorsConfig) -> JobResult:
    """Check the space's state and content, then replace the published table by it."""
    store = TableStore(spark, config, job="publish_vectors")
    uri = config.outputs.published
    with lease(store.files, uri):
        publishing.reconcile(store, uri)
        spaces = read(spark, config.outputs.embedding_spaces, EMBEDDING_SPACES)
        space = choose_space(spaces, name=config.space_name, space_id=config.space_id)
        vectors = of_space(store.read("vectors", VECTORS), space.space_id)
        require_publishable(space, measure_content(vectors))
        result = JobResult(rows_out={"published": space.row_count}, space_id=space.space_id)
        if publishing.published_space(spark, uri) == space.space_id:
            result.status = "unchanged"
            return result
        metrics = _metrics(spark, config.outputs.quality_metrics, space.space_id)
        manifest = build_manifest(space, metrics, run_id=store.run_id)
        publishing.publish(store, space, vectors, uri, manifest)
        publishing.write_manifest(store.files, uri, manifest)
    return result


def _metrics(spark: SparkSession, uri: str | None, space_id: str) -> dict[str, float]:
    if not uri or not exists(spark, uri):
        return {}
    return recorded_metrics(read(spark, uri, QUALITY_METRICS), space_id)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
