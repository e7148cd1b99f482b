"""An executor that dies in mid-round or mid-sweep changes nothing: the same bytes come out."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BEGIN = """
import hashlib, json, os, signal, sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import psutil
from pyspark import TaskContext

from pipelines.session import open_session
from pipelines.training.rounds import RoundState

mark, place = Path(sys.argv[1]), sys.argv[2]
spark = open_session(
    "lost executor", master="local-cluster[2,1,1024]",
    settings={"spark.executorEnv.PYTHONPATH": os.environ["PYTHONPATH"]}, log_folder=Path(place),
)


def mortal(task, sends):
    '''Return the task; its second one kills its executor once, after so many results.'''

    def run(given):
        for sent, result in enumerate(task(given)):
            about = TaskContext.get()
            is_time = (about.partitionId(), about.attemptNumber(), sent) == (1, 0, sends)
            if mark.name == "dies" and is_time:
                mark.write_text("an executor was killed")
                executor = next(p for p in psutil.Process().parents() if p.name() == "java")
                os.kill(executor.pid, signal.SIGKILL)
            yield result

    return run


def tell(trained, how):
    vectors = trained.vectors.orderBy("key").toArrow()["vector"].combine_chunks().flatten()
    print(json.dumps({"bytes": hashlib.sha256(vectors.to_numpy().tobytes()).hexdigest(),
                      "how": trained.measures[how]}))
"""
WORD2VEC = """
from pipelines.word2vec import native, replicated
from pipelines.word2vec.config import TrainWord2VecConfig, Word2VecInputs, Word2VecOutputs
from schemas import SENTENCES, VOCABULARY

real = replicated.train_task


def train_task(job, history):
    task = real(job, history)
    return mortal(task, 2) if job.number == 2 else task


replicated.train_task = train_task
rng = np.random.default_rng(5)
rows = [(str(n), "d", (rng.integers(0, 6, 20) + 6 * (n % 3)).tolist()) for n in range(600)]
tokens = [(n, f"t{n}", 700, 1) for n in range(18)]
config = TrainWord2VecConfig(
    inputs=Word2VecInputs(sentences="s", vocabulary="v"), outputs=Word2VecOutputs(vectors="v"),
    vector_size=8, max_iter=1, mode="replicated", trainers=4, rounds=3, sample=0,
)
frames = {
    "sentences": spark.createDataFrame(rows, SENTENCES.schema()),
    "vocabulary": spark.createDataFrame(tokens, VOCABULARY.schema()),
}
tell(native.train(frames, config, RoundState(spark, place)), "mode")
"""
ALS = """
from pipelines.als import blocked, native
from pipelines.als.config import AlsInputs, AlsOutputs, TrainAlsConfig
from schemas import INTERACTIONS, ITEM_IDS, USER_IDS

real = blocked.half_task
blocked.half_task = lambda half: (
    mortal(real(half), 1) if half.opposite == "round=2" else real(half)
)
rng, noon = np.random.default_rng(5), datetime(2026, 1, 1, 12, tzinfo=UTC)
pairs = [(u, i, 1.0, 1, noon, noon, "train") for u in range(200) for i in range(90)
         if rng.random() < (0.5 if u % 3 == i % 3 else 0.05)]
users, items = ([(n, f"{side}{n}", 1, False) for n in range(200)] for side in "ui")
frames = {
    "interactions": spark.createDataFrame(pairs, INTERACTIONS.schema()),
    "user_ids": spark.createDataFrame(users, USER_IDS.schema()),
    "item_ids": spark.createDataFrame(items, ITEM_IDS.schema()),
}
config = TrainAlsConfig(
    inputs=AlsInputs(interactions="i", user_ids="u", item_ids="d"),
    outputs=AlsOutputs(vectors="v"), rank=8, max_iter=3, layout="blocked", num_blocks=8,
)
tell(native.train(frames, config, RoundState(spark, place)), "layout")
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "how"), [(WORD2VEC, "replicated: 4 trainers, 1 thread"), (ALS, "blocked")]
)
def test_an_executor_killed_in_mid_round_leaves_the_same_bytes(tmp_path, script, how):
    found = []
    for name in ("lives", "dies"):
        done = subprocess.run(
            [sys.executable, "-c", BEGIN + script, str(tmp_path / name),
             str(tmp_path / f"{name}-rounds")],
            env=os.environ | {"PYTHONPATH": str(ROOT)}, cwd=tmp_path, capture_output=True,
            text=True, timeout=600, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        found.append(json.loads(done.stdout.strip().splitlines()[-1]))
    assert (tmp_path / "dies").read_text() == "an executor was killed"
    assert found[0]["how"].startswith(how)
    assert found[0] == found[1]
