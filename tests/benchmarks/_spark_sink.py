"""Spark of the benchmark of raw files: a session, its own readers, and a sink that drops rows."""

from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F


def session(master: str) -> SparkSession:
    """Return a session as vectormill's, without Delta."""
    builder = SparkSession.builder.master(master).config("spark.ui.enabled", "false")
    builder = builder.config("spark.driver.memory", "2g")
    builder = builder.config("spark.python.unix.domain.socket.enabled", "true")
    running = builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
    running.sparkContext.setLogLevel("ERROR")
    return running


def reader(spark: SparkSession, path: Path, columns: Sequence[str]) -> DataFrame:
    """Return a file by Spark's own reader, the columns as strings.

    Raises:
        ValueError: Spark does not read such files.
    """
    texts = ", ".join(f"{name} string" for name in columns)
    if path.suffix == ".jsonl":
        return spark.read.schema(texts).json(str(path))
    if path.suffix == ".parquet":
        return spark.read.parquet(str(path)).select(*columns)
    if path.suffix == ".txt":
        return spark.read.text(str(path)).select(F.col("value").alias("text"))
    if path.suffix != ".csv":
        raise ValueError("Spark has no reader of WARC")
    is_long = path.name == "texts.csv"
    csv = spark.read.options(header=True, escape='"', multiLine=is_long).csv(str(path))
    return csv.select(*columns)


def sink(frame: DataFrame) -> None:
    """Read all rows of a frame."""
    frame.write.format("noop").mode("overwrite").save()


def rows_of(frame: DataFrame, columns: Sequence[str]) -> tuple[int, int]:
    """Return the rows of a frame, and the bytes of columns."""
    sizes = [F.sum(F.octet_length(F.col(name))) for name in columns]
    count, *found = frame.select(F.count("*"), *sizes).collect()[0]
    return count, sum(size or 0 for size in found)
