"""A driver that is killed around its commits: readers see the old, the new, or a refusal."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from survival.runs import OUTPUTS, prepare, rows_of, settings, work

from pipelines.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import importlib, json, os, signal, sys
from pathlib import Path
from pipelines.cluster.session import open_session
from pipelines.storage.delta.delta_staging import StagedDelta
from pipelines.storage.staging import _StagedParquet
from pipelines.table_store import TableStore

folder, job, tree, commits = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
done = []

def mortal(real, is_commit):
    def commit(self, *given, **named):
        if len(done) == commits:
            (folder / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if is_commit:
            done.append(self)
        return real(self, *given, **named)
    return commit

for kind in (StagedDelta, _StagedParquet):
    kind.commit = mortal(kind.commit, True)
TableStore.write_rows = mortal(TableStore.write_rows, False)
spark = open_session("killed", master="local[2]", log_folder=folder, settings={
    "spark.sql.shuffle.partitions": "2", "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false", "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"})
module = importlib.import_module(f"jobs.{job}")
module.run(spark, module.CONFIG.model_validate(json.loads(tree)))
"""
CASES = [*((job, "delta") for job in OUTPUTS), ("tokenize_corpus", "parquet")]


def kill(folder, job, stored, commits):
    """Run a job in a process of its own, which is killed when it has made so many commits."""
    tree = json.dumps(settings(folder, job, stored))
    killed = folder / "killed"
    killed.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder), job, tree, str(commits)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert killed.exists(), done.stderr[-3000:]
    assert done.returncode == -9


@pytest.mark.slow
@pytest.mark.parametrize(("job", "stored"), CASES)
def test_a_driver_killed_around_its_commits_leaves_the_old_the_new_or_a_refusal(
    spark, tmp_path, job, stored
):
    """Each killed run finds what the one before it has left, as the next run of a user does."""
    prepare(spark, tmp_path, job, 9)
    work(spark, tmp_path, job, stored)
    old = rows_of(spark, tmp_path, job)
    prepare(spark, tmp_path, job, 12)

    kill(tmp_path, job, stored, 0)
    assert rows_of(spark, tmp_path, job) == old

    kill(tmp_path, job, stored, 1)
    if job == "build_interactions":
        rows_of(spark, tmp_path, job)  # its first table, the ids, may be ahead
    else:
        with pytest.raises(InputError, match=f"run {job} again"):
            rows_of(spark, tmp_path, job)

    kill(tmp_path, job, stored, len(OUTPUTS[job]))
    new = rows_of(spark, tmp_path, job)
    assert new != old

    work(spark, tmp_path, job, stored)
    assert rows_of(spark, tmp_path, job) == new
    assert not (tmp_path / "out" / f".{job}.intent.json").exists()
