"""Measure a staged space of word vectors by word similarity and analogy files."""

import sys
from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.cli.running import run_job
from pipelines.evaluation.config import EvaluateVectorsConfig
from pipelines.evaluation.measures import to_rows
from pipelines.evaluation.word_measures import measure_words, read_files
from pipelines.results import JobResult
from pipelines.space_rows import of_space
from pipelines.spaces.registry import choose_space
from pipelines.table_store import TableStore
from schemas import EMBEDDING_SPACES, QUALITY_METRICS, VECTORS, VOCABULARY

CONFIG = EvaluateVectorsConfig


def run(spark: SparkSession, config: EvaluateVectorsConfig) -> JobResult:
    """Measure the space that the settings choose, and write its measures."""
    store = TableStore(spark, config, job="evaluate_vectors")
    files = read_files(store.files, config)
    store.input_versions.update(files.versions)
    space = choose_space(
        store.read("embedding_spaces", EMBEDDING_SPACES),
        name=config.space_name,
        space_id=config.space_id,
    )
    vectors = of_space(store.read("vectors", VECTORS), space.space_id)
    vocabulary = store.read("vocabulary", VOCABULARY) if config.inputs.vocabulary else None
    measures = measure_words(vectors, files, config, vocabulary=vocabulary)
    rows = to_rows(measures, space_id=space.space_id, job=store.job, entity="word")
    result = JobResult(space_id=space.space_id, lines=[str(measure) for measure in measures])
    result.rows_in["vectors"] = int(measures[0].value or 0)
    result.rows_out["quality_metrics"] = store.write_rows(
        rows, QUALITY_METRICS, part={"space_id": space.space_id, "job": store.job}
    )
    return store.finish(result)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
