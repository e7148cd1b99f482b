"""What jobs cost on tiny inputs, beside Spark's own Delta write and read of the same tables.

`JOBS` of the environment names the jobs, `FRESH=1` starts each run in a JVM of its own, `TRACE=1`
lists the Spark jobs of one warm run with their call sites.
"""

import importlib
import json
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _measuring
from pyspark.sql import DataFrame, SparkSession

from pipelines.cluster.session import open_session

sys.path.insert(0, str(_measuring.ROOT / "tests"))
runs = importlib.import_module("survival.runs")

RECORDS = 50
KEPT = "kept.pickle"
_measuring.REPETITIONS = int(os.environ.get("REPETITIONS", "5"))


def session(folder: Path) -> SparkSession:
    """Open a session as a job on the command line does."""
    return open_session("fixed cost", master="local[2]", log_folder=folder)


def jobs_so_far(spark: SparkSession) -> int:
    """Return the number of Spark jobs that the session has started."""
    context: Any = spark.sparkContext._jsc
    return int(context.sc().dagScheduler().numTotalJobs())


def trace(spark: SparkSession, since: int) -> None:
    """Print the Spark jobs from a number on."""
    context: Any = spark.sparkContext._jsc
    listed = context.sc().statusStore().jobsList(None)
    found = [listed.apply(n) for n in range(listed.size())]
    for job in sorted(found, key=lambda job: job.jobId()):
        if job.jobId() >= since:
            about = job.description().get() if job.description().isDefined() else ""
            print(f"  {job.jobId() - since:3} {job.name()} | {about[:90]!r}")


def outputs(spark: SparkSession, folder: Path, job: str) -> dict[str, DataFrame]:
    """Return rows of a job's tables that wait in the driver; keep them for fresh sessions too."""
    found = {}
    for name in (*runs.OUTPUTS[job], "run_counts"):
        frame = spark.read.format("delta").load(f"{folder}/out/{name}")
        found[name] = (frame.collect(), frame.schema)
    (folder / KEPT).write_bytes(pickle.dumps(found))
    return waiting(spark, folder)


def waiting(spark: SparkSession, folder: Path) -> dict[str, DataFrame]:
    """Return frames of the rows that `outputs` kept."""
    kept = pickle.loads((folder / KEPT).read_bytes())  # noqa: S301  (written above)
    return {name: spark.createDataFrame(*given).coalesce(1) for name, given in kept.items()}


def replace_and_read(spark: SparkSession, folder: Path, frames: dict[str, DataFrame]) -> None:
    """Replace tables by Spark's own writer, and read them."""
    for name, frame in frames.items():
        frame.write.format("delta").mode("overwrite").save(f"{folder}/floor/{name}")
        spark.read.format("delta").load(f"{folder}/floor/{name}").collect()


def timed(spark: SparkSession, run: Callable[[], Any], counts: list[int]) -> float:
    """Return the seconds of a run, and set the number of its Spark jobs."""
    before, start = jobs_so_far(spark), time.perf_counter()
    run()
    counts[:] = [jobs_so_far(spark) - before]
    return time.perf_counter() - start


def warm(spark: SparkSession, folder: Path, job: str) -> dict[str, Any]:
    """Measure a job, and the floor, in a session where each has run three times before."""
    runs.prepare(spark, folder, job, RECORDS)
    for _ in range(3):
        runs.work(spark, folder, job, "delta")
    frames = outputs(spark, folder, job)
    for _ in range(3):
        replace_and_read(spark, folder, frames)
    ours: list[int] = []
    floor: list[int] = []
    seconds = _measuring.paired(
        lambda: timed(spark, lambda: runs.work(spark, folder, job, "delta"), ours),
        lambda: timed(spark, lambda: replace_and_read(spark, folder, frames), floor),
    )
    if os.environ.get("TRACE"):
        trace(spark, jobs_so_far(spark) - floor[0] - ours[0])
    found = row(f"{job}, warm", seconds, {"jobs": ours[0], "jobs of the floor": floor[0]})
    print(json.dumps(found), flush=True)
    return found


def row(case: str, seconds: list[float], quality: dict[str, Any]) -> dict[str, Any]:
    """Return a row of the table."""
    return {
        "case": case,
        "metric": "seconds",
        "ours": seconds[0],
        "peer": "Delta write and read",
        "peer_value": seconds[1],
        "quality": quality,
    }


def fresh(folder: Path, job: str) -> dict[str, Any]:
    """Measure a job, and a Delta write and read of its tables, each with its JVM's start."""
    return row(f"{job}, fresh", _measuring.paired(*(_alone(folder, n) for n in (job, "floor"))), {})


def _alone(folder: Path, what: str) -> Callable[[], float]:
    def run() -> float:
        start = time.perf_counter()
        command = [sys.executable, __file__, str(folder), what]
        subprocess.run(command, check=True)
        return time.perf_counter() - start

    return run


def alone(folder: Path, what: str) -> None:
    """Run a job, or the floor of fresh sessions, once."""
    spark = session(folder)
    if what == "floor":
        replace_and_read(spark, folder, waiting(spark, folder))
    else:
        runs.work(spark, folder, what, "delta")
    spark.stop()


def main() -> None:
    """Measure each job."""
    if len(sys.argv) > 1:
        alone(Path(sys.argv[1]), sys.argv[2])
        return
    names = os.environ.get("JOBS", ",".join(runs.OUTPUTS)).split(",")
    with tempfile.TemporaryDirectory() as scratch:
        places = {name: Path(scratch) / name for name in names}
        for place in places.values():
            place.mkdir()
        spark = session(Path(scratch))
        rows = [warm(spark, place, name) for name, place in places.items()]
        spark.stop()
        if os.environ.get("FRESH"):
            rows += [fresh(place, name) for name, place in places.items()]
    _measuring.write("fixed_cost", rows)


if __name__ == "__main__":
    main()
