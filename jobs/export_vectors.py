"""Export published vectors to files that gensim, numpy and others read."""

import sys
from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.cli.running import run_job
from pipelines.cluster import progress
from pipelines.results import JobResult
from pipelines.serving import exports
from pipelines.serving.config import ExportVectorsConfig
from pipelines.space_rows import require_one_space
from pipelines.table_store import TableStore
from schemas import VECTORS

CONFIG = ExportVectorsConfig


def run(spark: SparkSession, config: ExportVectorsConfig) -> JobResult:
    """Write the vectors of one entity in the order of their keys, to a complete file or none."""
    store = TableStore(spark, config, job="export_vectors")
    vectors = store.read("vectors", VECTORS)
    result = JobResult(space_id=require_one_space(vectors))
    target = store.files.qualified(store.output("export"))
    with progress.step(f"exporting {config.entity} vectors"):
        size, rows = exports.export(
            vectors,
            target,
            entity=config.entity,
            export_format=config.export_format,
            bad_keys=config.bad_keys,
        )
    result.rows_in["vectors"] = size.row_count
    result.rows_out["export"] = rows
    result.measures = {"dimension": size.dimension, "escaped_keys": size.escaped}
    result.lines = [f"exported to {target}"]
    result.require_balance("export")
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
