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
from pipelines.spaces.registry import require_one_space
from pipelines.table_store import TableStore
from schemas import VECTORS

CONFIG = ExportVectorsConfig


def run(spark: SparkSession, config: ExportVectorsConfig) -> JobResult:
    """Write the vectors of one entity in the order of their keys, to a complete file or none."""
    store = TableStore(spark, config, job="export_vectors")
    vectors = store.read("vectors", VECTORS)
    result = JobResult(space_id=require_one_space(vectors))
    kind = config.export_format
    with progress.step(f"exporting {config.entity} vectors"):
        escaped = exports.escape_keys(vectors, entity=config.entity, export_format=kind)
        size = exports.measure_export(escaped, bad_keys=config.bad_keys)
        chunks = exports.format_chunks(escaped, export_format=kind, dimension=size.dimension)
        target = store.files.qualified(store.output("export"))
        rows = exports.write_export(chunks, target, size, export_format=kind)
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
