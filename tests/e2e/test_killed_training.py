"""An executor or a driver that dies in mid-round changes nothing: the same bytes come out."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from survival.trainings import train

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import json, os, signal, sys, threading, time, traceback
from pathlib import Path

import psutil
from pyspark import TaskContext
from survival.trainings import train

from pipelines.als.layouts import half_sweeps, packed_fit
from pipelines.cluster.session import open_session
from pipelines.word2vec.modes import packed_rounds, replicated_rounds, rotated_turns

victim, folder, asked = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
spark = open_session(
    "killed", master="local-cluster[2,1,1024]" if victim == "executor" else "local[2]",
    settings={
        "spark.executorEnv.PYTHONPATH": os.environ["PYTHONPATH"],
        "spark.sql.shuffle.partitions": "4",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.driver.extraJavaOptions": os.environ["QUICK_JAVA"],
        "spark.executor.extraJavaOptions": os.environ["QUICK_JAVA"],
    },
    log_folder=Path.cwd(),
)
driver = os.getpid()
marks = {stage: folder / mode / "killed" for stage, mode in asked}


def mortal(task, mark, partition, sends):
    '''Return the task, which kills the victim once, after so many results of a partition.

    Of several trainings at once, the first one to be there waits for the others.
    '''
    waiting_for = list(marks.values())

    def run(given):
        for sent, result in enumerate(task(given)):
            about = TaskContext.get()
            is_time = (about.partitionId(), about.attemptNumber(), sent) == (partition, 0, sends)
            if is_time and not mark.exists():
                mark.write_text("killed")
                while not all(each.exists() for each in waiting_for):
                    time.sleep(0.05)
                executor = next(p for p in psutil.Process().parents() if p.name() == "java")
                os.kill(executor.pid if victim == "executor" else driver, signal.SIGKILL)
            yield result

    return run


def patch(stage, module, name, in_second, *, partition, sends):
    '''Make the tasks of the second round mortal.'''
    real = getattr(module, name)

    def made(*given):
        task = real(*given)
        return mortal(task, marks[stage], partition, sends) if in_second(*given) else task

    setattr(module, name, made)


fit_task = packed_fit.fit_task
packed_fit.fit_task = lambda *given: fit_task(*given, 0.0)  # one sweep a job
patch("word2vec", packed_rounds, "round_task", lambda settings, number, *_: number == 2,
      partition=0, sends=1)
patch("word2vec", replicated_rounds, "train_task", lambda job, _: job.number == 2,
      partition=1, sends=2)
patch("word2vec", rotated_turns, "turn_task", lambda job, _: job.number == 2,
      partition=1, sends=1)
patch("als", packed_fit, "fit_task", lambda fit, number, _: number == 2, partition=0, sends=1)
patch("als", half_sweeps, "half_task", lambda half: half.opposite == "round=2",
      partition=1, sends=1)


def run(stage, mode):
    try:
        for name in sys.argv[4:]:
            print(json.dumps(train(spark, stage, mode, folder / mode / name)), flush=True)
    except BaseException:
        traceback.print_exc()
        os._exit(1)  # others may wait for this one


threads = [threading.Thread(target=run, args=each) for each in asked]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""
MODES = [
    ("word2vec", "packed"),
    ("word2vec", "replicated"),
    ("word2vec", "rotated"),
    ("als", "packed"),
    ("als", "blocked"),
]
DEFAULT = [("word2vec", "replicated"), ("als", "packed")]


def train_and_kill(folder, victim, asked, *names):
    """Train in a process what is asked for, each under these names; return its code and results.

    The victim is killed once, when each training is in its second round.
    """
    for _, mode in asked:
        (folder / mode).mkdir()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, victim, str(folder), json.dumps(asked), *names],
        env=os.environ
        | {
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
            # in processes of seconds Java's second compiler takes half the CPU time
            "QUICK_JAVA": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 "
            "-XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote",
        },
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    for _, mode in asked:
        mark = folder / mode / "killed"
        assert mark.exists(), done.stderr[-3000:]
        assert mark.read_text() == "killed"
    return done.returncode, [
        json.loads(line) for line in done.stdout.splitlines() if line[:1] == "{"
    ]


def require_the_same(results, mode):
    """Require that a killed run and one that was not ended in the same bytes, in the mode asked."""
    killed, whole = results
    assert [each["how"].split(":")[0] for each in results] == [mode, mode]
    assert killed["bytes"] == whole["bytes"]


@pytest.mark.slow
@pytest.mark.parametrize("asked", MODES)
def test_an_executor_killed_in_mid_round_leaves_the_same_bytes(tmp_path, asked):
    code, results = train_and_kill(tmp_path, "executor", [asked], "dies", "lives")
    assert code == 0
    require_the_same(results, asked[1])


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(DEFAULT, id="default"),
        *(
            pytest.param([each], id=each[1], marks=pytest.mark.slow)
            for each in MODES
            if each not in DEFAULT
        ),
    ],
)
def test_a_driver_killed_in_mid_round_goes_on_to_the_same_bytes(spark, tmp_path, asked):
    assert train_and_kill(tmp_path, "driver", asked, "dies") == (-9, [])
    for _, mode in asked:
        kept = {path.name for path in (tmp_path / mode / "dies").glob("round=*.json")}
        assert kept, "the rounds before it are there to go on from"
    for stage, mode in asked:  # the suite's own process goes on
        names = ("dies", "lives")
        require_the_same([train(spark, stage, mode, tmp_path / mode / n) for n in names], mode)
