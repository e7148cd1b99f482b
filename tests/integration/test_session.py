"""The one builder of sessions: defaults, Java, Delta, and what it refuses."""

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pyspark
import pytest
from pyspark import SparkConf
from pyspark.sql import SparkSession

from pipelines.cluster import delta_jars, session
from pipelines.errors import ConfigError, DependencyError


def _java(home: Path, version: str) -> Path:
    """Make a Java that tells its version as the real one does."""
    (home / "bin").mkdir(parents=True)
    program = home / "bin" / "java"
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n")
    program.chmod(0o755)
    return home


@pytest.fixture
def no_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Leave no Java to be found but what a test puts into the returned folder."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(session, "_JAVA_HOMES", (str(tmp_path / "usual"),))
    return tmp_path


@pytest.mark.parametrize(
    ("version", "is_found"),
    [
        ("17.0.15", True),
        ("21", True),
        ("21.0.2", True),
        ("11.0.1", False),
        ("1.8.0_392", False),
        ("25", False),
        ("170", False),
    ],
)
def test_only_java_17_and_21_will_do(no_java: Path, version: str, is_found: bool) -> None:
    home = _java(no_java / "usual" / "some-jdk", version)
    assert session.find_java() == (str(home) if is_found else None)


def test_java_home_comes_before_path_and_path_before_the_usual_places(
    no_java: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = _java(no_java / "usual" / "jdk" / "Contents" / "Home", "17.0.1")
    assert session.find_java() == str(usual)
    on_path = _java(no_java / "somewhere", "21")
    (no_java / "path").mkdir()
    (no_java / "path" / "java").symlink_to(on_path / "bin" / "java")
    assert session.find_java() == str(on_path)
    wrong = _java(no_java / "old", "11")
    monkeypatch.setenv("JAVA_HOME", str(wrong))
    assert session.find_java() == str(on_path), "a wrong JAVA_HOME is passed over"
    chosen = _java(no_java / "chosen", "17")
    monkeypatch.setenv("JAVA_HOME", str(chosen))
    assert session.find_java() == str(chosen)


def test_a_missing_java_is_told_with_its_fix(no_java: Path) -> None:
    with pytest.raises(DependencyError, match=r"no Java 17 or 21 found.*apt-get install") as caught:
        session._prepare_environment("local[2]")
    assert caught.value.exit_code == 6


@pytest.mark.parametrize(
    ("spark_version", "expected"),
    [("4.2.0", "4.2"), ("4.0.1", "4.0"), ("4.1.0.dev1", "4.1")],
)
def test_deltas_coordinates_follow_the_installed_versions(
    monkeypatch: pytest.MonkeyPatch, spark_version: str, expected: str
) -> None:
    monkeypatch.setattr(pyspark, "__version__", spark_version)
    monkeypatch.setattr(delta_jars, "version", {"delta-spark": "4.4.0"}.__getitem__)
    assert delta_jars.coordinates() == f"io.delta:delta-spark_{expected}_2.13:4.4.0"


def test_a_running_session_is_used_as_it_is(spark: SparkSession) -> None:
    again = session.open_session("other", master="local[7]", settings={"spark.x": "y"})
    assert again is spark
    assert spark.sparkContext.master == "local[2]"


@pytest.mark.parametrize("master", ["sc://host:15002", None])
def test_spark_connect_is_refused(master: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if master is None:
        monkeypatch.setenv("SPARK_REMOTE", "sc://host")
    with pytest.raises(ConfigError, match="Spark Connect sessions are not supported"):
        session.open_session("x", master=master)


def test_a_session_without_delta_is_refused() -> None:
    bare: Any = SimpleNamespace(conf=SimpleNamespace(get=lambda *_: ""))
    with pytest.raises(DependencyError, match="without Delta's catalog"):
        session._checked(bare)


def test_the_session_has_the_promised_defaults(spark: SparkSession) -> None:
    for key, value in {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.files.ignoreCorruptFiles": "false",
        "spark.sql.shuffle.partitions": "4",
        "spark.databricks.delta.snapshotPartitions": "1",
        "spark.sql.parquet.compression.codec": "zstd",
    }.items():
        assert spark.conf.get(key) == value, key


def test_the_users_settings_outrank_the_defaults_and_local_ones_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(delta_jars, "remembered", lambda: None)
    local = dict(_first(session._defaults(_conf("local[2]"), tmp_path)))
    assert local["spark.jars.packages"] == delta_jars.coordinates()
    assert local["spark.eventLog.dir"] == (tmp_path / "spark-events").as_uri()
    assert local["spark.driver.memory"].endswith("g")
    remote = dict(_first(session._defaults(_conf("yarn"), None)))
    assert remote["spark.eventLog.enabled"] == "false"
    assert "spark.driver.memory" not in remote
    assert "spark.databricks.delta.snapshotPartitions" not in remote
    offline = _conf("local[2]").set("spark.jars", "/jars/delta.jar")
    assert "spark.jars.packages" not in dict(session._defaults(offline, None))
    monkeypatch.setattr(delta_jars, "remembered", lambda: "/cache/delta.jar")
    assert dict(session._defaults(_conf("local"), None))["spark.jars"] == "/cache/delta.jar"


def _conf(master: str) -> SparkConf:
    return SparkConf(loadDefaults=False).set("spark.master", master)


def _first(pairs: Iterator[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in pairs:
        found.setdefault(key, value)
    return found


def test_remembered_jars_count_only_while_all_are_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert delta_jars.remembered() is None
    for name in ("a.jar", "b.jar"):
        (tmp_path / name).touch()
    told: Any = SimpleNamespace(
        conf=SimpleNamespace(
            get={
                "spark.jars.packages": delta_jars.coordinates(),
                "spark.jars": f"file://{tmp_path}/a.jar,file://{tmp_path}/b.jar",
            }.get
        )
    )
    delta_jars.remember(told)
    assert delta_jars.remembered() == f"{tmp_path}/a.jar,{tmp_path}/b.jar"
    (tmp_path / "b.jar").unlink()
    assert delta_jars.remembered() is None


def test_one_process_at_a_time_resolves_jars(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    order = []

    def start() -> None:
        with delta_jars.resolved_once():
            order.append("second")

    with ThreadPoolExecutor(1) as pool:
        with delta_jars.resolved_once():
            waiting = pool.submit(start)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.3)
            order.append("first")
        waiting.result(timeout=30)
    assert order == ["first", "second"]
    monkeypatch.setattr(delta_jars, "remembered", lambda: "/cache/delta.jar")
    with delta_jars.resolved_once(), delta_jars.resolved_once():  # nothing is left to wait for
        pass


def test_shortages_name_the_setting(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plenty = SimpleNamespace(available=8 << 30, free=80 << 30)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: plenty)
    monkeypatch.setattr(session.shutil, "disk_usage", lambda _: plenty)
    assert list(session.shortages(spark, tmp_path / "not" / "yet")) == []
    little = SimpleNamespace(available=1 << 29, free=1 << 30)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: little)
    monkeypatch.setattr(session.shutil, "disk_usage", lambda _: little)
    memory, scratch, outputs = session.shortages(spark, tmp_path / "not" / "yet")
    assert "0.5 GiB of memory are free" in memory
    assert "spark.driver.memory" in memory
    assert "spark.local.dir" in scratch
    assert "outputs (--set)" in outputs


def test_the_jvms_errors_go_to_the_log_and_ours_do_not(tmp_path: Path) -> None:
    before = os.fstat(2)
    with session._errors_to(tmp_path):
        subprocess.run(["sh", "-c", "echo from a child >&2"], check=True)
    assert (tmp_path / "spark.log").read_text(encoding="utf-8") == "from a child\n"
    after = os.fstat(2)
    assert (before.st_dev, before.st_ino) == (after.st_dev, after.st_ino)
