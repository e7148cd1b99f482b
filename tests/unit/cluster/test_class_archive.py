"""The archive of Spark's classes: made where there is none, used when whole, left to the user."""

import os
from pathlib import Path

import pytest

from pipelines.cluster import class_archive

JAVA = "/usr/lib/jvm/java-17"


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the folder of the archive."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "vectormill"


def place() -> Path:
    """Return the archive that the options ask the JVM to write."""
    (option,) = [o for o in class_archive.java_options(JAVA).split() if "ArchiveClasses" in o]
    return Path(option.partition("=")[2])


def test_the_jvm_writes_an_archive_and_later_ones_use_it() -> None:
    archive = place()
    archive.write_bytes(b"\xa8\xba\x0b\xf0 the archive")
    options = class_archive.java_options(JAVA, "-Dmine=1").split()
    assert f"-XX:SharedArchiveFile={archive}" in options
    assert options[-1] == "-Dmine=1"  # the user's come last, and so outrank


def test_an_archive_that_is_being_written_is_neither_used_nor_written_by_another() -> None:
    archive = place()
    archive.write_bytes(bytes(4096))
    assert class_archive.java_options(JAVA, "-Dmine=1") == "-Dmine=1"
    long_ago = archive.stat().st_mtime - 3600  # its JVM was killed
    os.utime(archive, (long_ago, long_ago))
    assert place() == archive


@pytest.mark.parametrize("own", ["-XX:SharedArchiveFile=mine.jsa", "-Xshare:off"])
def test_the_users_own_archive_is_left_alone(own: str) -> None:
    assert class_archive.java_options(JAVA, own) == own


def test_nothing_is_asked_for_where_nothing_can_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "with a blank"):
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
        assert class_archive.java_options(JAVA, "-Dmine=1") == "-Dmine=1"


def test_another_java_has_another_archive(tmp_path: Path) -> None:
    first = place()
    other = tmp_path / "java"
    other.mkdir()
    (other / "release").write_text('JAVA_VERSION="21.0.2"')
    assert str(first) not in class_archive.java_options(str(other))


def test_archives_of_environments_that_were_used_long_ago_are_removed(cache: Path) -> None:
    own = place()
    for age in range(4):
        other = cache / f"spark-{age}.jsa"
        other.write_bytes(b"archive")
        os.utime(other, (1e9 - age, 1e9 - age))
    assert place() == own
    assert sorted(path.name for path in cache.iterdir()) == ["spark-0.jsa", "spark-1.jsa"]
