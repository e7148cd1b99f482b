"""An executor or a driver that dies in mid-round changes nothing: the same bytes come out."""

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

from pipelines.cluster.session import open_session
from pipelines.training.rounds import RoundState

victim = sys.argv[1]
spark = open_session(
    "killed", master="local-cluster[2,1,1024]" if victim == "executor" else "local[2]",
    settings={
        "spark.executorEnv.PYTHONPATH": os.environ["PYTHONPATH"],
        "spark.sql.shuffle.partitions": "4",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        # in processes of seconds Java's second compiler takes half the CPU time
        "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
        "spark.executor.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
    },
    log_folder=Path.cwd(),
)
driver = os.getpid()


def mortal(task, partition, sends):
    '''Return the task, which kills the victim once, after so many results of a partition.'''
    mark = killed

    def run(given):
        for sent, result in enumerate(task(given)):
            about = TaskContext.get()
            is_time = (about.partitionId(), about.attemptNumber(), sent) == (partition, 0, sends)
            if is_time and not mark.exists():
                mark.write_text("killed")
                executor = next(p for p in psutil.Process().parents() if p.name() == "java")
                os.kill(executor.pid if victim == "executor" else driver, signal.SIGKILL)
            yield result

    return run


def patch(module, name, in_second, *, partition, sends):
    '''Make the tasks of the second round mortal.'''
    real = getattr(module, name)

    def made(*given):
        task = real(*given)
        return mortal(task, partition, sends) if in_second(*given) else task

    setattr(module, name, made)


def tell(trained, how):
    vectors = trained.vectors.orderBy("entity", "key").toArrow()["vector"].combine_chunks()
    print(json.dumps({"bytes": hashlib.sha256(vectors.flatten().to_numpy().tobytes()).hexdigest(),
                      "how": trained.measures[how]}))
"""
WORD2VEC = """
from pipelines.word2vec import native
from pipelines.word2vec.config import TrainWord2VecConfig, Word2VecInputs, Word2VecOutputs
from pipelines.word2vec.modes import packed_rounds, replicated_rounds, rotated_turns
from schemas import SENTENCES, VOCABULARY

patch(packed_rounds, "round_task", lambda settings, number, *_: number == 2, partition=0, sends=1)
patch(replicated_rounds, "train_task", lambda job, _: job.number == 2, partition=1, sends=2)
patch(rotated_turns, "turn_task", lambda job, _: job.number == 2, partition=1, sends=1)
rng = np.random.default_rng(5)
rows = [(str(n), "d", (rng.integers(0, 6, 20) + 6 * (n % 3)).tolist()) for n in range(600)]
tokens = [(n, f"t{n}", 700, 1) for n in range(18)]
config = TrainWord2VecConfig(
    inputs=Word2VecInputs(sentences="s", vocabulary="v"), outputs=Word2VecOutputs(vectors="v"),
    vector_size=8, max_iter=3, mode=mode, trainers=4, rounds=3, sample=0, tokens_per_round=1,
    threads=1,
)
frames = {
    "sentences": spark.createDataFrame(rows, SENTENCES.schema()),
    "vocabulary": spark.createDataFrame(tokens, VOCABULARY.schema()),
}
for place in places:
    tell(native.train(frames, config, RoundState(spark, place)), "mode")
"""
ALS = """
from pipelines.als import native
from pipelines.als.config import AlsInputs, AlsOutputs, TrainAlsConfig
from pipelines.als.layouts import half_sweeps, packed_fit
from schemas import INTERACTIONS, ITEM_IDS, USER_IDS

fit_task = packed_fit.fit_task
packed_fit.fit_task = lambda *given: fit_task(*given, 0.0)  # one sweep a job
patch(packed_fit, "fit_task", lambda fit, number, _: number == 2, partition=0, sends=1)
patch(half_sweeps, "half_task", lambda half: half.opposite == "round=2", partition=1, sends=1)
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
    outputs=AlsOutputs(vectors="v"), rank=8, max_iter=3, layout=mode, num_blocks=8,
)
for place in places:
    tell(native.train(frames, config, RoundState(spark, place)), "layout")
"""
MODES = [
    (WORD2VEC, "packed"),
    (WORD2VEC, "replicated"),
    (WORD2VEC, "rotated"),
    (ALS, "packed"),
    (ALS, "blocked"),
]
DEFAULT = [(WORD2VEC, "replicated"), (ALS, "packed")]


def train(tmp_path, victim, *asked):
    """Train in one process what is asked for; return its code and the results.

    Each of `asked` is a script, a mode and names of folders: under each name it is trained from the
    rounds kept there. The victim is killed under the first one, unless it was before.
    """
    script, marks = BEGIN, []
    for training, mode, *names in asked:
        places = [str(tmp_path / mode / name) for name in names]
        marks.append(tmp_path / mode / "killed")
        marks[-1].parent.mkdir(exist_ok=True)
        script += f"killed, mode, places = Path({str(marks[-1])!r}), {mode!r}, {places!r}\n"
        script += training
    done = subprocess.run(
        [sys.executable, "-c", script, victim],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert [mark.read_text() for mark in marks] == ["killed"] * len(marks), done.stderr[-3000:]
    return done.returncode, [
        json.loads(line) for line in done.stdout.splitlines() if line[:1] == "{"
    ]


def require_the_same(results, mode):
    """Require that a killed run and one that was not ended in the same bytes, in the mode asked."""
    killed, whole = results
    assert [each["how"].split(":")[0] for each in results] == [mode, mode]
    assert killed["bytes"] == whole["bytes"]


@pytest.mark.slow
@pytest.mark.parametrize(("script", "mode"), MODES)
def test_an_executor_killed_in_mid_round_leaves_the_same_bytes(tmp_path, script, mode):
    code, results = train(tmp_path, "executor", (script, mode, "dies", "lives"))
    assert code == 0
    require_the_same(results, mode)


@pytest.mark.parametrize(
    "trainings",
    [
        pytest.param(DEFAULT, id="default"),
        *(
            pytest.param([each], id=each[1], marks=pytest.mark.slow)
            for each in MODES
            if each not in DEFAULT
        ),
    ],
)
def test_a_driver_killed_in_mid_round_goes_on_to_the_same_bytes(tmp_path, trainings):
    for script, mode in trainings:  # all go on in one process: a session takes most of the time
        assert train(tmp_path, "driver", (script, mode, "dies")) == (-9, [])
        kept = {path.name for path in (tmp_path / mode / "dies").glob("round=*.json")}
        assert kept, "the rounds before it are there to go on from"
    code, results = train(tmp_path, "driver", *((*each, "dies", "lives") for each in trainings))
    assert code == 0
    for number, (_, mode) in enumerate(trainings):
        require_the_same(results[2 * number : 2 * number + 2], mode)
