"""Find the nearest published vectors of given words, documents, users or items."""

import sys
from collections.abc import Sequence
from pathlib import Path

from pyspark import StorageLevel
from pyspark.sql import SparkSession

from jobs.cli.running import run_job
from pipelines.results import JobResult
from pipelines.serving.config import FindNeighboursConfig
from pipelines.serving.neighbours import fetch_queries, find_nearest, neighbour_lines
from pipelines.space_rows import require_one_space
from pipelines.table_store import TableStore
from schemas import NEIGHBOURS, VECTORS

CONFIG = FindNeighboursConfig


def run(spark: SparkSession, config: FindNeighboursConfig) -> JobResult:
    """Write and print the neighbours of each query that has a vector."""
    store = TableStore(spark, config, job="find_neighbours")
    vectors = store.read("vectors", VECTORS)
    result = JobResult(space_id=require_one_space(vectors))
    queries = fetch_queries(vectors, config.queries, entity=config.entity)
    neighbours = find_nearest(vectors, queries, k=config.k, metric=config.metric)
    neighbours = neighbours.persist(StorageLevel.MEMORY_AND_DISK)
    result.rows_in["queries"] = len(queries.keys) + len(queries.unknown)
    result.rows_out["neighbours"] = store.write(neighbours, NEIGHBOURS)
    if queries.unknown:
        result.rejected["unknown"] = len(queries.unknown)
    result.lines = neighbour_lines(neighbours, queries)
    return store.finish(result, neighbours)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
