"""The demo's workflow, on a part of its source: killed and repeated, again, and on a cluster."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from pyspark.sql import SparkSession

from jobs.cli import command

pytestmark = pytest.mark.slow  # its parts have quicker tests; whole, it takes ten minutes

ROOT = Path(__file__).resolve().parents[2]
FLOW = ROOT / "conf" / "workflows" / "demo.yaml"
SMALL = (
    "harvest_python.packages=[]",
    "harvest_python.max_files=150",
    "train_word2vec.vector_size=16",
    "train_word2vec.max_iter=10",  # five leave words of so little text in one direction
    "train_als.rank=8",
    "find_neighbours.queries=[function, file]",
    "recommend_items.similar_users=[asyncio/locks.py]",
    "recommend_items.similar_items=[append]",
)
EXACT = (
    "documents",
    "sentences",
    "vocabulary",
    "events",
    "interactions",
    "sessions",
    "user_ids",
    "item_ids",
)
PUBLISHED = ("word_vectors", "recommender_vectors")


def _arguments(root: Path) -> list[str]:
    sets = [f"parameters.root={root}", *SMALL]
    return ["run", str(FLOW), *(part for text in sets for part in ("--set", text))]


def _run(root: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert command.main(_arguments(root)) == 0, capsys.readouterr()
    return capsys.readouterr().out


def _kill_after(step: str, root: Path) -> None:
    """Start a run and kill all its processes when the step after this one is at work."""
    process = subprocess.Popen(
        [sys.executable, "-m", "jobs.cli.command", *_arguments(root)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    told = []
    for line in process.stdout:
        told.append(line)
        if line.startswith(f"{step}: "):
            break
    else:
        pytest.fail(f"the run ended before {step}: {''.join(told)[-4000:]}")
    time.sleep(3)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the root of the local runs."""
    return tmp_path_factory.mktemp("local")


def _table(root: Path, name: str) -> pl.DataFrame:
    return pl.read_delta(str(root / "tables" / name))


def _spaces(root: Path) -> dict[str, list[str]]:
    return {name: _table(root, name)["space_id"].unique().to_list() for name in PUBLISHED}


def test_a_run_killed_in_its_middle_and_repeated_ends_in_one_space_per_table(
    spark: SparkSession, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _kill_after("build_interactions", root)
    assert not (root / "report.html").exists(), "killed too late: nothing would be shown"
    _run(root, capsys)
    assert all(len(spaces) == 1 for spaces in _spaces(root).values())
    registry = _table(root, "embedding_spaces")
    assert registry.filter(pl.col("state") == "published").height == 2
    assert (root / "report.html").stat().st_size > 50_000
    header = (root / "exports" / "word_vectors.txt").read_text("utf-8").split("\n", 1)[0]
    assert header == f"{_table(root, 'word_vectors').height} 16"


def test_running_again_trains_nothing_anew(
    spark: SparkSession, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, history = _spaces(root), _table(root, "training_history")
    told = _run(root, capsys)
    assert told.count("this space was trained before") == 2
    assert _spaces(root) == before
    assert _table(root, "training_history").equals(history)


def test_a_cluster_gives_what_local_mode_gives(
    root: Path, submit: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    cluster = tmp_path / "cluster"
    submit("cli/command", *_arguments(cluster))
    for name in EXACT:
        here, there = (_sorted(_table(folder, name)) for folder in (root, cluster))
        assert here.height > 0
        assert here.equals(there), name
    for name in PUBLISHED:
        assert _overlap(_table(root, name), _table(cluster, name)) > 0.6, name


def _sorted(frame: pl.DataFrame) -> pl.DataFrame:
    flat = [n for n, kind in frame.schema.items() if not isinstance(kind, pl.List | pl.Struct)]
    return frame.sort(flat)


def _overlap(one: pl.DataFrame, other: pl.DataFrame, *, k: int = 10) -> float:
    """Return the mean share of the ten nearest that two spaces agree on, over the first keys."""
    neighbours = []
    for frame in (one, other):
        ordered = frame.sort("entity", "key")
        matrix = np.stack(ordered["vector"].to_numpy())
        matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
        neighbours.append(np.argsort(-(matrix[:200] @ matrix.T), axis=1)[:, 1 : k + 1])
    assert (
        one.select("entity", "key")
        .sort("entity", "key")
        .equals(other.select("entity", "key").sort("entity", "key"))
    )
    pairs = zip(*neighbours, strict=True)
    return float(np.mean([len(np.intersect1d(a, b)) / k for a, b in pairs]))
