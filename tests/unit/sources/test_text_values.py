"""Times and numbers of text are what Spark reads, wherever they are read at all."""

import random
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
from pyspark.sql import functions as F

from pipelines.interactions.times import parse_time
from pipelines.sources.values.text_values import read_numbers, read_times

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WHOLE = datetime(2024, 2, 29, 12, 30, 59, tzinfo=UTC)
READ = {
    "2024-02-29": datetime(2024, 2, 29, tzinfo=UTC),
    "2024-02-29T12:30": WHOLE.replace(second=0),
    "2024-02-29 12:30:59": WHOLE,
    "2024-02-29T12:30:59Z": WHOLE,
    "2024-02-29T12:30:59.5Z": WHOLE.replace(microsecond=500_000),
    "2024-02-29T12:30:59.123456789": WHOLE.replace(microsecond=123_456),
    "2024-02-29T12:30:59+05:30": WHOLE - timedelta(hours=5, minutes=30),
    "2024-02-29T12:30:59.25-11:00": WHOLE + timedelta(hours=11, milliseconds=250),
    "1969-12-31T23:59:59.999999Z": EPOCH - timedelta(microseconds=1),
    "1900-03-01": datetime(1900, 3, 1, tzinfo=UTC),
    "0001-01-01": datetime(1, 1, 1, tzinfo=UTC),
    "9999-12-31T23:59:59": datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    "1709209859": WHOLE,
    "1709209859123": WHOLE.replace(microsecond=123_000),
    "1709209859123456": WHOLE.replace(microsecond=123_456),
    "170920985912345678": EPOCH + timedelta(microseconds=170920985912345),
    "0": EPOCH,
    "99999999999": EPOCH + timedelta(seconds=99_999_999_999),
    "100000000000": EPOCH + timedelta(seconds=100_000_000),
}
OTHERS = [
    "", " ", "noon", "2023-02-29", "1900-02-29", "2024-13-01", "2024-00-10", "2024-01-00",
    "2024-01-01T24:00", "2024-01-01T12:60", "2024-01-01T12:30:60", "2024-01-01T",
    "2024-01-01x12:0", "2024-01-01T12:30:59.", "2024-01-01T12:30:59.1234567890",
    "2024-01-01T12:30:59 Z", "2024-1-1", "2024-01-01T12:30:59+0530",
    "2024-01-01T12:30:59+18:30", "0000-01-01", " 2024-01-01", "-5", "1.5", "1e9",
    "1234567890123456789", "2024-01-0\u0661", "12:30",
]  # fmt: skip


def micros(time: datetime) -> int:
    return (time - EPOCH) // timedelta(microseconds=1)


def test_usual_times_are_read() -> None:
    found = read_times(pa.array([*READ]), "UTC").to_pylist()
    assert dict(zip(READ, found, strict=True)) == {
        text: micros(time) for text, time in READ.items()
    }


def test_others_are_left() -> None:
    texts = pa.array([*OTHERS, None])
    found = read_times(texts, "UTC").to_pylist()
    assert [
        text for text, value in zip(texts.to_pylist(), found, strict=True) if value is not None
    ] == []


def test_a_slice_is_read_by_its_own_rows() -> None:
    texts = pa.array(["x", "1970-01-02", None, "1970-01-03", "y"])[1:4]
    assert read_times(texts, "UTC").to_pylist() == [86_400_000_000, None, 172_800_000_000]
    assert read_times(texts[:0], "UTC").to_pylist() == []
    assert read_times(pa.array([None, None], pa.string()), "UTC").to_pylist() == [None, None]


ZONES = ("UTC", "Europe/Berlin", "-03:30")


def drawn(count: int) -> list[str]:
    draw = random.Random(3)  # noqa: S311
    first = date(1, 1, 1).toordinal()
    days = (date.fromordinal(draw.randint(first, date.max.toordinal())) for _ in range(count))
    times = ("", "T12:30", " 01:02:03", "T23:59:59.000001", "T00:00:00.9999999", "T03:04:05Z")
    offsets = ("", "Z", "+02:00", "-09:45", " ", "x")
    texts = [f"{day}{draw.choice(times)}{draw.choice(offsets)}" for day in days]
    return [*texts, *(str(draw.randrange(10 ** draw.randint(1, 20))) for _ in range(count // 4))]


def test_spark_reads_the_same(spark) -> None:  # type: ignore[no-untyped-def]
    texts = [*READ, *OTHERS, *drawn(800), "2024-03-31T02:30:00", "2024-10-27T02:30:00"]
    frame = spark.createDataFrame(pa.table({"text": texts}))
    parsed = [parse_time(F.col("text"), time_format=None, time_zone=zone) for zone in ZONES]
    theirs = frame.select(*map(F.unix_micros, parsed)).collect()
    for zone, column in zip(ZONES, zip(*theirs, strict=True), strict=True):
        ours = read_times(pa.array(texts), zone).to_pylist()
        read = [each for each in zip(texts, ours, column, strict=True) if each[1] is not None]
        # ISO 8601 allows an offset behind minutes, and Spark does not
        both = [e for e in read if e[2] is not None or not re.search(r"12:30(Z|[+-].....)$", e[0])]
        assert len(both) > len(texts) // 3
        assert [each for each in both if each[1] != each[2]] == []


def test_numbers_are_read_or_left_to_spark() -> None:
    found = read_numbers(pa.array(["1", "-2.5", "1e3", None, ".5", "NaN", "inf"]))
    assert found is not None
    assert found.to_pylist() == [1.0, -2.5, 1000.0, None, 0.5, None, None]
    assert read_numbers(pa.array(["1", "one"])) is None
    exact = [float(Decimal(n) / 7) for n in range(1, 500)]
    assert read_numbers(pa.array([repr(n) for n in exact])).to_pylist() == exact  # type: ignore[union-attr]
