"""Tables staged and committed as jobs do, beside Spark's own Delta writer: MB/s and bytes on disk.

`ROWS` of the environment is the size of the table of events (2 million); MB are those of its rows
as Arrow. Both get the same rows from the executors' memory, and replace a table that is there.
"""

import os
import tempfile
import time
from pathlib import Path

import _measuring
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines import tables
from pipelines.cluster.session import open_session
from schemas import EVENTS

ROWS = int(os.environ.get("ROWS", "2000000"))


def events(spark: SparkSession) -> DataFrame:
    """Return events in the executors' memory."""
    number = F.col("id")
    made = {
        "event_id": F.md5(number.cast("string")),
        "user": F.concat(F.lit("u"), F.hash("id") % 200_000),
        "item": F.concat(F.lit("item-"), F.hash(number, F.lit(1)) % 50_000),
        "time": F.timestamp_seconds(1_700_000_000 + number),
        "event_type": F.element_at(
            F.array(*map(F.lit, ("view", "buy", "cart"))), (1 + number % 3).cast("int")
        ),
        "value": F.rand(1) * 100,
        "source": F.lit("events.csv"),
        "position": number,
    }
    columns = [made.get(c.name, F.lit(None)).cast(c.type).alias(c.name) for c in EVENTS.columns]
    frame = spark.range(0, ROWS, 1, 4).select(columns).persist()
    frame.count()  # computes the rows before any writer is timed
    return frame


def ours(frame: DataFrame, folder: str) -> float:
    """Replace a table as jobs do; return the seconds."""
    started = time.perf_counter()
    tables.write(frame, EVENTS, folder, format="delta", part={}, metadata={})
    return time.perf_counter() - started


def spark_writer(frame: DataFrame, folder: str) -> float:
    """Replace a table by Spark's own writer; return the seconds."""
    started = time.perf_counter()
    frame.write.format("delta").mode("overwrite").save(folder)
    return time.perf_counter() - started


def live_bytes(spark: SparkSession, folder: str) -> int:
    """Return the bytes of a table's live files."""
    detail = spark.sql(f"DESCRIBE DETAIL delta.`{folder}`").select("sizeInBytes").first()
    return int(detail[0]) if detail else 0


def main() -> None:
    """Write both tables in turn, print the table and write `build/bench/writer.json`."""
    with tempfile.TemporaryDirectory() as name:
        spark = open_session("writer", log_folder=Path(name))
        frame = events(spark)
        size = frame.toArrow().nbytes / 1e6
        mine, other = f"{name}/ours", f"{name}/spark"
        for _ in range(2):  # cold code first
            ours(frame, mine)
            spark_writer(frame, other)
        seconds = _measuring.paired(lambda: ours(frame, mine), lambda: spark_writer(frame, other))
        sizes = live_bytes(spark, mine), live_bytes(spark, other)
        shared = {"case": f"events, {ROWS:,} rows", "peer": _measuring.peer("delta-spark")}
        rows = [
            {"metric": "MB/s", "ours": size / seconds[0], "peer_value": size / seconds[1]},
            {"metric": "bytes per row", "ours": sizes[0] / ROWS, "peer_value": sizes[1] / ROWS},
        ]
        _measuring.write("writer", [shared | row | {"quality": {}} for row in rows])
        spark.stop()


if __name__ == "__main__":
    main()
