"""ALS: growth with interactions, skewed data, and memory from ten thousand users to a million.

`CASES` of the environment names cases.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # one BLAS thread per thread, as design has it

import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from _measuring import ROOT
from _memory import peaks_of

sys.path.insert(0, str(ROOT))
from _interactions import Shape, generate, write_tables
from als import job
from pyspark.sql import SparkSession

from pipelines.als.layouts import runs
from pipelines.cluster.session import open_session

CASES = os.environ.get("CASES", "skew,growth,memory,partial").split(",")
_SKIPPED = 50


def session(folder: Path, master: str = "local[2]") -> SparkSession:
    """Open a session whose tables and logs lie in a folder."""
    settings = {"spark.driver.memory": "2g", "spark.local.dir": str(folder / "local")}
    return open_session("als scaling", master=master, settings=settings, log_folder=folder)


def data(spark: SparkSession, folder: Path, name: str, shape: Shape) -> Path:
    """Write generated tables into a folder of their own."""
    place = folder / name
    place.mkdir()
    write_tables(spark, generate(shape), place)
    return place


def durations(spark: SparkSession, first: int) -> dict[int, list[float]]:
    """Return the seconds of each task, by stage, of all stages from a number on."""
    store: Any = spark.sparkContext._jsc.sc().statusStore()  # type: ignore[union-attr]
    found, stage = dict[int, list[float]](), first
    while stage < max(found, default=first) + _SKIPPED:  # stages that were skipped have no task
        tasks = store.taskList(stage, 0, 10_000)
        seconds = [tasks.apply(n).duration().get() / 1000 for n in range(tasks.size())]
        if seconds:
            found[stage] = seconds
        stage += 1
    return found


def skew(spark: SparkSession, folder: Path) -> dict[str, Any]:
    """Return the longest task's seconds over the median's, of each blocked half-sweep's stages."""
    shape = Shape(4_000_000, 500_000, 50_000, first_user_share=0.01, first_item_share=0.1)
    place, found = data(spark, folder, "skew", shape), []
    advance = runs.BlockedFit.advance

    def watching(self: Any, number: int, measured: Any) -> None:
        first = max(durations(spark, 0)) + 1
        advance(self, number, measured)
        if number:  # the first one also makes what the fit begins with, and compiles
            found.extend(
                {
                    "half_sweep": number + 1,
                    "tasks": len(seconds),
                    "longest": max(seconds),
                    "median": statistics.median(seconds),
                }
                for seconds in durations(spark, first).values()
            )

    runs.BlockedFit.advance = watching  # type: ignore[method-assign]
    job(spark, place, "space", rank=64, max_iter=4, layout="blocked", threads=1)
    runs.BlockedFit.advance = advance  # type: ignore[method-assign]
    ratios = [one["longest"] / one["median"] for one in found]
    return {"longest_over_median": [round(ratio, 2) for ratio in ratios], "stages": found}


def growth(spark: SparkSession, folder: Path) -> dict[str, Any]:
    """Return seconds per iteration from 1M to 8M interactions of the same users and items."""
    found = {}
    for millions in (1, 2, 4, 8):
        place = data(spark, folder, f"growth-{millions}", Shape(pairs=millions * 1_000_000))
        times = [
            job(spark, place, f"s{n}", rank=64, max_iter=n, layout="packed")[0] for n in (1, 2, 22)
        ]
        found[f"{millions}M"] = round((times[2] - times[1]) / 20, 3)
    return found


def memory(folder: Path) -> dict[str, Any]:
    """Return peaks of the job on two executors, from ten thousand users to a million."""
    found = {}
    for users in (10_000, 100_000, 1_000_000):
        spark = session(folder)
        place = data(spark, folder, f"memory-{users}", Shape(2_000_000, users, 5_000))
        spark.stop()
        settings = {f"inputs.{n}": place / n for n in ("interactions", "user_ids", "item_ids")} | {
            "outputs.vectors": place / "vectors",
            "rank": 64,
            "max_iter": 2,
            "layout": "blocked",
            "num_blocks": 64,
        }
        found[f"{users:,} users"] = peaks_of("train_als", settings, folder)
    return found


def partial(folder: Path) -> dict[str, Any]:
    """Return seconds per iteration and peaks where two executors hold only rows that they need."""
    spark = session(folder)
    place = data(spark, folder, "partial", Shape(8_000_000, 2_000_000, 50_000))
    spark.stop()
    settings = {f"inputs.{n}": place / n for n in ("interactions", "user_ids", "item_ids")} | {
        "rank": 64,
        "layout": "blocked",
    }
    found = [
        peaks_of(
            "train_als",
            settings | {"outputs.vectors": place / f"s{number}" / "vectors", "max_iter": count},
            folder,
        )
        for number, count in enumerate((1, 1, 4))  # the first compiles
    ]
    a_sweep = (found[2]["seconds"] - found[1]["seconds"]) / 3
    return found[2] | {"seconds_per_iteration": round(a_sweep, 1)}


def main() -> None:
    """Run the cases that were asked for and write what they found."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # eight slots on two cores: as many tasks as an executor of eight cores has, sharing alike
        for case, run, master in (("skew", skew, "local[8]"), ("growth", growth, "local[2]")):
            if case in CASES:
                spark = session(folder, master)
                found[case] = run(spark, folder)
                print(case, json.dumps(found[case]), flush=True)
                spark.stop()
        for case, measure in (("memory", memory), ("partial", partial)):
            if case in CASES:
                found[case] = measure(folder)
                print(case, json.dumps(found[case]), flush=True)
    target = ROOT / "build" / "bench" / "als_scaling.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
