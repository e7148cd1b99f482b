"""One Spark session for the whole suite, as a user's local mode has it."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from pyspark.sql import SparkSession
from threadpoolctl import threadpool_limits

from pipelines.cluster.session import open_session

pytest.register_assert_rewrite("troubles")

# a process of pytest-xdist has no main file, and PySpark's Connect part then ends the process
sys.modules["__main__"].__dict__.setdefault("__file__", __file__)

# an example that compiles a kernel, or a busy machine, is not a failure
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")

# begun last, one of them would be waited for by a process that has nothing to do; the first one
# compiles a kernel that the third one needs too
LONGEST = (
    "test_compiling.py",
    "test_train_word2vec.py",
    "test_train_als.py",
    "test_killed_training.py",
    "test_spark_submit.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONGEST)))


@pytest.fixture(scope="session", autouse=True)
def own_cores() -> Iterator[None]:
    """Give each process of pytest-xdist its part of the cores: threads of OpenMP spin to wait."""
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    with threadpool_limits(max(1, (os.cpu_count() or 1) // processes)):
        yield


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """Return a session on two local cores, UTC, ANSI, four shuffle partitions, Delta."""
    scratch: Path = tmp_path_factory.mktemp("spark")
    session = open_session(
        "tests",
        master="local[2]",
        settings={
            "spark.sql.shuffle.partitions": "4",
            # tiny queries by the hundred: compiling each one well costs more than running it,
            # and Java's second compiler alone takes a third of the CPU time; the first one would
            # have room for 48 MB of code, and these tests need more
            "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 "
            # the check of each class of Spark's jars takes two seconds a start
            "-XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote "
            "-XX:ReservedCodeCacheSize=240m -XX:MetaspaceSize=256m -Xms768m",
            "spark.sql.codegen.wholeStage": "false",
            "spark.sql.codegen.factoryMode": "NO_CODEGEN",
            "spark.sql.adaptive.enabled": "false",  # the end-to-end tests have it
            "spark.sql.ui.explainMode": "simple",  # nobody looks at the plan of each query
            "spark.eventLog.enabled": "false",
            "spark.driver.memory": "2g",
            "spark.sql.warehouse.dir": str(scratch / "warehouse"),
            "spark.local.dir": str(scratch / "local"),
        },
        log_folder=scratch,
    )
    yield session
    session.stop()
