"""Small Delta tables read by Spark's Parquet reader: the rows that Delta's own reader gives."""

import pytest
from pyspark.sql import functions as F

from pipelines.storage.delta import delta
from pipelines.storage.hadoop import Files

ODD = ["a b", "50%", "x=y/z", "ä'\"", "{1}", "[0]*?", "", None, "01"]  # values of a partition


def write(frame, place, *by, mode="overwrite", **options):
    writer = frame.write.format("delta").mode(mode).partitionBy(*by).options(**options)
    writer.save(str(place))


def same_rows(spark, place):
    """Require equal rows of both readers."""
    frame, _ = delta.read(spark, Files(spark), f"file:{place}")
    own = spark.read.format("delta").load(str(place))
    assert [(f.name, f.dataType) for f in frame.schema] == [
        (f.name, f.dataType) for f in own.schema
    ]
    assert sorted(map(str, frame.collect())) == sorted(map(str, own.collect()))


def test_partitions_of_any_text(spark, tmp_path):
    rows = [(n, value) for n, value in enumerate(ODD)]
    write(spark.createDataFrame(rows, "n int, part string"), tmp_path / "t", "part")
    same_rows(spark, tmp_path / "t")
    frame, _ = delta.read(spark, Files(spark), f"file:{tmp_path}/t")
    assert frame.where(F.col("part") == "50%").count() == 1


@pytest.mark.parametrize("name", ["plain", "with space", "[glob]*", "per%20cent"])
def test_folders_of_any_name(spark, tmp_path, name):
    write(spark.range(5).toDF("id"), tmp_path / name)
    same_rows(spark, tmp_path / name)


def test_a_column_that_was_added_later_is_null_in_older_files(spark, tmp_path):
    write(spark.range(3).toDF("id"), tmp_path / "t")
    added = spark.range(3).select("id", F.lit("x").alias("more"))
    write(added, tmp_path / "t", mode="append", mergeSchema="true")
    same_rows(spark, tmp_path / "t")


def test_a_table_without_rows_and_one_of_many_files(spark, tmp_path):
    write(spark.range(0).toDF("id"), tmp_path / "none")
    same_rows(spark, tmp_path / "none")
    write(spark.range(0, 40, 1, 40).toDF("id"), tmp_path / "many")
    same_rows(spark, tmp_path / "many")


def test_a_small_table_is_read_by_one_job(spark, tmp_path):
    write(spark.range(5).coalesce(1).toDF("id"), tmp_path / "t")
    scheduler = spark.sparkContext._jsc.sc().dagScheduler()
    frame, _ = delta.read(spark, Files(spark), f"file:{tmp_path}/t")
    before = scheduler.numTotalJobs()
    assert len(frame.collect()) == 5
    assert scheduler.numTotalJobs() - before == 1
