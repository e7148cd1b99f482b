"""Typed raw input that is troubled: Parquet's times and ids, mixed folders, odd paths."""

import io
import uuid
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from troubles import Case, T, check, ids, outcomes, parquet, times, written

NS = 1_704_067_200_000_000_000  # 2024-01-01
DAY = "2024-01-01T00:00:00"
BERLIN = {"time_zone": "Europe/Berlin"}
UUID = "12345678-1234-5678-1234-567812345678"


def ns(*numbers, zone=None):
    return pa.array(list(numbers), pa.timestamp("ns", zone))


def us(*numbers, zone=None):
    return pa.array(list(numbers), pa.timestamp("us", zone))


def at(*moments):
    """Return events that differ by time alone."""
    return [("u", "i", moment) for moment in moments]


def of(*users):
    """Return events that differ by user alone."""
    return [(user, "i", DAY) for user in users]


def twice():
    """Return a file of which two columns have one name."""
    sink = io.BytesIO()
    names = ["user", "user", "item", "time"]
    pq.write_table(pa.Table.from_arrays([pa.array(["x"])] * 4, names=names), sink)
    return {"a.parquet": sink.getvalue()}


def events(*users, **columns):
    count = len(users)
    columns = {name: [value] * count for name, value in columns.items()}
    return pa.table({"user": list(users), "item": ["i"] * count, "time": [T] * count} | columns)


def overwritten(folder):
    write_deltalake(folder, events("old", "older"))
    write_deltalake(folder, events("new"), mode="overwrite")


def deleted(folder):
    write_deltalake(folder, events("old", "new"))
    DeltaTable(folder).delete("user = 'old'")


def restored(folder):
    overwritten(folder)
    DeltaTable(folder).restore(0)


def in_odd_partitions(folder):
    for kind in ("a b", "c:d", "e%20f", "g+h", "i/j"):
        table = events(kind, event_type=kind)
        write_deltalake(folder, table, mode="append", partition_by=["event_type"])


def with_a_file_lost(folder):
    write_deltalake(folder, events("u"))
    next(folder.glob("*.parquet")).unlink()


CASES = {
    # times
    "ns": Case(times(ns(NS)), at(DAY)),
    "ns with digits below a microsecond": Case(
        times(ns(NS + 123_456_789, -1)),
        at("2024-01-01T00:00:00.123456", "1969-12-31T23:59:59.999999"),
        notes=["truncated_time", "truncated_time"],
    ),
    "us": Case(times(us(NS // 1000 + 123_456)), at("2024-01-01T00:00:00.123456")),
    "ms": Case(
        times(pa.array([NS // 10**6 + 7], pa.timestamp("ms"))), at("2024-01-01T00:00:00.007000")
    ),
    "s": Case(times(pa.array([NS // 10**9], pa.timestamp("s"))), at(DAY)),
    "instants with a zone": Case(times(us(NS // 1000, zone="Asia/Tokyo")), at(DAY), settings=BERLIN),
    "local times": Case(times(us(NS // 1000)), at("2023-12-31T23:00:00"), settings=BERLIN),
    "local times by an offset": Case(
        times(us(NS // 1000)), at("2023-12-31T22:00:00"), settings={"time_zone": "+02:00"}
    ),
    "local times by a short offset": Case(
        times(us(NS // 1000)), at("2023-12-31T22:00:00"), settings={"time_zone": "GMT+2"}
    ),
    "local times in no hour and in two": Case(
        times(us(1_711_852_200_000_000, 1_729_996_200_000_000)),  # 02:30 in March and October
        at("2024-03-31T01:30:00", "2024-10-27T00:30:00"),  # as Spark has them from text
        settings=BERLIN,
    ),
    "INT96": Case(times(ns(NS + 5000), use_deprecated_int96_timestamps=True),
        at("2024-01-01T00:00:00.000005"), settings=BERLIN),
    "dates": Case(times(pa.array([19723], pa.date32())), at(DAY)),
    "numbers of seconds to nanoseconds": Case(
        times(pa.array([NS // 10**9, NS // 10**6, NS // 1000, NS])), at(DAY, DAY, DAY, DAY)
    ),
    "seconds with a fraction": Case(times(pa.array([NS / 1e9 + 0.5])), at("2024-01-01T00:00:00.500000")),
    "a year above 9999": Case(
        times(us(400_000_000_000_000_000, NS // 1000)), at(DAY), [(0, "valid_time")]
    ),
    "milliseconds beyond all years": Case(
        times(pa.array([2**62, NS // 10**6], pa.timestamp("ms"))), at(DAY), [(0, "valid_time")]
    ),
    "a time of day alone": Case(times(pa.array([5], pa.time32("s"))), [], [(0, "valid_time")]),
    "a duration": Case(times(pa.array([5], pa.duration("s"))), [], [(0, "valid_time")]),
    "no time": Case(times(us(None)), [], [(0, "has_time")]),
    # ids
    "uint64": Case(ids(pa.array([2**64 - 1], pa.uint64())), of("18446744073709551615")),
    "int64 with a missing one": Case(ids(pa.array([2**63 - 1, None])), of("9223372036854775807"), [(1, "has_user")]),
    "floats": Case(
        ids(pa.array([12345678.0, 1e15, -0.0, 0.5, None])),
        of("12345678", "1000000000000000", "0", "0.5"), [(4, "has_user")]
    ),
    "floats above 2^53": Case(ids(pa.array([2.0**53])), of("9.007199254740992e+15"), notes=["lossy_key"]),
    "float32": Case(ids(pa.array([16777215, 16777216], pa.float32())), of("16777215", "16777216"), notes=["lossy_key"]),
    "floats that are no number": Case(
        ids(pa.array([float("nan"), float("inf")])), [], [(0, "has_user"), (1, "has_user")], ["not_finite"] * 2
    ),
    "decimals": Case(
        ids(pa.array([Decimal("42.00"), Decimal("12.50"), Decimal("0.00")])), of("42", "12.50", "0")
    ),
    "decimals of 18 digits": Case(
        ids(pa.array([Decimal("0"), Decimal("100"), Decimal("0.0000000001")], pa.decimal128(38, 18))),
        of("0", "100", "0.000000000100000000"),
    ),
    "wide decimals": Case(ids(pa.array([Decimal(10**50)], pa.decimal256(60, 2))), of(f"1{'0' * 50}")),
    "UUIDs": Case(ids(pa.array([uuid.UUID(UUID).bytes], pa.uuid())), of(UUID)),
    "binary": Case(ids(pa.array([b"ann", "тея".encode()])), of("ann", "тея")),
    "binary that is no text": Case(
        ids(pa.array([b"\xff\x00", b"ann"])), of("ann"), [(0, "valid_utf8")]
    ),
    "binary of a fixed size": Case(ids(pa.array([b"ann"], pa.binary(3))), of("ann")),
    "large binary": Case(ids(pa.array([b"ann"], pa.large_binary())), of("ann")),
    "categories": Case(ids(pa.array(["a", "b", "a"]).dictionary_encode()), of("a", "b", "a")),
    "categories of numbers": Case(ids(pa.array([7, 7]).dictionary_encode()), of("7", "7")),
    "categories of binary": Case(ids(pa.array([b"ann"]).dictionary_encode()), of("ann")),
    "words true and false": Case(ids(pa.array([True])), of("true")),
    "large and viewed strings": Case({
        "a.parquet": parquet(user=pa.array(["00042"], pa.large_string())),
        "b.parquet": parquet(user=pa.array(["1e5"], pa.string_view())),
    }, of("00042", "1e5")),
    "dates as ids": Case(ids(pa.array([19723], pa.date32())), of("2024-01-01")),
    "durations as ids": Case(ids(pa.array([5], pa.duration("s"))), of("5")),
    "lists": Case(ids(pa.array([["a"], None])), [], [(0, "scalar_value"), (1, "has_user")]),
    "maps": Case(ids(pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64()))), [], [(0, "scalar_value")]),
    "structs": Case(ids(pa.array([{"id": 1}])), [], [(0, "scalar_value")]),
    "fields of structs": Case(
        ids(pa.array([{"id": 7, "in": {"x": "a"}}, None])), of("7"), [(1, "has_user")],
        settings={"columns": {"user": "user.id"}},
    ),
    "fields of structs in structs": Case(
        ids(pa.array([{"id": 7, "in": {"x": "a"}}])), of("a"), settings={"columns": {"user": "user.in.x"}}
    ),
    "a column of nulls": Case(ids(pa.nulls(1)), [], [(0, "has_user")]),
    "blank ids": Case(ids(pa.array(["", " \t", "a"])), of("a"), [(0, "has_user"), (1, "has_user")]),
    # values
    "values of many types": Case(
        {f"{n}.parquet": parquet(value=array) for n, array in enumerate([
            pa.array([1.5]), pa.array([2], pa.int8()), pa.array([Decimal("3.25")]), pa.array(["4"]),
            pa.array([b"5"]), pa.array([0.1], pa.float32()), pa.array([1.5], pa.float16()),
        ])},
        [("u", "i", DAY, value) for value in (1.5, 2.0, 3.25, 4.0, 5.0, 0.1, 1.5)],
    ),
    "NaN as a value": Case({"a.parquet": parquet(value=[float("nan")])}, [("u", "i", DAY, None)], notes=["not_finite"]),
    # files
    "types that differ by file": Case(
        {"a.parquet": parquet(user=[12345678]), "b.parquet": parquet(user=[12345678.0, None]),
         "c.parquet": parquet(user=["12345678"]), "d.parquet": parquet(user=pa.array([12345678], pa.int32())),
         "e.parquet": parquet(user=[Decimal("12345678.0")])},
        of(*["12345678"] * 5), [(1, "has_user")],
    ),
    "times that differ by file": Case(
        {"a.parquet": parquet(time=ns(NS)), "b.parquet": parquet(time=["2024-01-01 00:00:00"]), "c.parquet": parquet(time=[NS // 10**9])},
        at(DAY, DAY, DAY),
    ),
    "a column that one file lacks": Case(
        {"a.parquet": parquet(), "b.parquet": parquet(user=None)}, of("u"), [(0, "has_user")]
    ),
    "a column of another case": Case(
        {"a.parquet": parquet(user=None, User=["u"])}, refused="did you mean 'User'? Name the right one with --set columns.user=User"
    ),
    "a name twice": Case(twice(), refused="a.parquet: has the column 'user' 2 times; rename one"),
    "names of the reader's own": Case(
        {"a.parquet": parquet(user=None, position=["p"], source=["s"], problem=["x"], record=["r"], notes=["n"])},
        [("p", "r", DAY, None, "n")], settings={"columns": {"user": "position", "item": "record", "event_type": "notes", "event_id": "problem"}},
    ),
    "no rows": Case({"a.parquet": parquet(user=pa.array([], pa.string()), item=pa.array([], pa.string()), time=pa.array([], pa.string())), "b.parquet": parquet()}, of("u")),
    "a file cut off": Case({"a.parquet": parquet()[:-9]}, refused="a.parquet: cannot be read to its end"),
    "a CSV by the name of Parquet": Case({"a.parquet": b"user,item,time\n" * 3}, refused="a.parquet: cannot be read to its end"),
    "a page overwritten": Case({"a.parquet": parquet()[:4] + bytes(60) + parquet()[64:]}, refused="a.parquet: cannot be read to its end"),
    # Delta
    "a table overwritten": Case(written(overwritten), of("new")),
    "rows deleted": Case(written(deleted), of("new")),
    "a table restored": Case(written(restored), of("old", "older")),
    "odd partitions of Delta": Case(written(in_odd_partitions), [(k, "i", DAY, None, k) for k in ("a b", "c:d", "e%20f", "g+h", "i/j")]),
    "a file of the table lost": Case(written(with_a_file_lost), refused=".parquet"),
    # paths
    "odd names of folders and files": Case(
        {f"{name}/{name}.parquet": parquet(user=[name]) for name in ("10:00", "a b", "a%20b", "a+b", "ü#?", "x*[y]{z}", "~a$b")},
        of("10:00", "a b", "a%20b", "a+b", "x*[y]{z}", "~a$b", "ü#?"),
    ),
    "partitions": Case(
        {f"event_type={name}/a.parquet": parquet() for name in ("a%2Fb", "b%3Ac", "c+d", "d=e", "e f", "é", "%25")},
        [("u", "i", DAY, None, kind) for kind in ("%", "a/b", "b:c", "c+d", "d=e", "e f", "é")],
    ),
    "partitions without a value": Case(
        {f"user={name}/a.parquet": parquet(user=None) for name in ("__HIVE_DEFAULT_PARTITION__", "", "ann")},
        of("ann"), [(0, "has_user"), (0, "has_user")],
    ),
    "a partition of times": Case({"time=2024-01-01 00%3A00%3A00/user=00042/a.parquet": parquet(time=None, user=None)}, of("00042")),
    "a partition that files have too": Case({"event_type=click/a.parquet": parquet(event_type=["none"])}, [("u", "i", DAY, None, "click")]),
    "partitions of CSV": Case({"event_type=buy/day=1/a.csv": b"user,item,time\nu,i,2024-01-01\n"}, [("u", "i", DAY, None, "buy")]),
    "hidden files": Case({"a.parquet": parquet(), "_SUCCESS": b"", ".b.parquet.crc": b"x", "_temporary/0/b.parquet": b"x", ".c/d.parquet": b"x"}, of("u")),
    "formats mixed": Case({"a.parquet": parquet(), "a.csv": b"x\n"}, refused="holds csv and parquet files; choose with include"),
    "an ending unknown": Case({"a.parquet.tmp": parquet()}, refused="known endings are"),
    "an empty file": Case({"a.parquet": parquet(), "b.parquet": b""}, refused="b.parquet: is empty"),
}  # fmt: skip


@pytest.fixture(scope="module")
def found(spark, tmp_path_factory):
    return outcomes(spark, tmp_path_factory.mktemp("tables"), CASES)


@pytest.mark.parametrize("name", CASES)
def test_troubled_tables(found, name):
    check(CASES[name], found[name])
