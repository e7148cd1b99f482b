"""The reader and writer of tables: contracts, complete or absent, readable by others."""

import json
import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, QueryBuilder
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, FloatType, IntegerType, StringType, TimestampType

from pipelines import tables
from pipelines.errors import InputError, from_spark
from pipelines.results import JobResult, survey
from pipelines.settings import JobConfig, Outputs, Settings
from pipelines.storage.delta import delta
from pipelines.storage.hadoop import Files
from pipelines.table_store import TableStore
from schemas import Column, Table

THINGS = Table(
    name="things",
    grain="one thing",
    key=("id",),
    columns=(
        Column("id", IntegerType(), "Id"),
        Column("name", StringType(), "Name", nullable=True),
        Column("parts", ArrayType(FloatType()), "Parts", unit="grams"),
        Column("seen", TimestampType(), "When it was seen", unit="UTC"),
    ),
)
PARTS = Table(
    name="things",
    grain="one thing of one owner",
    key=("owner", "id"),
    columns=(Column("owner", StringType(), "Owner"), Column("id", IntegerType(), "Id")),
    partitioning=("owner",),
)
FORMATS = pytest.mark.parametrize("stored", ["delta", "parquet"])


class Places(Outputs):
    things: str
    """Things."""
    run_counts: str
    """Counts."""


class Inputs(Settings):
    things: str
    """Things."""


class Config(JobConfig):
    inputs: Inputs | None = None
    """Tables read."""
    outputs: Places
    """Tables written."""
    size: int = 1
    """Anything."""


def _things(spark: SparkSession, ids: range) -> DataFrame:
    return spark.range(ids.start, ids.stop, 1, 2).select(
        F.current_timestamp().alias("seen"),
        F.array(F.col("id").cast("float"), F.lit(0.5).cast("float")).alias("parts"),
        F.when(F.col("id") % 2 == 0, F.concat(F.lit("n"), F.col("id"))).alias("name"),
        F.col("id").cast("int"),
    )


def _owned(spark: SparkSession, owner: str, ids: range) -> DataFrame:
    return spark.range(ids.start, ids.stop, 1, 1).select(
        F.lit(owner).alias("owner"), F.col("id").cast("int")
    )


def _write(frame: DataFrame, table: Table, uri: object, stored: str, **part: str) -> int:
    return tables.write(frame, table, str(uri), format=stored, part=part, metadata={})


def _ids(spark: SparkSession, uri: object, table: Table = THINGS) -> list[int]:
    return sorted(row["id"] for row in tables.read(spark, str(uri), table).collect())


@FORMATS
def test_a_table_is_written_in_the_contracts_order_and_read_back(
    spark: SparkSession, tmp_path: Path, stored: str
) -> None:
    frame = _things(spark, range(5)).persist()
    place = tmp_path / "things"
    assert not tables.exists(spark, str(place))
    assert _write(frame, THINGS, place, stored) == 5
    assert tables.exists(spark, str(place))
    read = tables.read(spark, str(place), THINGS)
    assert read.columns == THINGS.column_names
    assert [f.dataType for f in read.schema] == [column.type for column in THINGS.columns]
    expected = {tuple(map(str, row)) for row in frame.select(THINGS.column_names).collect()}
    assert {tuple(map(str, row)) for row in read.collect()} == expected
    frame.unpersist()


@FORMATS
def test_writing_again_replaces_and_a_killed_write_leaves_the_old(
    spark: SparkSession, tmp_path: Path, stored: str
) -> None:
    place = tmp_path / "things"
    _write(_things(spark, range(3)), THINGS, place, stored)
    assert _write(_things(spark, range(7, 9)), THINGS, place, stored) == 2
    assert _ids(spark, place) == [7, 8]
    failing = F.when(F.col("id") == 3, F.raise_error(F.lit("killed"))).otherwise(F.col("id"))
    with pytest.raises((PySparkException, Py4JJavaError), match="killed"):
        _write(_things(spark, range(5)).withColumn("id", failing), THINGS, place, stored)
    assert _ids(spark, place) == [7, 8]
    left = [path.name for path in tmp_path.iterdir()]
    assert left == ["things"], "nothing half-written stays beside the table"


@FORMATS
def test_what_was_persisted_of_an_old_table_never_answers_for_the_new(
    spark: SparkSession, tmp_path: Path, stored: str
) -> None:
    uri = tmp_path / "things"
    _write(_things(spark, range(3)), THINGS, uri, stored)
    old = tables.read(spark, str(uri), THINGS).persist()
    assert old.count() == 3
    _write(_things(spark, range(5)), THINGS, uri, stored)
    assert _ids(spark, uri) == [0, 1, 2, 3, 4]
    old.unpersist()


@FORMATS
def test_a_run_replaces_only_the_part_it_owns(
    spark: SparkSession, tmp_path: Path, stored: str
) -> None:
    place, odd = tmp_path / "things", "o'b é%/:\\"
    _write(_owned(spark, "a", range(3)), PARTS, place, stored, owner="a")
    _write(_owned(spark, odd, range(5)), PARTS, place, stored, owner=odd)
    for _ in range(2):
        assert _write(_owned(spark, "a", range(7, 9)), PARTS, place, stored, owner="a") == 2
    rows = tables.read(spark, str(place), PARTS).collect()
    assert sorted((row["owner"], row["id"]) for row in rows) == [
        ("a", 7),
        ("a", 8),
        *((odd, n) for n in range(5)),
    ]
    _write(_owned(spark, "a", range(0)), PARTS, place, stored, owner="a")
    assert _ids(spark, place, PARTS) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop("name"), "cannot write 'things': column 'name' is missing"),
        (lambda f: f.withColumn("id", F.col("id").cast("long")), "column 'id' is bigint, not int"),
        (lambda f: f.withColumn("x", F.lit(1)), "column 'x' is not in the contract"),
    ],
)
@FORMATS
def test_a_frame_that_differs_is_refused_by_column(
    spark: SparkSession, tmp_path: Path, stored: str, change: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        _write(change(_things(spark, range(2))), THINGS, tmp_path / "things", stored)
    assert list(tmp_path.iterdir()) == []


@FORMATS
def test_a_null_where_none_may_be_ends_the_write(
    spark: SparkSession, tmp_path: Path, stored: str
) -> None:
    place = tmp_path / "things"
    holed = F.when(F.col("id") != 2, F.col("id"))
    with pytest.raises((PySparkException, Py4JJavaError)) as caught:
        _write(_things(spark, range(4)).withColumn("id", holed), THINGS, place, stored)
    known = from_spark(caught.value)
    assert str(known) == "things: column 'id' is null, its contract says never"
    assert known is not None
    assert known.exit_code == 3
    assert not tables.exists(spark, str(place))


@FORMATS
def test_nothing_where_a_table_should_be_names_its_writer(
    spark: SparkSession, tmp_path: Path, stored: str
) -> None:
    with pytest.raises(InputError, match="things: no table here; run the job that writes 'things'"):
        tables.read(spark, str(tmp_path / "things"), THINGS)
    other = spark.range(3).select(F.col("id"), F.lit("x").alias("name"))
    other.write.format(stored).save(str(tmp_path / "things"))
    with pytest.raises(InputError) as caught:
        tables.read(spark, str(tmp_path / "things"), THINGS)
    assert "column 'id' is bigint, not int" in str(caught.value)
    assert "column 'parts' is missing" in str(caught.value)
    assert "contract of 'things'" in str(caught.value)


def _one_file(place: Path) -> Path:
    return sorted(place.glob("*.parquet"))[0]


@pytest.mark.parametrize(
    ("size", "message"), [(0, "is empty|is 0 bytes"), (100, "is broken|is 100 bytes")]
)
@FORMATS
def test_a_file_cut_short_is_named(
    spark: SparkSession, tmp_path: Path, stored: str, size: int, message: str
) -> None:
    place = tmp_path / "things"
    _write(_things(spark, range(4)), THINGS, place, stored)
    file = _one_file(place)
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(InputError, match=message) as caught:
        tables.read(spark, str(place), THINGS)
    assert file.name in str(caught.value)


@pytest.mark.parametrize("has_checksum", [True, False])
def test_a_delta_file_that_is_gone_is_named(
    spark: SparkSession, tmp_path: Path, has_checksum: bool
) -> None:
    setting = "spark.databricks.delta.writeChecksumFile.enabled"
    spark.conf.set(setting, str(has_checksum).lower())
    _write(_things(spark, range(4)), THINGS, tmp_path / "things", "delta")
    spark.conf.unset(setting)
    assert any((tmp_path / "things" / "_delta_log").glob("[0-9]*.crc")) == has_checksum
    assert tables.read(spark, str(tmp_path / "things"), THINGS).count() == 4
    file = _one_file(tmp_path / "things")
    file.unlink()
    with pytest.raises(InputError, match=f"{file.name}: Delta data file is missing"):
        tables.read(spark, str(tmp_path / "things"), THINGS)


def test_files_whose_paths_do_not_tell_their_partition_are_left_to_spark(
    spark: SparkSession, tmp_path: Path
) -> None:
    for name, is_random in (("told", "false"), ("untold", "true")):
        spark.sql(
            f"CREATE TABLE delta.`{tmp_path}/{name}` (id INT, kind STRING) USING delta "
            f"PARTITIONED BY (kind) TBLPROPERTIES ('delta.randomizeFilePrefixes' = '{is_random}')"
        )
        spark.sql(f"INSERT INTO delta.`{tmp_path}/{name}` VALUES (1, 'a'), (2, 'b')")
        frame, files = delta.read(spark, Files(spark), f"{tmp_path}/{name}")
        assert (frame.count(), len(files)) == (2, 0 if is_random == "true" else 2)


def test_one_parquet_file_of_another_schema_among_good_ones_is_named(
    spark: SparkSession, tmp_path: Path
) -> None:
    place = tmp_path / "things"
    _write(_things(spark, range(4)), THINGS, place, "parquet")
    pq.write_table(pa.table({"id": pa.array([1], pa.int32())}), place / "z.parquet")
    with pytest.raises(InputError) as caught:
        tables.read(spark, str(place), THINGS)
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert all("z.parquet: column " in line and "is missing" in line for line in lines)


def test_many_parquet_files_are_checked_on_the_cluster(spark: SparkSession, tmp_path: Path) -> None:
    place = tmp_path / "things"
    place.mkdir()
    sound = pa.table({"owner": ["a"], "id": pa.array([1], pa.int32())})
    for number in range(40):
        pq.write_table(sound, place / f"f{number:02}.parquet")
    flat = Table("things", "one", ("id",), PARTS.columns)
    assert len(_ids(spark, place, flat)) == 40
    (place / "f39.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"f39\.parquet: Parquet file is broken"):
        tables.read(spark, str(place), flat)


def test_a_catalog_name_is_a_table(spark: SparkSession) -> None:
    name = "spark_catalog.default.things_by_name"
    spark.sql(f"DROP TABLE IF EXISTS {name}")
    assert not tables.exists(spark, name)
    assert _write(_things(spark, range(3)), THINGS, name, "delta") == 3
    assert _write(_things(spark, range(2)), THINGS, name, "delta") == 2
    assert _ids(spark, name) == [0, 1]
    assert tables.commit(spark, name)["version"] == 1
    with pytest.raises(InputError, match="set format: delta"):
        _write(_things(spark, range(2)), THINGS, "spark_catalog.default.none", "parquet")
    spark.sql(f"DROP TABLE {name}")


def test_polars_delta_rs_and_duckdb_read_the_same_rows(spark: SparkSession, tmp_path: Path) -> None:
    place = str(tmp_path / "things")
    for ids in (range(9), range(4)):
        _write(_things(spark, ids), THINGS, place, "delta")
    wanted = [(n, f"n{n}" if n % 2 == 0 else None, [float(n), 0.5]) for n in range(4)]
    frame = pl.read_delta(place).sort("id").select("id", "name", "parts")
    assert frame.rows() == wanted
    batches = (
        QueryBuilder()
        .register("t", DeltaTable(place))
        .execute("select id, name, parts from t order by id")
    )
    assert [tuple(row.values()) for row in pa.table(batches.read_all()).to_pylist()] == wanted
    with duckdb.connect() as connection:
        [extension] = Path(str(files("duckdb_extension_delta"))).rglob("delta.duckdb_extension")
        connection.load_extension(str(extension))
        query = f"select id, name, parts from delta_scan('{place}') order by id"
        assert connection.execute(query).fetchall() == wanted


def _config(folder: Path, stored: str, **more: Any) -> Config:
    outputs = Places(things=str(folder / "things"), run_counts=str(folder / "run_counts"))
    return Config.model_validate({"format": stored, "outputs": outputs, **more})


@FORMATS
def test_each_commit_says_which_run_made_it_and_of_what(
    spark: SparkSession, tmp_path: Path, stored: str
) -> None:
    store = TableStore(spark, _config(tmp_path, stored), job="job")
    assert store.write(_things(spark, range(3)), THINGS) == 3
    metadata = tables.commit(spark, store.output("things"))["metadata"]
    assert metadata["run_id"] == store.run_id
    assert metadata["config_hash"] == store.config_hash
    assert metadata["fingerprint"] == store.fingerprint
    assert metadata["job"] == "job"
    if stored == "delta":
        log = tmp_path / "things" / "_delta_log" / f"{0:020}.json"
        infos = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        recorded = next(i["commitInfo"]["userMetadata"] for i in infos if "commitInfo" in i)
        assert json.loads(recorded) == metadata


@FORMATS
def test_the_version_is_the_fingerprint_of_the_run_not_of_its_repetition(
    spark: SparkSession, tmp_path: Path, stored: str
) -> None:
    versions = []
    for number, size in enumerate((1, 1, 2)):
        folder = tmp_path / (f"place{number}" if number else "first")
        config = _config(folder, stored, size=size)
        store = TableStore(spark, config, job="job")
        store.write(_things(spark, range(3)), THINGS)
        versions.append(tables.version(spark, store.output("things")))
    assert versions[0] == versions[1] != versions[2]
    inputs = Inputs(things=str(tmp_path / "first" / "things"))
    reader = TableStore(spark, _config(tmp_path, stored, inputs=inputs), job="next")
    before = reader.fingerprint
    reader.read("things", THINGS)
    assert reader.input_versions == {"things": versions[0]}
    assert reader.fingerprint != before
    missing = Inputs(things=str(tmp_path / "gone"))
    reader = TableStore(spark, _config(tmp_path, stored, inputs=missing), job="next")
    with pytest.raises(InputError, match=r"gone: no table here.*\(inputs\.things\)"):
        reader.read("things", THINGS)


def test_the_version_outlives_maintenance_and_foreign_tables_have_one(
    spark: SparkSession, tmp_path: Path
) -> None:
    store = TableStore(spark, _config(tmp_path, "delta"), job="job")
    store.write(_things(spark, range(3)).repartition(3), THINGS)
    place = store.output("things")
    before = tables.version(spark, place)
    spark.sql(f"OPTIMIZE delta.`{place}`").collect()
    assert tables.version(spark, place) == before
    spark.sql(f"DELETE FROM delta.`{place}` WHERE id = 1").collect()
    assert tables.version(spark, place) != before


def test_a_parquet_table_that_others_changed_has_another_version(
    spark: SparkSession, tmp_path: Path
) -> None:
    store = TableStore(spark, _config(tmp_path, "parquet"), job="job")
    store.write(_things(spark, range(3)), THINGS)
    place, copy = Path(store.output("things")), tmp_path / "copy"
    before = tables.version(spark, str(place))
    shutil.copytree(place, copy)
    assert tables.version(spark, str(copy)) == before
    _things(spark, range(3, 4)).write.mode("append").parquet(str(place))
    added = tables.version(spark, str(place))
    next(copy.glob("*.parquet")).unlink()
    assert len({before, added, tables.version(spark, str(copy))}) == 3
    store.write(_things(spark, range(3)), THINGS)
    assert tables.version(spark, str(place)) == before


def test_the_counts_of_a_run_replace_those_of_the_run_before(
    spark: SparkSession, tmp_path: Path
) -> None:
    for job, rows in (("one", 5), ("two", 6), ("one", 7)):
        result = JobResult(rows_in={"raw": rows}, rows_out={"kept": rows}, rejected={"rule": 0})
        TableStore(spark, _config(tmp_path, "delta"), job=job).finish(result)
    counts = spark.read.format("delta").load(str(tmp_path / "run_counts"))
    found = {(r["job"], r["kind"], r["count"]): r["value"] for r in counts.collect()}
    assert found[("one", "in", "raw")] == 7
    assert found[("two", "out", "kept")] == 6
    assert len(found) == 6


@FORMATS
def test_publishing_turns_readers_from_one_space_to_the_next(
    spark: SparkSession, tmp_path: Path, stored: str
) -> None:
    place = str(tmp_path / "things")
    for space, ids in (("s1", range(3)), ("s2", range(5, 7)), ("s1", range(3))):
        tables.publish(
            _things(spark, ids),
            THINGS,
            place,
            format=stored,
            space_id=space,
            metadata={"space_id": space},
        )
        assert _ids(spark, place) == list(ids)
        assert tables.commit(spark, place)["metadata"]["space_id"] == space


def test_rejected_rows_are_counted_by_rule(spark: SparkSession) -> None:
    rows = [(["a", "b"],), (["a"],), ([],), (["c"],)]
    frame = spark.createDataFrame(rows, "rules array<string>").select(
        F.transform("rules", lambda rule: F.struct(rule.alias("rule"))).alias("reasons")
    )
    assert list(survey(frame).reasons.items()) == [("a", 2), ("b", 1), ("c", 1)]
