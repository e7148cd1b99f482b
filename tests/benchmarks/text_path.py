"""From raw text to a staged space of three epochs, beside an older vectormill, and their vectors.

`make bench BENCH=text_path OLD=<worktree of an older vectormill>`. The text is the articles of
BENCH_DATA. The three jobs run in one session, on two cores, after a run on a few articles; then as
three processes, from their start to their end. Spaces trained by today's trainer, by three seeds,
on either's tables are judged by WordSim-353 and by analogies. PARTS names some of the parts.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import _measuring
import numpy as np
import pyarrow as pa
from _text8 import keyed, quality
from sources import measured

HERE = Path(__file__).resolve().parent
OLD = os.environ.get("OLD")
PARTS = os.environ.get("PARTS", "session,processes,vectors").split(",")
ARTICLES = _measuring.DATA / "text" / "enwiki2015_articles.jsonl.zst"
WARM = 12  # articles
SEEDS = 3
STEPS = (
    ("clean_corpus", {"inputs.corpus": "raw"}, ["documents"]),
    ("tokenize_corpus", {"inputs.documents": "documents"}, ["sentences", "vocabulary"]),
    (
        "train_word2vec",
        {"inputs.sentences": "sentences", "inputs.vocabulary": "vocabulary"},
        ["vectors"],
    ),
)
Row = dict[str, Any]


def write_texts(folder: Path) -> None:
    """Write all articles, and a few of them, as JSON lines."""
    for name in ("warm", "whole"):
        (folder / name).mkdir(parents=True)
    with pa.CompressedInputStream(pa.OSFile(str(ARTICLES)), "zstd") as stream:
        data = stream.read()
    (folder / "whole" / "articles.jsonl").write_bytes(data)
    few = list(islice(data.splitlines(keepends=True), WARM))
    (folder / "warm" / "articles.jsonl").write_bytes(b"".join(few))


def in_a_session(who: str, root: Path, folder: Path) -> Row:
    """Return the seconds of each job in one session."""
    script = [str(HERE / "_text_path_job.py"), str(folder / "raw"), str(folder / who)]
    found = measured(script, root, PYTHONPATH=str(root))
    print(who, found, file=sys.stderr)
    return found


def as_processes(root: Path, raw: Path, folder: Path) -> float:
    """Return the seconds of the three jobs as processes, one after the other."""
    command = "jobs.cli.command" if (root / "jobs" / "cli").is_dir() else "jobs.command"
    started = time.perf_counter()
    for job, inputs, outputs in STEPS:
        places = {n: raw if table == "raw" else folder / table for n, table in inputs.items()}
        places |= {f"outputs.{name}": folder / name for name in outputs}
        given = [part for name, at in places.items() for part in ("--set", f"{name}={at}")]
        subprocess.run(
            [sys.executable, "-m", command, job, "--master", "local[2]", *given],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(root), "PYSPARK_PYTHON": sys.executable},
            capture_output=True,
            check=True,
        )
    return time.perf_counter() - started


def scores(tables: Path) -> list[dict[str, float]]:
    """Return the quality of spaces of each seed, by today's trainer."""
    root = _measuring.ROOT
    script = [str(HERE / "_text_path_job.py"), "SPACES", str(tables), str(SEEDS)]
    found = measured(script, root, PYTHONPATH=str(root))
    print(tables.parent.name, found, file=sys.stderr)
    return [quality(_vectors(np.load(file))) for file in found["kept"]]


def _vectors(space: Any) -> Any:
    return keyed(space["words"].tolist(), space["matrix"])


def session_rows(found: dict[str, Row]) -> list[Row]:
    """Return a row for each job, and for all, of both kinds of seconds."""
    rows = []
    for kind in ("wall", "cpu"):
        new, old = ({job: s[kind] for job, s in found[who].items()} for who in ("new", "old"))
        new["all"], old["all"] = sum(new.values()), sum(old.values())
        rows += [row(f"{job}, one session", f"seconds, {kind}", new[job], old[job]) for job in new]
    return rows


def row(case: str, metric: str, ours: float, value: float, **quality: Any) -> Row:
    """Return a row of the table."""
    return {
        "case": case, "metric": metric, "ours": ours,
        "peer": "the older one", "peer_value": value, "quality": quality,
    }  # fmt: skip


def vector_rows(folder: Path) -> list[Row]:
    """Return rows of the scores on both kinds of tables, means over seeds."""
    found = {who: scores(folder / who / "whole") for who in ("new", "old")}
    rows = []
    for score in ("wordsim", "analogy"):
        each = {who: [one[score] for one in by_seed] for who, by_seed in found.items()}
        means = {who: float(np.mean(values)) for who, values in each.items()}
        rows.append(row("vectors", score, means["new"], means["old"], **each))
    return rows


def main() -> None:
    """Run the parts."""
    if not OLD:
        sys.exit("error: OLD names a worktree of an older vectormill")
    roots = {"new": _measuring.ROOT, "old": Path(OLD)}
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_texts(folder / "raw")
        if {"session", "vectors"} & set(PARTS):
            rows += session_rows({who: in_a_session(who, at, folder) for who, at in roots.items()})
        if "processes" in PARTS:
            seconds = {}
            for who, root in roots.items():
                (folder / f"{who}_alone").mkdir()
                seconds[who] = as_processes(root, folder / "raw" / "whole", folder / f"{who}_alone")
                print(who, json.dumps(seconds[who]), file=sys.stderr)
            rows.append(row("three processes", "seconds, wall", seconds["new"], seconds["old"]))
        if "vectors" in PARTS:
            rows += vector_rows(folder)
    _measuring.write("text_path", rows)


if __name__ == "__main__":
    main()
