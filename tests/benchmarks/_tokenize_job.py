"""`tokenize_corpus` on `local[2]` by the vectormill of PYTHONPATH: `... TEXTS FOLDER`.

TEXTS is a Parquet file of `doc_id, text`. The job runs on a hundredth of the texts to be warm, then
on all; printed are the seconds of the second run, of processors and of the clock, and its counts.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import psutil
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

ZEROS = {"LongType()": 0, "IntegerType()": 0, "DoubleType()": 0.0}


def cpu() -> float:
    """Return seconds of processors of this process and of those it started, as the JVM."""
    started = psutil.Process().children(recursive=True)
    return time.process_time() + sum(sum(one.cpu_times()[:2]) for one in started)


def write_documents(texts: DataFrame, folder: Path) -> None:
    """Write texts as the table `documents`; its other columns hold zeros."""
    from schemas import DOCUMENTS

    columns = [
        F.col(field.name)
        if field.name in ("doc_id", "text")
        else F.lit(ZEROS.get(str(field.dataType), "")).cast(field.dataType).alias(field.name)
        for field in DOCUMENTS.schema()
    ]
    texts.select(columns).write.format("delta").save(str(folder / "documents"))


def run_job(spark: SparkSession, folder: Path) -> dict[str, Any]:
    """Run the job; return the seconds and the counts."""
    from jobs.tokenize_corpus import run
    from pipelines.corpus.tokenizing.config import (
        TokenizeCorpusConfig,
        TokenizeInputs,
        TokenizeOutputs,
    )

    config = TokenizeCorpusConfig(
        inputs=TokenizeInputs(documents=str(folder / "documents")),
        outputs=TokenizeOutputs(
            sentences=str(folder / "sentences"),
            vocabulary=str(folder / "vocabulary"),
            run_counts=str(folder / "run_counts"),
        ),
    )
    busy, started = cpu(), time.perf_counter()
    result = run(spark, config)
    seconds = {"wall": time.perf_counter() - started, "cpu": cpu() - busy}
    return seconds | {"rows_out": dict(result.rows_out), "rejected": dict(result.rejected)}


def main() -> None:
    """Run the job twice and print what the second run took."""
    file, folder = sys.argv[1], Path(sys.argv[2])
    try:
        from pipelines.cluster.session import open_session
    except ModuleNotFoundError:  # where it was at first
        from pipelines.session import open_session  # type: ignore[no-redef]
    settings = {"spark.driver.memory": "3g", "spark.eventLog.enabled": "false"}
    spark = open_session("bench", master="local[2]", settings=settings, log_folder=folder)
    texts = spark.read.parquet(file)
    write_documents(texts.sample(0.01, seed=1).coalesce(1), folder / "small")
    write_documents(texts.repartition(8), folder / "whole")
    run_job(spark, folder / "small")
    print(json.dumps(run_job(spark, folder / "whole")))


if __name__ == "__main__":
    main()
