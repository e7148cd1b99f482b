"""Spark's Python workers leave what they imported out of the collection after each task."""

import gc
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator

import pyarrow as pa

from pipelines.cluster import worker_memory


def test_a_worker_freezes_what_outlives_its_first_task(spark):
    def count(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import gc
        import os

        import pipelines  # noqa: F401 - what every function of ours imports

        for _ in batches:
            pass
        kept = [[os.getpid()], [gc.get_freeze_count()], [len(gc.get_objects())]]
        yield pa.RecordBatch.from_arrays([pa.array(k) for k in kept], ["worker", "frozen", "seen"])

    found = {}
    for _ in range(4):  # of two tasks each: any worker has had another before
        rows = spark.range(0, 2, 1, 2).mapInArrow(count, "worker long, frozen long, seen long")
        found.update({row["worker"]: row for row in rows.collect()})
    most = max(found.values(), key=lambda row: row["frozen"])
    assert most["frozen"] > 10 * most["seen"] > 0


def test_a_collection_in_the_midst_of_a_task_freezes_nothing(monkeypatch):
    monkeypatch.setenv("SPARK_REUSE_WORKER", "1")
    monkeypatch.setattr(gc, "callbacks", [])
    before = gc.get_freeze_count()
    worker_memory.keep_imports_apart()
    assert len(gc.callbacks) == 1
    gc.callbacks[0]("stop", {"generation": 2})
    assert gc.get_freeze_count() == before


def test_other_processes_are_left_alone():
    code = (
        "import gc; before = len(gc.callbacks); import pipelines; print(len(gc.callbacks) - before)"
    )
    environment = {k: v for k, v in os.environ.items() if k != "SPARK_REUSE_WORKER"}
    told = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout == "0\n"
