"""A run that fails changes no table, and readers refuse tables of which some are of a lost run."""

import shutil
from importlib.resources import files
from pathlib import Path

import duckdb
import polars as pl
import pytest
from deltalake import DeltaTable
from py4j.protocol import Py4JError
from pyspark.errors import SparkRuntimeException
from pyspark.sql.types import IntegerType, StringType
from survival.runs import (
    OUTPUTS,
    content,
    fail_at,
    prepare,
    require_unchanged,
    rows_of,
    some,
    work,
)

from pipelines import tables
from pipelines.errors import ConcurrentRunError, GateError, InputError
from pipelines.storage import staging
from pipelines.storage.delta import delta_staging
from pipelines.storage.places import locate
from schemas import Column, Table

FORMATS = pytest.mark.parametrize("stored", ["delta", "parquet"])
THINGS = Table("things", "one", ("id",), (Column("id", IntegerType(), "Id"),))
PARTS = Table(
    "things",
    "one",
    ("owner", "id"),
    (Column("owner", StringType(), "Owner"), *THINGS.columns),
    partitioning=("owner",),
)


def things(spark, count):
    return spark.range(0, count, 1, 2).selectExpr("cast(id as int) id")


def stage(spark, frame, table, uri, stored, *, is_empty=False, **part):
    place = locate(spark, str(uri))
    return staging.stage(frame, table, place, format=stored, part=part, is_empty=is_empty)


def ids(spark, uri, table=THINGS):
    return sorted(row["id"] for row in tables.read(spark, str(uri), table).collect())


FAULTS = [
    (
        "clean_corpus",
        {"max_rejected_share": 0.05},
        r"1 of 10 .* word_count found '1', allowed >= 5",
    ),
    ("clean_corpus", {"rules": {"word_count": {"min": 10**6}}}, r"all 10 records .*word_count"),
    ("clean_events", {"time_format": "yyyy"}, r"all 10 records .*valid_time found '2024-01-0"),
    ("clean_events", {"max_rejected_share": 0.05}, r"1 of 10 .*valid_time found 'noon'"),
    ("build_interactions", {"min_user_interactions": 99}, r"\w"),
    ("tokenize_corpus", {"min_count": 99}, "no token occurs 99 times"),
]


@pytest.fixture(scope="module")
def made(spark, tmp_path_factory):
    """Return a function that puts a good run's input and tables into a folder."""
    folders = {}

    def make(job, stored, folder):
        if (job, stored) not in folders:
            folders[job, stored] = tmp_path_factory.mktemp(f"{job}_{stored}")
            prepare(spark, folders[job, stored], job, 9)
            work(spark, folders[job, stored], job, stored)
        shutil.copytree(folders[job, stored], folder, dirs_exist_ok=True)

    return make


def is_default(job, stored):
    """Tell what `make test` runs: `build_interactions`, the longest job, in one format alone."""
    return (stored == "parquet") if job == "build_interactions" else stored == "delta"


@pytest.mark.parametrize(
    ("fault", "stored"),
    some(FAULTS, lambda f, stored: is_default(f[0], stored) or f[0][0] == "t"),
)
def test_a_failed_gate_leaves_every_byte_and_says_why(spark, made, tmp_path, fault, stored):
    job, wrong, message = fault
    made(job, stored, tmp_path)
    before = content(tmp_path)
    with pytest.raises(GateError, match=message) as caught:
        work(spark, tmp_path, job, stored, **wrong)
    assert caught.value.exit_code == 4
    require_unchanged(before, content(tmp_path), stored)


@FORMATS
def test_a_failed_gate_of_a_first_run_leaves_no_table(spark, tmp_path, stored):
    prepare(spark, tmp_path, "tokenize_corpus", 9)
    with pytest.raises(GateError):
        work(spark, tmp_path, "tokenize_corpus", stored, min_count=99)
    assert content(tmp_path / "out") == {}


@FORMATS
def test_nothing_replaces_something_where_that_is_wanted(spark, made, tmp_path, stored):
    made("tokenize_corpus", stored, tmp_path)
    work(spark, tmp_path, "tokenize_corpus", stored, min_count=99, allow_empty=True)
    assert rows_of(spark, tmp_path, "tokenize_corpus") == {"vocabulary": [], "sentences": []}


@pytest.mark.parametrize(
    ("job", "stored"),
    some(OUTPUTS, lambda job, stored: job[0] == "t" or (job[0] == "b" and is_default(job, stored))),
)
def test_an_exception_between_commits_is_refused_by_readers_and_mended_by_the_next_run(
    spark, made, tmp_path, monkeypatch, job, stored
):
    made(job, stored, tmp_path)
    prepare(spark, tmp_path, job, 12)
    with monkeypatch.context() as patched:
        fail_at(patched, 1)
        with pytest.raises(RuntimeError, match="lost"):
            work(spark, tmp_path, job, stored)
    assert (tmp_path / "out" / f".{job}.intent.json").exists()
    if job == "build_interactions":  # ids only ever grow: those of the next run fit
        rows_of(spark, tmp_path, job)
    else:
        with pytest.raises(InputError, match=rf"run {job} again") as caught:
            rows_of(spark, tmp_path, job)
        assert f"inputs.{OUTPUTS[job][0]}" in str(caught.value)
    work(spark, tmp_path, job, stored)
    assert any(len(rows) == 12 for rows in rows_of(spark, tmp_path, job).values())
    left = {path.name for path in (tmp_path / "out").iterdir()}
    assert left == {*OUTPUTS[job], "run_counts"}


@FORMATS
def test_an_exception_before_the_first_commit_leaves_every_byte(
    spark, made, tmp_path, monkeypatch, stored
):
    made("tokenize_corpus", stored, tmp_path)
    before = content(tmp_path)
    fail_at(monkeypatch, 0)
    with pytest.raises(RuntimeError, match="lost"):
        work(spark, tmp_path, "tokenize_corpus", stored)
    require_unchanged(before, content(tmp_path), stored)


def test_files_of_a_lost_attempt_are_named_by_no_version_whoever_reads(spark, tmp_path):
    place = tmp_path / "things"
    stage(spark, things(spark, 4), THINGS, place, "delta").commit({"run_id": "one"})
    stage(spark, things(spark, 9), THINGS, place, "delta")  # and is lost
    staged = stage(spark, things(spark, 6), THINGS, place, "delta")
    assert (staged.rows, ids(spark, place)) == (6, [0, 1, 2, 3])
    staged.commit({"run_id": "two"})
    assert tables.commit(spark, str(place))["rows"] == 6
    assert tables.commit(spark, str(place))["metadata"] == {"run_id": "two"}
    known = DeltaTable(str(place))
    named = {Path(uri).name for n in (0, 1) for uri in _named(known, n)}
    there = {path.name for path in place.glob("*.parquet")}
    assert named < there
    assert sorted(pl.read_delta(str(place))["id"]) == list(range(6)) == ids(spark, place)
    with duckdb.connect() as connection:
        [extension] = Path(str(files("duckdb_extension_delta"))).rglob("delta.duckdb_extension")
        connection.load_extension(str(extension))
        query = f"select id from delta_scan('{place}') order by id"
        assert connection.execute(query).fetchall() == [(n,) for n in range(6)]
    assert [action["operation"] for action in known.history()] == ["WRITE", "WRITE"]


def _named(table, version):
    table.load_as_version(version)
    return table.file_uris()


@FORMATS
def test_a_part_is_staged_and_a_schema_may_change(spark, tmp_path, stored):
    place = tmp_path / "things"
    odd = "o'b é%/:\\"
    for owner in ("a", odd):
        rows = things(spark, 3).selectExpr("id").crossJoin(_owner(spark, owner))
        stage(spark, rows, PARTS, place, stored, owner=owner).commit({})
    rows = things(spark, 7).crossJoin(_owner(spark, "a"))
    staged = stage(spark, rows, PARTS, place, stored, owner="a")
    assert len(ids(spark, place, PARTS)) == 6
    staged.commit({})
    assert ids(spark, place, PARTS) == sorted([*range(7), *range(3)])
    stage(spark, things(spark, 2), THINGS, tmp_path / "flat", stored).commit({})
    text = Table("things", "one", ("id",), (Column("id", StringType(), "Id"),))
    stage(
        spark, things(spark, 2).selectExpr("cast(id as string) id"), text, tmp_path / "flat", stored
    ).commit({})
    assert ids(spark, tmp_path / "flat", text) == ["0", "1"]


def _owner(spark, name):
    return spark.createDataFrame([(name,)], "owner string")


@pytest.mark.parametrize("is_new", [False, True])
def test_a_commit_after_anothers_is_refused_and_the_others_rows_stand(spark, tmp_path, is_new):
    place = tmp_path / "things"
    if not is_new:
        stage(spark, things(spark, 3), THINGS, place, "delta").commit({})
    first, second = (stage(spark, things(spark, n), THINGS, place, "delta") for n in (5, 7))
    first.commit({})
    with pytest.raises(ConcurrentRunError, match="things: another run changed this table"):
        second.commit({})
    before = {path.name for path in place.glob("*.parquet")}
    second.discard()
    assert ids(spark, place) == [0, 1, 2, 3, 4]
    assert len(before - {path.name for path in place.glob("*.parquet")}) == 2


def test_no_rows_are_committed_without_a_job_and_refused_after_anothers_rows(spark, tmp_path):
    place, none = tmp_path / "things", things(spark, 0)
    stage(spark, none, THINGS, tmp_path / "new", "delta", is_empty=True).commit({})
    assert ids(spark, tmp_path / "new") == []
    stage(spark, things(spark, 3), THINGS, place, "delta").commit({"run_id": "0"})
    before = spark.sparkContext._jsc.sc().dagScheduler().numTotalJobs()
    for run_id in "12":
        stage(spark, none, THINGS, place, "delta", is_empty=True).commit({"run_id": run_id})
        assert tables.commit(spark, str(place))["metadata"] == {"run_id": run_id}
    assert spark.sparkContext._jsc.sc().dagScheduler().numTotalJobs() == before
    assert ids(spark, place) == []
    first = stage(spark, things(spark, 5), THINGS, place, "delta")
    second = stage(spark, none, THINGS, place, "delta", is_empty=True)
    first.commit({})
    with pytest.raises(ConcurrentRunError):
        second.commit({})
    assert ids(spark, place) == [0, 1, 2, 3, 4]
    assert DeltaTable(str(place)).history()[0]["operationMetrics"]["numOutputRows"] in {5, "5"}
    assert _named(DeltaTable(str(place)), 0) != _named(DeltaTable(str(place)), 3)


def test_parts_of_one_table_do_not_hinder_each_other_and_hold_their_own_rows(spark, tmp_path):
    place, rows = tmp_path / "things", things(spark, 2)
    stage(spark, rows.crossJoin(_owner(spark, "a")), PARTS, place, "delta", owner="a").commit({})
    a, again, b = (
        stage(spark, rows.crossJoin(_owner(spark, own)), PARTS, place, "delta", owner=own)
        for own in "aab"
    )
    a.commit({})
    b.commit({})
    with pytest.raises(ConcurrentRunError):
        again.commit({})
    again.discard()
    assert ids(spark, place, PARTS) == [0, 0, 1, 1]
    with pytest.raises(SparkRuntimeException, match="column 'owner' is not 'a' but b"):
        stage(spark, rows.crossJoin(_owner(spark, "b")), PARTS, place, "delta", owner="a")


@pytest.mark.parametrize("part", [None, "owner=a"])
def test_a_crash_between_two_moves_is_mended_by_the_next_reader(spark, tmp_path, part):
    place, table = tmp_path / "things", PARTS if part else THINGS
    frame = things(spark, 3).crossJoin(_owner(spark, "a")) if part else things(spark, 3)
    owned = {"owner": "a"} if part else {}
    stage(spark, frame, table, place, "parquet", **owned).commit({})
    lost = place / part if part else place
    lost.rename(lost.with_name(f".{lost.name}.old-1234"))
    assert ids(spark, place, table) == [0, 1, 2]
    shutil.copytree(lost, lost.with_name(f".{lost.name}.old-5678"))
    stage(spark, frame, table, place, "parquet", **owned).commit({})
    assert ids(spark, place, table) == [0, 1, 2]
    assert [path.name for path in lost.parent.iterdir() if ".old-" in path.name] == []


@pytest.mark.parametrize("uri", ["spark_catalog.default.staged_things", "{folder}/things"])
def test_where_delta_cannot_stage_files_its_writer_writes_at_the_commit(
    spark, tmp_path, monkeypatch, uri
):
    def lacks(*_):
        raise Py4JError("WriteIntoDelta does not exist in the JVM")

    monkeypatch.setattr(delta_staging, "made", lacks)
    place = uri.format(folder=tmp_path)
    spark.sql("DROP TABLE IF EXISTS spark_catalog.default.staged_things")
    for count in (3, 5):
        staged = stage(spark, things(spark, count), THINGS, place, "delta")
        assert (staged.rows, tables.exists(spark, place)) == (count, count == 5)
        staged.commit({"run_id": str(count)})
    stage(spark, things(spark, 9), THINGS, place, "delta").discard()
    assert ids(spark, place) == [0, 1, 2, 3, 4]
    assert tables.commit(spark, place)["metadata"] == {"run_id": "5"}
    spark.sql("DROP TABLE IF EXISTS spark_catalog.default.staged_things")
