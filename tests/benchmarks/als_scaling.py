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
import threading
from pathlib import Path
from typing import Any

import numpy as np
from _measuring import ROOT

sys.path.insert(0, str(ROOT))
from _interactions import Shape, generate, write_tables
from als import job
from pyspark.sql import SparkSession
from scaling import watched_memory

from pipelines.als import runs
from pipelines.session import open_session
from pipelines.training.stored import StoredRows

CASES = os.environ.get("CASES", "skew,growth,memory").split(",")


def session(folder: Path, master: str = "local[2]", tasks: int = 2) -> SparkSession:
    """Open a session whose tables and logs lie in a folder, with so many tasks a half-sweep."""
    settings = {
        "spark.driver.memory": "2g", "spark.local.dir": str(folder / "local"),
        "spark.default.parallelism": str(tasks),
    }  # fmt: skip
    return open_session("als scaling", master=master, settings=settings, log_folder=folder)


def data(spark: SparkSession, folder: Path, name: str, shape: Shape) -> Path:
    """Write generated tables into a folder of their own."""
    place = folder / name
    place.mkdir()
    write_tables(spark, generate(shape), place)
    return place


def skew(spark: SparkSession, folder: Path) -> dict[str, Any]:
    """Return the longest task's seconds over the median's of each blocked half-sweep."""
    shape = Shape(4_000_000, 500_000, 50_000, first_user_share=0.01, first_item_share=0.1)
    place, found = data(spark, folder, "skew", shape), []
    advance = runs.Blocked.advance

    def watching(self: Any, number: int, measured: Any) -> None:
        advance(self, number, measured)
        blocks = StoredRows(self.fit.folder).flat_json("measures", f"round={number + 1}")
        tasks: dict[int, float] = {}
        for block in blocks:
            tasks[block["task"]] = tasks.get(block["task"], 0.0) + block["seconds"]
        seconds = list(tasks.values())
        pieces = len(self.half(number + 1).pieces)
        found.append((max(seconds) / statistics.median(seconds), len(tasks), pieces))

    runs.Blocked.advance = watching  # type: ignore[method-assign]
    job(spark, place, "space", rank=64, max_iter=3, layout="blocked")
    runs.Blocked.advance = advance  # type: ignore[method-assign]
    return {
        "longest_over_median": [round(ratio, 2) for ratio, _, _ in found],
        "tasks": found[0][1], "pieces": [pieces for _, _, pieces in found],
    }  # fmt: skip


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
    """Return the driver's peak at ten thousand and a million users, on two executors."""
    found = {}
    for users in (10_000, 1_000_000):
        spark = session(folder, "local-cluster[2,1,2048]")
        place = data(spark, folder, f"memory-{users}", Shape(2_000_000, users, 5_000))
        peaks: dict[str, int] = {}
        stop = threading.Event()
        threading.Thread(target=watched_memory, args=(stop, peaks), daemon=True).start()
        job(spark, place, "space", rank=32, max_iter=2, layout="blocked")
        stop.set()
        spark.stop()
        found[f"{users:,} users"] = peaks
    return found


def main() -> None:
    """Run the cases that were asked for and write what they found."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for case, run, tasks in (("skew", skew, 16), ("growth", growth, 2)):
            if case in CASES:
                spark = session(folder, tasks=tasks)
                found[case] = run(spark, folder)
                print(case, json.dumps(found[case]), flush=True)
                spark.stop()
        if "memory" in CASES:
            found["memory"] = memory(folder)
            print("memory", json.dumps(found["memory"]), flush=True)
    target = ROOT / "build" / "bench" / "als_scaling.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(found, indent=1, default=lambda x: np.asarray(x).tolist()))


if __name__ == "__main__":
    main()
