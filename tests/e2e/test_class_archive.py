"""Two sessions in fresh processes: the first writes the archive of classes, the second maps it."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.cluster import class_archive, delta_jars

SESSION = """
from pipelines.cluster.session import open_session
options = {"spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -Xlog:class+load:file=%s"}
spark = open_session("archive", master="local[1]", settings=options)
assert spark.range(3).count() == 3
"""


@pytest.mark.slow
def test_the_second_session_maps_the_classes_of_the_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    jars = class_archive.cache_folder() / delta_jars._list().name
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    class_archive.cache_folder().mkdir(parents=True)
    if jars.is_file():
        shutil.copy(jars, class_archive.cache_folder())
    loaded = [_from_jars(tmp_path / name) for name in ("first", "second")]
    assert loaded[1] < loaded[0] / 4, loaded


def _from_jars(log: Path) -> int:
    """Open a session and return how many of Spark's classes its JVM read from jars."""
    code = SESSION % log
    told = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert told.returncode == 0, told.stderr
    assert not told.stdout  # a warning of the JVM would mix with the job's JSON
    _wait_for_archive()
    lines = log.read_text().splitlines()
    return sum(" org.apache.spark." in line and "source: file:" in line for line in lines)


def _wait_for_archive() -> None:
    until = time.monotonic() + 240
    while time.monotonic() < until:
        if any(map(class_archive._is_complete, class_archive.cache_folder().glob("*.jsa"))):
            return
        time.sleep(0.5)
    pytest.fail("the JVM wrote no archive")
