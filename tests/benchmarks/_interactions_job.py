"""Both jobs of interactions of the vectormill of PYTHONPATH: `_interactions_job.py INPUT FOLDER`.

Of the other benchmarks it imports what needs no vectormill. `TIMES` of the environment is how often
each job runs in the one session (2: the second is warm), `SETTINGS` more settings of both jobs as
JSON, and `CORE` the least interactions. It prints seconds of each job's last run, and the number of
its Spark jobs.
"""

import json
import os
import sys
import time
from typing import Any

from _processor import processor_seconds

from jobs import build_interactions, clean_events

try:
    from pipelines.cluster.session import open_session
except ImportError:  # of before
    from pipelines.session import open_session  # type: ignore[no-redef]


def spark_jobs(spark: Any) -> int:
    """Return the number of Spark jobs that the session has started."""
    return int(spark.sparkContext._jsc.sc().dagScheduler().numTotalJobs())


def timed(spark: Any, job: Any, settings: dict[str, Any]) -> dict[str, Any]:
    """Run a job, and return its seconds, Spark jobs and rows."""
    config = job.CONFIG.model_validate(settings)
    spent, started, jobs = processor_seconds(), time.perf_counter(), spark_jobs(spark)
    result = job.run(spark, config)
    return {
        "wall": round(time.perf_counter() - started, 2),
        "cpu": round(processor_seconds() - spent, 2),
        "jobs": spark_jobs(spark) - jobs,
        "rows": {k: v for k, v in result.rows_out.items() if k != "run_counts"},
    }


def main() -> None:
    """Run both jobs in one session, and print the seconds of the last time."""
    source, folder = sys.argv[1:]
    more = json.loads(os.environ.get("SETTINGS", "{}"))
    spark = open_session("interactions", master="local[2]")
    row: dict[str, Any] = {}
    least = int(os.environ.get("CORE", "5"))
    for number in range(int(os.environ.get("TIMES", "2"))):
        events, out = f"{folder}/{number}/events", f"{folder}/{number}"
        clean = {"inputs": {"events": source}, "outputs": {"events": events}}
        row["clean_events"] = timed(spark, clean_events, clean | more)
        outputs = {"interactions": f"{out}/interactions"}
        build = {"inputs": {"events": events}, "outputs": outputs}
        core = dict.fromkeys(("min_user_interactions", "min_item_interactions"), least)
        row["build_interactions"] = timed(spark, build_interactions, build | core | more)
    print(json.dumps(row))


if __name__ == "__main__":
    main()
