"""Files, leases, and two runs that meet at one table."""

import json
import multiprocessing
import socket
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from py4j.protocol import Py4JJavaError
from pyspark.sql import DataFrameWriter, SparkSession
from pyspark.sql.types import IntegerType

from pipelines import tables
from pipelines.errors import ConcurrentRunError, InputError
from pipelines.storage.delta import delta
from pipelines.storage.hadoop import Files
from pipelines.storage.runs import lease as leases
from pipelines.storage.runs.lease import lease
from schemas import Column, Table

NUMBERS = Table("numbers", "one number", ("id",), (Column("id", IntegerType(), "Id"),))


@pytest.fixture
def files(spark: SparkSession) -> Files:
    return Files(spark)


def test_small_files_are_made_once_and_replaced_whole(files: Files, tmp_path: Path) -> None:
    place = f"{tmp_path}/new folder/état.json"
    assert files.create(place, "één")
    assert not files.create(place, "twee")
    assert files.read_text(place) == "één"
    for text in ("a" * 2000, "b"):
        files.replace_text(place, text)
        assert files.read_text(place) == text
    assert files.names(f"{tmp_path}/new folder") == ["état.json"]
    files.delete(place)
    files.delete(place)
    assert not files.exists(place)


def test_a_walk_lists_what_is_not_hidden_sorted(files: Files, tmp_path: Path) -> None:
    for name in ("b.txt", "sub/a b.txt", "_log/x", ".x", "sub/_y", "sub/.z/w"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("12345", encoding="utf-8")
    found = files.walk(str(tmp_path))
    assert [(info.relative, info.size) for info in found] == [("b.txt", 5), ("sub/a b.txt", 5)]
    [alone] = files.walk(str(tmp_path / "b.txt"))
    assert alone.relative == "b.txt"
    assert alone.uri == f"file:{tmp_path}/b.txt"
    assert files.is_folder(str(tmp_path))
    assert not files.is_folder(alone.uri)


def test_moving_never_overwrites(files: Files, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    files.move(str(tmp_path / "a"), str(tmp_path / "x" / "b"))
    assert (tmp_path / "x" / "b").is_dir()
    with pytest.raises(InputError, match="no file system for this URI"):
        files.exists("nosuchscheme://host/x")


def _lease_file(place: Path) -> Path:
    return place.with_name(f".{place.name}.lease")


def test_one_owner_at_a_time_and_none_afterwards(files: Files, tmp_path: Path) -> None:
    place = tmp_path / "table"
    with lease(files, str(place)):
        refused = pytest.raises(ConcurrentRunError, match=r"table: process .* is at work on it")
        with refused as no, lease(files, str(place)):
            pytest.fail("two owners")
        assert no.value.exit_code == 5
        with lease(files, str(tmp_path / "other")):
            pass
    assert not _lease_file(place).exists()
    with pytest.raises(ValueError, match="boom"), lease(files, str(place)):
        raise ValueError("boom")
    assert list(tmp_path.iterdir()) == [], "a failed run leaves no lease"


def _owner(**changed: Any) -> dict[str, Any]:
    own = psutil.Process()
    return {
        "host": socket.gethostname(),
        "process": own.pid,
        "started": own.create_time(),
        "expires": time.time() + 60,
    } | changed


def _dead_process() -> int:
    process = multiprocessing.get_context("spawn").Process(target=time.time)
    process.start()
    process.join()
    return process.pid or 0


@pytest.mark.parametrize(
    ("changed", "is_living"),
    [
        ({}, True),
        ({"expires": time.time() - 1}, False),
        ({"host": "elsewhere", "expires": time.time() - 1}, False),
        ({"process": None}, False),
        ({"started": 1.0}, False),
    ],
)
def test_a_living_owner_keeps_it_and_a_dead_ones_is_taken_over(
    files: Files, tmp_path: Path, changed: dict[str, Any], is_living: bool
) -> None:
    place = tmp_path / "table"
    if changed.get("process", 0) is None:
        changed = {"process": _dead_process()}
    _lease_file(place).write_text(json.dumps(_owner(**changed)), encoding="utf-8")
    if is_living:
        with pytest.raises(ConcurrentRunError), lease(files, str(place)):
            pytest.fail("taken from a living owner")
        assert _lease_file(place).exists(), "the owner's lease stays"
    else:
        with lease(files, str(place)):
            owner = json.loads(_lease_file(place).read_text(encoding="utf-8"))
            assert owner["process"] == psutil.Process().pid


def test_an_owner_on_another_host_lives_while_it_renews(files: Files, tmp_path: Path) -> None:
    place = tmp_path / "table"
    held = _lease_file(place)
    files.replace_text(str(held), json.dumps(_owner(host="elsewhere")))
    renewed = json.dumps(_owner(host="elsewhere", expires=time.time() + 90))
    renewal = threading.Timer(1, files.replace_text, (str(held), renewed))
    renewal.start()
    with pytest.raises(ConcurrentRunError, match="on elsewhere"), lease(files, str(place)):
        pytest.fail("taken from a living owner")
    renewal.join()
    assert held.read_text(encoding="utf-8") == renewed


def test_a_lease_that_nobody_renews_ends(files: Files, tmp_path: Path) -> None:
    place, end = tmp_path / "table", time.time() + 1.5
    lost = _owner(host="elsewhere", process=1, expires=end)
    files.replace_text(str(_lease_file(place)), json.dumps(lost))
    with lease(files, str(place)):
        assert time.time() >= end, "taken before its end"


def test_a_lease_that_is_given_up_while_it_is_waited_for_is_taken(
    files: Files, tmp_path: Path
) -> None:
    place = tmp_path / "table"
    files.replace_text(str(_lease_file(place)), json.dumps(_owner(host="elsewhere")))
    end = threading.Timer(1, files.delete, (str(_lease_file(place)),))
    end.start()
    with lease(files, str(place)):
        end.join()
        assert _lease_file(place).exists()


def test_a_lease_is_renewed_while_it_is_held(files: Files, tmp_path: Path) -> None:
    place = tmp_path / "table"
    with lease(files, str(place), seconds=0.6):
        first = json.loads(files.read_text(str(_lease_file(place))))["expires"]
        deadline = time.monotonic() + 10
        while json.loads(files.read_text(str(_lease_file(place))))["expires"] <= first:
            assert time.monotonic() < deadline, "never renewed"
            time.sleep(0.05)
    assert leases.LEASE_SECONDS > 30, "a long pause of the process must not cost it the lease"


@pytest.mark.parametrize("is_new", [False, True])
def test_of_two_runs_on_one_table_the_later_commit_is_refused(
    spark: SparkSession, tmp_path: Path, is_new: bool
) -> None:
    place, started, gate = str(tmp_path / "numbers"), tmp_path / "started", tmp_path / "gate"

    def write(frame: Any) -> None:
        tables.write(frame, NUMBERS, place, format="delta", part={}, metadata={})

    numbers = spark.range(3).selectExpr("cast(id as int) id").coalesce(1)
    if not is_new:
        write(numbers)

    def wait(batches: Any) -> Any:
        started.touch()
        deadline = time.monotonic() + 60
        while not gate.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        yield from batches

    caught: list[BaseException] = []

    def slow() -> None:
        try:
            write(numbers.mapInArrow(wait, "id int"))
        except ConcurrentRunError as error:
            caught.append(error)

    thread = threading.Thread(target=slow)
    thread.start()
    while not started.exists() and thread.is_alive():
        time.sleep(0.05)
    write(spark.range(5).selectExpr("cast(id as int) id"))
    gate.touch()
    thread.join()
    assert len(caught) == 1
    assert "another run changed this table meanwhile" in str(caught[0])
    assert tables.read(spark, place, NUMBERS).count() == 5


@pytest.mark.parametrize("name", ["ProtocolChanged", "MetadataChanged", "ConcurrentAppend"])
def test_what_delta_throws_when_two_make_a_table_is_a_conflict(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    jvm: Any = spark.sparkContext._jvm
    thrown = getattr(jvm.io.delta.exceptions, f"{name}Exception")("another has made it")

    def save(*_: Any) -> None:
        raise Py4JJavaError("An error occurred while calling o1.save.", thrown)

    monkeypatch.setattr(DataFrameWriter, "save", save)
    numbers = spark.range(3).selectExpr("cast(id as int) id")
    with pytest.raises(ConcurrentRunError, match="another run changed this table meanwhile"):
        delta.replace(
            numbers, folder=f"{tmp_path}/t", name=None, part={}, partitioning=(), metadata={}
        )


def test_links_to_nothing_are_no_files_and_links_without_end_are_an_error(spark, tmp_path):
    (tmp_path / "a" / "_hidden").mkdir(parents=True)
    for name in ("a/one", "a/_two", "a/_hidden/three"):
        (tmp_path / name).write_text("x")
    (tmp_path / "gone").symlink_to(tmp_path / "nothing")
    (found,) = Files(spark).walk(str(tmp_path))
    assert (found.uri, found.relative, found.size) == (f"file:{tmp_path}/a/one", "a/one", 1)
    assert found.modified == (tmp_path / "a" / "one").stat().st_mtime_ns // 1_000_000
    (tmp_path / "a" / "again").symlink_to(tmp_path / "a")
    with pytest.raises(InputError, match=r"a/again.*cannot be read: Too many levels"):
        Files(spark).walk(str(tmp_path))
