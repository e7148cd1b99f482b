"""Records of inputs through Spark: which files count, where each record is, what is refused."""

import bz2
import gzip
import io
import json
import lzma
import zipfile
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F

from pipelines.errors import InputError, from_spark
from pipelines.sources import Field, SourceSettings, files, read_records
from pipelines.sources.records import broken_files, sound_records
from pipelines.sources.split import Split
from schemas import REJECTED_FILES

TEXT = (Field("t", "t"),)


def rows(spark, where, fields=TEXT, **settings):
    """Return `(source, position, fields..., problem)` of each record, in order."""
    found = read_records(spark, where, fields, SourceSettings(**settings))
    names = ["source", "position", *(field.name for field in fields), "problem"]
    return [tuple(row) for row in found.frame.select(names).orderBy(*names[:2]).collect()]


def put(folder, name, data):
    place = folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    return place


def zipped(data):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.jsonl", data)
    return stream.getvalue()


LINE = b'{"t": "one"}\n'
COMPRESSED = {
    "gzip": gzip.compress(LINE),
    "two members": gzip.compress(LINE[:5]) + gzip.compress(LINE[5:]),
    "bz2": bz2.compress(LINE),
    "xz": lzma.compress(LINE),
    "zstd": bytes(pa.Codec("zstd").compress(LINE, asbytes=True)),
    "zip": zipped(LINE),
}


def test_files_are_decompressed_by_what_they_hold_whatever_their_names(spark, tmp_path):
    for number, data in enumerate(COMPRESSED.values()):
        put(tmp_path, f"{number}.jsonl", data)  # no ending tells the compression
    put(tmp_path, "plain.jsonl.gz", LINE)  # and this one tells it wrongly
    found = rows(spark, str(tmp_path))
    assert len(found) == len(COMPRESSED) + 1
    assert {row[1:] for row in found} == {(0, "one", None)}


ODD_NAMES = ["day[1]", "day*", "a{b,c}", "a b", "ü%20#1", "a+b", "x:y", "q?", "back\\slash", "100%"]


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_paths_mean_what_they_say(spark, tmp_path, kind):
    for folder in [*ODD_NAMES, "day1", "days", "ab"]:
        place = tmp_path / folder / f"{folder}.{kind}"
        place.parent.mkdir()
        if kind == "jsonl":
            place.write_text(json.dumps({"t": folder}), encoding="utf-8")
        else:
            pq.write_table(pa.table({"t": [folder]}), place)
    for folder in ODD_NAMES:
        assert rows(spark, str(tmp_path / folder)) == [(f"{folder}.{kind}", 0, folder, None)]


def test_include_exclude_and_lists_of_paths(spark, tmp_path):
    for name in ("x/a.jsonl", "x/b.jsonl", "y/a.jsonl", "y/skip/a.jsonl"):
        put(tmp_path, name, json.dumps({"t": name}).encode())
    put(tmp_path, "notes.md", b"no record")
    chosen = rows(spark, str(tmp_path), include=["*.jsonl"], exclude=["*/skip/*"])
    assert [row[2] for row in chosen] == ["x/a.jsonl", "x/b.jsonl", "y/a.jsonl"]
    both = rows(spark, [str(tmp_path / "x"), str(tmp_path / "y")], exclude=["b.jsonl", "*/skip/*"])
    assert [row[0] for row in both] == ["x/a.jsonl", "y/a.jsonl"]
    with pytest.raises(InputError, match="include and exclude leave none"):
        rows(spark, str(tmp_path), include=["*.csv"])
    with pytest.raises(InputError, match=r"paths are no patterns.*set include"):
        rows(spark, str(tmp_path / "*.jsonl"))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "holds no files"),
        (("a.txt", "b.csv"), "holds csv and text files; choose with include, or set file_format"),
        (("a.xyz",), r"a\.xyz: unknown kind of file; known endings are"),
        (("_hidden.txt", ".also.txt"), "holds no files"),
    ],
)
def test_a_folder_that_cannot_be_read_is_refused(spark, tmp_path, names, message):
    for name in names:
        put(tmp_path, name, b"x")
    with pytest.raises(InputError, match=message):
        rows(spark, str(tmp_path))


def test_missing_and_empty_files_are_named(spark, tmp_path):
    with pytest.raises(InputError, match="nowhere: no such file or folder"):
        rows(spark, str(tmp_path / "nowhere"))
    put(tmp_path, "good.jsonl", LINE)
    put(tmp_path, "empty.jsonl", b"")
    with pytest.raises(InputError, match=r"empty\.jsonl: is empty \(zero bytes\)"):
        rows(spark, str(tmp_path))


def test_a_broken_file_is_an_input_error_or_listed(spark, tmp_path):
    data = gzip.compress(b"".join(b'{"t": "%d"}\n' % n**5 for n in range(30_000)))[:-9000]
    put(tmp_path, "cut.jsonl.gz", data)
    with pytest.raises(Exception, match="cut") as caught:
        rows(spark, str(tmp_path))
    known = from_spark(caught.value)
    assert isinstance(known, InputError)
    assert "cut.jsonl.gz: cannot be read to its end" in str(known)
    found = read_records(spark, str(tmp_path), TEXT, SourceSettings(bad_files="reject")).frame
    (listed,) = broken_files(found).collect()
    assert (listed["path"], listed["size"]) == ("cut.jsonl.gz", len(data))
    assert broken_files(found).columns == REJECTED_FILES.column_names
    assert 15_000 < sound_records(found).count() < 30_000


def test_files_of_one_folder_may_have_other_columns_orders_and_types(spark, tmp_path):
    fields = (Field("user", "user", "key"), Field("more", "more"))
    pq.write_table(pa.table({"user": [1, 2]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"more": ["x"], "user": [3.0]}), tmp_path / "b.parquet")
    pq.write_table(pa.table({"user": ["4"]}), tmp_path / "c.parquet")
    assert [row[2:4] for row in rows(spark, str(tmp_path), fields)] == [
        ("1", None),
        ("2", None),
        ("3", "x"),
        ("4", None),
    ]


def test_the_columns_of_hive_partitions_are_columns(spark, tmp_path):
    fields = (Field("t", "t"), Field("day", "day"), Field("kind", "kind"))
    for folder in ("day=2024-01-01/kind=a%2Fb", "day=2024-01-02/kind=__HIVE_DEFAULT_PARTITION__"):
        put(tmp_path, f"{folder}/part.jsonl", LINE)
    assert [row[2:5] for row in rows(spark, str(tmp_path), fields)] == [
        ("one", "2024-01-01", "a/b"),
        ("one", "2024-01-02", None),
    ]


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_a_column_that_does_not_exist_is_refused_with_the_nearest_names(spark, tmp_path, kind):
    if kind == "parquet":
        pq.write_table(pa.table({"Content": ["x"], "n": [1]}), tmp_path / "a.parquet")
    else:
        put(
            tmp_path,
            f"a.{kind}",
            b'{"Content": "x", "n": 1}' if kind == "jsonl" else b"Content,n\nx,1",
        )
    field = Field("text", "content", setting="text_column", is_required=True)
    with pytest.raises(
        InputError, match=r"no column 'content' \(text_column\); there are: Content, n"
    ) as told:
        rows(spark, str(tmp_path), (field,))
    assert "did you mean 'Content'? Name the right one with --set text_column=Content" in str(
        told.value
    )


def test_nested_columns_are_named_by_their_way(spark, tmp_path):
    fields = (Field("a", "user.id", "key", is_required=True), Field("b", "user.name.first"))
    put(tmp_path, "j/a.jsonl", b'{"user": {"id": 7, "name": {"first": "Ann"}}}')
    (tmp_path / "p").mkdir()
    table = pa.table({"user": [{"id": 7, "name": {"first": "Ann"}}]})
    pq.write_table(table, tmp_path / "p" / "a.parquet")
    for folder in ("j", "p"):
        assert rows(spark, str(tmp_path / folder), fields)[0][2:] == ("7", "Ann", None)


TABLE = "CREATE TABLE delta.`{}` (user STRING, time TIMESTAMP, day STRING) USING delta {}"


@pytest.mark.parametrize(
    "options",
    [
        "",
        "PARTITIONED BY (day)",
        "TBLPROPERTIES ('delta.enableDeletionVectors' = true)",
        "TBLPROPERTIES ('delta.columnMapping.mode' = 'name')",
    ],
)
def test_of_a_delta_table_the_live_rows_are_read(spark, tmp_path, options):
    place = str(tmp_path / "log")
    spark.sql(TABLE.format(place, options))
    for user, day in (("gone", "1"), ("ann", "2"), ("bob", "2")):
        spark.sql(
            f"INSERT INTO delta.`{place}` VALUES ('{user}', '2024-01-31 12:00:00.123456Z', '{day}')"
        )
    spark.sql(f"DELETE FROM delta.`{place}` WHERE user = 'gone'")
    fields = (Field("user", "user", "key"), Field("time", "time", "time"), Field("day", "day"))
    found = read_records(spark, place, fields, SourceSettings())
    assert found.format == "delta"
    got = found.frame.orderBy("user").select("user", "time_micros", "day", "position").collect()
    noon = int(datetime(2024, 1, 31, 12, tzinfo=UTC).timestamp()) * 10**6 + 123456
    assert [tuple(row) for row in got] == [("ann", noon, "2", 0), ("bob", noon, "2", 0)]
    sources = {row["source"] for row in found.frame.select("source").collect()}
    assert all((tmp_path / "log" / source).exists() for source in sources)


def test_small_files_are_gathered_and_planned_at_once(monkeypatch):
    monkeypatch.setattr(files, "_TASK_BYTES", 30)
    monkeypatch.setattr(files, "_OPEN_BYTES", 0)
    monkeypatch.setattr(files, "_LEAST_TASK_BYTES", 5)
    splits = [Split(f"file:/in/s{n}", f"s{n}", 10) for n in range(7)]
    tasks = files.gather(splits, 1)
    assert [[split.relative for split in task] for task in tasks] == [
        ["s0", "s1", "s2"],
        ["s3", "s4", "s5"],
        ["s6"],
    ]
    assert len(files.gather(splits[:4], 4)) == 4  # every core has a task
    packed = [Split("file:/in/a.gz", "a.jsonl.gz", 10), *splits[:3]]
    assert [len(task) for task in files.gather(packed, 2)] == [1, 3]
    monkeypatch.undo()  # small files are spread too: opening them takes time
    assert 100 < len(files.gather(splits * 15_000, 2)) < 500


def test_another_content_is_another_version(spark, tmp_path):
    put(tmp_path, "a.jsonl", LINE)
    first = read_records(spark, str(tmp_path), TEXT, SourceSettings()).version
    put(tmp_path, "a.jsonl", LINE * 2)
    assert read_records(spark, str(tmp_path), TEXT, SourceSettings()).version != first


def test_every_record_of_many_large_files_is_read_once(spark, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_LARGE_BYTES", 1000)
    for number in range(3):
        lines = b"".join(b'{"t": "%d"}\n' % n for n in range(500 * number, 500 * number + 500))
        put(tmp_path, f"{number}.jsonl", lines)
    frame = read_records(spark, str(tmp_path), TEXT, SourceSettings()).frame
    assert frame.select(F.col("t").cast("int")).distinct().count() == frame.count() == 1500
