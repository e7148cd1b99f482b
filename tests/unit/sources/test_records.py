"""Reading raw files: every record once with its place, every broken file by its name."""

import bz2
import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from pipelines.errors import InputError, from_spark
from pipelines.sources import files, records
from pipelines.sources.files import Split
from pipelines.storage.hadoop import FileInfo

LINES = [f"line {n} ü" for n in range(3000)]
DATA = "\n".join(LINES).encode()
PLACES = [sum(len(line.encode()) + 1 for line in LINES[:n]) for n in range(len(LINES))]


def _zst(data: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(data, asbytes=True))


def _rows(path: Path, mode: str, bad_files: str = "fail") -> list[records.Row]:
    split = Split(str(path), path.name, 0, None, path.stat().st_size)
    return list(records._task_rows([split], mode, bad_files))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.txt", DATA),
        ("a.txt.gz", gzip.compress(DATA)),
        ("a.txt.bz2", bz2.compress(DATA)),
        ("a.txt.zst", _zst(DATA)),
        ("A.TXT.GZ", gzip.compress(DATA)),
        ("members.gz", gzip.compress(DATA[:999]) + gzip.compress(DATA[999:])),
    ],
)
def test_compression_changes_neither_records_nor_positions(
    name: str, data: bytes, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(data)
    rows = _rows(tmp_path / name, "text")
    assert rows == [(name, place, line, None) for place, line in zip(PLACES, LINES, strict=True)]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.gz", gzip.compress(DATA)[:-4]),
        ("b.gz", gzip.compress(DATA)[:2000]),
        ("c.gz", DATA),
        ("a.bz2", bz2.compress(DATA)[:-20]),
        ("a.zst", _zst(DATA)[:-20]),
    ],
)
def test_a_file_that_breaks_off_ends_the_job_by_name_or_is_listed(
    name: str, data: bytes, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=rf"{name}: cannot be read to its end.* bad_files: reject"):
        _rows(tmp_path / name, "text")
    *sound, last = _rows(tmp_path / name, "text", "reject")
    assert (last[0], last[1], last[3]) == (name, len(data), records.BROKEN_FILE)
    assert [row[2] for row in sound] == LINES[: len(sound)], "records before the break are kept"


def test_records_are_kept_until_shortly_before_the_break(tmp_path: Path) -> None:
    lines = [f"line {n} and {n * 7919}" for n in range(50_000)]
    (tmp_path / "a.gz").write_bytes(gzip.compress("\n".join(lines).encode())[:-4])
    *sound, last = _rows(tmp_path / "a.gz", "text", "reject")
    assert last[3] == records.BROKEN_FILE
    assert [row[2] for row in sound] == lines[: len(sound)]
    assert len(sound) > 45_000


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    split = Split(str(tmp_path / "gone.txt"), "gone.txt", 0, None, 5)
    with pytest.raises(InputError, match=r"gone\.txt"):
        list(records._task_rows([split], "text", "fail"))


def test_bad_bytes_are_flagged_and_replaced_in_every_format(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"good\nb\xffd\n")
    assert _rows(path, "text") == [("a", 0, "good", None), ("a", 5, "b\ufffdd", "valid_utf8")]
    assert _rows(path, "file") == [("a", 0, "good\nb\ufffdd\n", "valid_utf8")]
    path.write_bytes(b"t,n\nb\xffd,1\nok,2\n")
    bad, good = _rows(path, "csv")
    assert (bad[1], bad[3]) == (0, "valid_utf8")
    assert len(json.loads(bad[2] or "")["t"]) > 2
    assert good == ("a", 1, '{"t": "ok", "n": "2"}', None)


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"\xef\xbb\xbf{}\n{}")
    assert _rows(path, "jsonl") == [("a", 0, "{}", None), ("a", 6, "{}", None)]
    assert _rows(path, "file") == [("a", 0, "{}\n{}", None)]
    path.write_bytes(b"\xef\xbb\xbft\nx\n")
    assert _rows(path, "csv") == [("a", 0, '{"t": "x"}', None)]
    path.write_bytes(b"\xef\xbb\xbf\n")
    assert _rows(path, "jsonl") == []


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_keeps_quoted_delimiters_quotes_and_line_ends(delimiter: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    body = f'id{delimiter}text\r\n1{delimiter}"a{delimiter}b ""c""\nd"\r\n\r\n2{delimiter}é\r\n'
    path.write_text(body, encoding="utf-8", newline="")
    first, second = _rows(path, "csv")
    assert first[1] == 0
    assert json.loads(first[2] or "") == {"id": "1", "text": f'a{delimiter}b "c"\nd'}
    assert json.loads(second[2] or "") == {"id": "2", "text": "é"}


def test_csv_rows_of_another_length_are_flagged_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1\n1,2,3\n1,2\n", encoding="utf-8")
    short, long, sound = _rows(path, "csv")
    assert (short[2], short[3]) == ('["1"]', "column_count")
    assert (long[2], long[3]) == ('["1", "2", "3"]', "column_count")
    assert sound[3] is None


def test_csv_that_ends_inside_quotes_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('a,b\n1,2\n3,"4', encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.csv: cannot be read to its end"):
        _rows(path, "csv")
    assert [row[3] for row in _rows(path, "csv", "reject")] == [None, records.BROKEN_FILE]


@pytest.mark.parametrize("data", ["", "\n", "\n\n"])
def test_csv_without_a_header_has_no_records(data: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(data, encoding="utf-8")
    assert _rows(tmp_path / "a.csv", "csv") == []


def test_a_text_longer_than_csv_usually_allows_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text\n" + "x" * 200_000 + "\n", encoding="utf-8")
    [row] = _rows(tmp_path / "a.csv", "csv")
    assert len(row[2] or "") > 200_000


def _info(name: str, size: int) -> FileInfo:
    return FileInfo(f"file:/in/{name}", name, size, 0)


def test_large_files_are_cut_and_small_ones_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_SPLIT_BYTES", 100)
    monkeypatch.setattr(files, "_SMALL_BYTES", 30)
    found = [_info("big", 250), _info("zip.gz", 500), *(_info(f"s{n}", 10) for n in range(7))]
    tasks = files.plan_tasks(found, is_splittable=True)
    assert [[(s.relative, s.start, s.end) for s in task] for task in tasks] == [
        [("big", 0, 100)],
        [("big", 100, 200)],
        [("big", 200, 250)],
        [("zip.gz", 0, None)],
        [("s0", 0, 10), ("s1", 0, 10), ("s2", 0, 10)],
        [("s3", 0, 10), ("s4", 0, 10), ("s5", 0, 10)],
        [("s6", 0, 10)],
    ]
    whole = files.plan_tasks(found, is_splittable=False)
    assert [(s.relative, s.end) for s in whole[0]] == [("big", None)]


def test_planning_a_hundred_thousand_files_takes_no_time() -> None:
    found = [_info(f"{n}.txt", 10) for n in range(100_000)]
    assert len(files.plan_tasks(found, is_splittable=True)) == 1


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "the folder holds no files"),
        (("a.txt", "b.csv"), "holds csv and text files; keep one format, or set file_format"),
        (("a.xyz",), r"a\.xyz: unknown kind of file; known endings are"),
        (("_hidden.txt", ".also.txt"), "the folder holds no files"),
    ],
)
def test_a_folder_that_cannot_be_read_is_refused(
    spark: SparkSession, names: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    for name in names:
        (tmp_path / name).write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match=message):
        files.list_files(spark, str(tmp_path), file_format=None)


def test_missing_and_empty_files_are_named(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such file or folder"):
        files.list_files(spark, str(tmp_path / "nowhere"), file_format=None)
    (tmp_path / "good.txt").write_text("x", encoding="utf-8")
    (tmp_path / "empty.txt").touch()
    with pytest.raises(InputError, match=r"empty\.txt: is empty \(zero bytes\)"):
        files.list_files(spark, str(tmp_path), file_format=None)


def test_records_come_through_spark_with_every_kind_told_by_its_ending(
    spark: SparkSession, tmp_path: Path
) -> None:
    (tmp_path / "sub dir").mkdir()
    (tmp_path / "sub dir" / "a ü%20#1.jsonl").write_text('{"t": 1}\n{"t": 2}', encoding="utf-8")
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(b'{"t": 3}\n'))
    frame, kind, version = records.read_records(
        spark, str(tmp_path), file_format=None, bad_files="fail"
    )
    assert kind == "jsonl"
    odd = "sub dir/a ü%20#1.jsonl"
    assert {tuple(row) for row in frame.collect()} == {
        (odd, 0, '{"t": 1}', None),
        (odd, 9, '{"t": 2}', None),
        ("b.jsonl.gz", 0, '{"t": 3}', None),
    }
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(b'{"t": 33}\n'))
    again = records.read_records(spark, str(tmp_path), file_format=None, bad_files="fail")
    assert again[2] != version, "another content is another version"


def test_a_broken_file_met_in_a_worker_is_an_input_error(
    spark: SparkSession, tmp_path: Path
) -> None:
    (tmp_path / "cut.txt.gz").write_bytes(gzip.compress(DATA)[:-9])
    frame, _, _ = records.read_records(spark, str(tmp_path), file_format=None, bad_files="fail")
    with pytest.raises(Exception, match="cut") as caught:
        frame.collect()
    known = from_spark(caught.value)
    assert isinstance(known, InputError)
    assert "cut.txt.gz: cannot be read to its end" in str(known)


def test_parquet_records_have_their_relative_path_and_all_columns(
    spark: SparkSession, tmp_path: Path
) -> None:
    for name, columns in (
        ("x/a+b %é.parquet", {"t": ["1", "2"]}),
        ("y/a+b %é.parquet", {"t": ["3"], "more": [4]}),
    ):
        (tmp_path / name).parent.mkdir()
        pq.write_table(pa.table(columns), tmp_path / name)
    frame, kind, _ = records.read_records(spark, str(tmp_path), file_format=None, bad_files="fail")
    assert kind == "parquet"
    assert sorted(tuple(row) for row in frame.collect()) == [
        ("x/a+b %é.parquet", 0, '{"t":"1"}', None),
        ("x/a+b %é.parquet", 1, '{"t":"2"}', None),
        ("y/a+b %é.parquet", 0, '{"t":"3","more":4}', None),
    ]
