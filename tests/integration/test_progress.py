"""What a job does is seen while it runs, by its own names."""

import io
import re
import threading
import time
from contextlib import contextmanager
from functools import reduce
from pathlib import Path

import pytest
from pyspark import StorageLevel
from pyspark.sql import DataFrame
from rich.console import Console

from pipelines.cluster import progress
from pipelines.cluster.progress import Progress
from pipelines.settings import JobConfig, Outputs
from pipelines.table_store import TableStore
from schemas import VOCABULARY

ROWS, TASKS = 400, 4
INTERNAL = re.compile(
    r"\$|anonfun| at |java|scala|py4j|jdbc|Native|ThreadPool|parquet|Delta|toPandas|collect|save",
    re.IGNORECASE,
)


class Shown(io.StringIO):
    """What is shown; a file is touched whenever that is the last task alone."""

    def __init__(self, mark):
        super().__init__()
        self.mark = mark

    def write(self, text):
        if f"{TASKS - 1}/{TASKS} tasks" in text:
            self.mark.touch()
        return super().write(text)


@pytest.fixture
def mark(tmp_path):
    return tmp_path / "shown"


@contextmanager
def watched(spark, title, mark, *, is_terminal=False):
    """Watch a block and give the lines shown, which are complete when it has ended."""
    shown, lines = Shown(mark), []
    console = Console(file=shown, force_terminal=is_terminal, width=200)
    with Progress(console, poll_seconds=0.02, line_seconds=0.05).watch(title, spark):
        yield lines
    lines += shown.getvalue().splitlines()


@pytest.fixture(scope="module")
def stored(spark, tmp_path_factory):
    """Return a folder of as many files as tasks, which Spark reads one a task."""
    folder = str(tmp_path_factory.mktemp("stored") / "rows")
    spark.range(0, ROWS, 1, TASKS).write.parquet(folder)
    return folder


def slow_last(mark):
    """Return a task that passes batches on; that of the highest row waits until it is shown alone.

    It waits half a second at least, and ten if it is never shown.
    """

    def run(batches):
        began = time.time()
        for batch in batches:
            if ROWS - 1 in batch.column("id").to_pylist():
                while time.time() < began + 10:
                    if mark.exists() and mark.stat().st_mtime > began + 0.5:
                        break
                    time.sleep(0.02)
            yield batch

    return run


def run_slowly(frame, mark):
    frame.mapInArrow(slow_last(mark), "id long").write.format("noop").mode("overwrite").save()


def read(spark, stored):
    """Read the files in a stage of one task for each."""
    files = sorted(str(path) for path in Path(stored).glob("*.parquet"))
    assert len(files) == TASKS
    return reduce(DataFrame.unionAll, map(spark.read.parquet, files))


@pytest.mark.parametrize("is_terminal", [True, False])
def test_measures_are_shown_until_the_next_ones(spark, mark, is_terminal):
    with watched(spark, "train_word2vec", mark, is_terminal=is_terminal) as lines:
        progress.report(round="1/3", loss=2.5, seconds_left=7)
        time.sleep(0.5)
        progress.report(round="2/3", loss=2.25, seconds_left=3)
        time.sleep(0.5)
    shown = "\n".join(lines)
    first = shown.index("round 1/3  loss 2.5  seconds_left 7")
    assert shown.rindex("round 2/3  loss 2.25  seconds_left 3") > first
    assert "train_word2vec" in shown
    progress.report(round="3/3")  # watched by nobody: no error


def test_rows_are_those_of_the_data(spark, stored, mark):
    frame = read(spark, stored)
    with watched(spark, "job", mark) as lines, progress.step("reading slowly"):
        run_slowly(frame, mark)
    assert any(
        re.match(r"job  reading slowly: 3/4 tasks, 300 rows, \d+ rows/s  ", x) for x in lines
    )
    counts = {int(n) for line in lines for n in re.findall(r"([\d,]+) rows,", line)}
    assert counts <= {100, 200, 300, 400}


def test_batches_of_a_persisted_frame_and_numbers_of_tasks_are_not_rows(spark, stored, mark):
    frame = read(spark, stored).persist(StorageLevel.DISK_ONLY)
    assert frame.count() == ROWS
    numbers = spark.range(0, ROWS, ROWS // TASKS, TASKS).selectExpr("id + 99 AS id")
    for source in (frame, numbers):
        with watched(spark, "job", mark) as lines, progress.step("reading"):
            run_slowly(source, mark)
        assert any("job  reading: 3/4 tasks  " in line for line in lines)
        assert not any("rows" in line for line in lines)
    frame.unpersist()


class Places(Outputs):
    vocabulary: str
    """Tokens."""


class Config(JobConfig):
    outputs: Places
    """Out."""


@pytest.mark.parametrize("form", ["delta", "parquet"])
def test_a_written_table_is_named_and_nothing_of_spark(spark, tmp_path, stored, mark, form):
    places = Places(vocabulary=str(tmp_path / "vocabulary"))
    store = TableStore(spark, Config(outputs=places, format=form), job="test")
    slow = read(spark, stored).mapInArrow(slow_last(mark), "id long").repartition(2)
    rows = slow.selectExpr("int(id) AS token_id", "'t' || id AS token", "1L AS count", "1L AS n")
    rows = rows.withColumnRenamed("n", VOCABULARY.column_names[3])
    with watched(spark, "tokenize_corpus", mark) as lines:
        slow.count()
        assert store.write(rows, VOCABULARY) == ROWS
    assert any(line.startswith("tokenize_corpus  writing vocabulary: ") for line in lines)
    assert any(re.match(r"tokenize_corpus  \d/4 tasks, 300 rows", line) for line in lines)
    assert [line for line in lines if INTERNAL.search(line)] == []


def test_threads_have_steps_of_their_own_and_what_was_described_is_again(spark, stored, mark):
    context, frame = spark.sparkContext, read(spark, stored)

    def write(name):
        with progress.step(name), progress.step(f"{name} in parts"):
            assert context.getLocalProperty("spark.job.description") == f"{name} in parts"
            run_slowly(frame, mark)

    threads = [threading.Thread(target=write, args=(name,)) for name in ("first", "second")]
    context.setJobDescription("mine")
    with watched(spark, "job", mark) as lines, progress.step("waiting"):
        for thread in threads:
            thread.start()
            time.sleep(1)
        for thread in threads:
            thread.join()
        time.sleep(0.2)
    assert context.getLocalProperty("spark.job.description") == "mine"
    context.setJobDescription(None)
    for name in ("first in parts: ", "second in parts: "):
        assert any(line.startswith(f"job  {name}") for line in lines)
    assert re.match(r"job  waiting  \d+ s", lines[-1])
    assert [line for line in lines if INTERNAL.search(line)] == []


def test_a_step_that_nobody_watches_is_described_to_spark(spark):
    with progress.step("writing"):
        assert spark.sparkContext.getLocalProperty("spark.job.description") == "writing"
    assert spark.sparkContext.getLocalProperty("spark.job.description") is None
