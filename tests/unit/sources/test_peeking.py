"""A look at files: what their beginning shows, by name or content, and what settings follow."""

import bz2
import gzip
import io
import json
import lzma
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.corpus.config import CleanCorpusConfig
from pipelines.errors import InputError
from pipelines.interactions.config import CleanEventsConfig
from pipelines.settings import Layers, build, conf_folder, read_yaml
from pipelines.sources.peek.guessing import column_of, time_format
from pipelines.sources.peek.peeking import Finding, peek

CONFIGS: dict[str, Any] = {"clean_events": CleanEventsConfig, "clean_corpus": CleanCorpusConfig}
PROSE = "The cat sat on the mat and looked at the rain. " * 3
EVENTS = "visitor,sku,clicked_at,qty\nu1,i1,2024-01-01T00:00:00Z,1\nu2,i2,2024-01-02,2.5\n"
OBJECTS = [
    {"user": {"id": n}, "asin": f"B{n}", "ts": 1_700_000_000 + n, "tags": [n], "is_new": n > 1}
    for n in range(3)
]
LINES = "".join(json.dumps(value) + "\n" for value in OBJECTS)
DOCUMENTS = "".join(json.dumps({"url": f"u{n}", "body": PROSE + str(n)}) + "\n" for n in range(3))
LOG = (
    '192.0.2.1 - - [10/Oct/2024:13:55:36 +0000] "GET /a HTTP/1.1" 200 5 "-" "Agent of some kind"\n'
)
PAGES = (
    "<mediawiki><page><title>T</title><ns>0</ns><id>1</id><revision><id>2</id>"
    "<timestamp>2024-05-01T00:00:00Z</timestamp><text>{}</text></revision></page></mediawiki>"
)
WET = (
    "WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Target-URI: http://a.b/\r\n"
    "WARC-Date: 2024-01-01T00:00:00Z\r\nWARC-Record-ID: <urn:uuid:1>\r\n"
    f"Content-Type: text/plain\r\nContent-Length: {len(PROSE)}\r\n\r\n{PROSE}\r\n\r\n"
)


def _parquet() -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table({"userId": [1, 2], "item": ["a", "b"], "date": [1.5, None]}), stream)
    return stream.getvalue()


EVENT_TYPES = {"visitor": "text", "sku": "text", "clicked_at": "time", "qty": "number"}
NESTED = {"user.id": "integer", "asin": "text", "ts": "integer", "is_new": "true/false"}
LISTED = {**NESTED, "tags": "list"}
CASES = [
    # name, content; format, told by, types of (some) columns, jobs
    ("a.csv", EVENTS, "csv", "name", EVENT_TYPES, {"clean_events"}),
    ("a", EVENTS, "csv", "content", EVENT_TYPES, {"clean_events"}),
    ("a.dat", EVENTS.replace(",", ";"), "csv", "content", EVENT_TYPES, {"clean_events"}),
    ("a.tsv", EVENTS.replace(",", "\t"), "csv", "name", EVENT_TYPES, {"clean_events"}),
    ("a.jsonl", LINES, "jsonl", "name", LISTED, {"clean_events"}),
    ("a.data", LINES, "jsonl", "content", LISTED, {"clean_events"}),
    ("docs.json", DOCUMENTS, "jsonl", "name", {"url": "text", "body": "text"}, {"clean_corpus"}),
    ("a.parquet", _parquet(), "parquet", "name", {"userId": "integer"}, {"clean_events"}),
    ("part-0", _parquet(), "parquet", "content", {"date": "number"}, {"clean_events"}),
    ("a.log", LOG, "access_log", "name", {"host": "text", "time": "time"}, {"clean_events"}),
    ("access", LOG * 2, "access_log", "content", {"status": "integer"}, {"clean_events"}),
    ("a.txt", PROSE, "text", "name", {"text": "text"}, {"clean_corpus"}),
    ("README", PROSE, "text", "content", {"text": "text"}, {"clean_corpus"}),
    ("a.xml", PAGES.format(PROSE), "mediawiki", "name", {"page_id": "integer"}, {"clean_corpus"}),
    ("dump", PAGES.format(PROSE), "mediawiki", "content", {"text": "text"}, {"clean_corpus"}),
]


def _peek(folder: Path, name: str, content: str | bytes) -> Finding:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return peek(str(path))


def _types(found: Finding) -> dict[str, str]:
    return {column.name: column.type for column in found.columns}


@pytest.mark.parametrize(("name", "content", "kind", "told_by", "types", "jobs"), CASES)
def test_a_file_is_known_by_its_name_or_its_content(
    tmp_path: Path, name: str, content: Any, kind: str, told_by: str, types: Any, jobs: Any
) -> None:
    found = _peek(tmp_path, name, content)
    assert (found.format, found.told_by, found.files) == (kind, told_by, 1)
    assert _types(found) == _types(found) | types
    assert (set(found.settings), found.problems) == (jobs, ())
    for job, tree in found.settings.items():
        assert tree.get("file_format") == (kind if told_by == "content" else None)
        base = read_yaml(conf_folder() / "base" / f"{job}.yaml")
        build(CONFIGS[job], Layers().add(base, "base").add(tree, "peek"))


@pytest.mark.parametrize("name", ["a.warc", "crawl"])
def test_web_archives(tmp_path: Path, name: str) -> None:
    pytest.importorskip("fastwarc", reason="the extra warc is not installed")
    found = _peek(tmp_path, name, WET)
    assert (found.format, found.rows) == ("warc", 1)
    assert found.settings["clean_corpus"]["text_column"] == "text"
    assert found.settings["clean_corpus"]["id_column"] == "url"


@pytest.mark.parametrize(
    ("compress", "told"), [(gzip.compress, "gzip"), (bz2.compress, "bz2"), (lzma.compress, "xz")]
)
@pytest.mark.parametrize("name", ["a.csv.gz", "a"])
def test_compressed_files(tmp_path: Path, compress: Any, told: str, name: str) -> None:
    found = _peek(tmp_path, name, compress(EVENTS.encode()))
    assert (found.format, found.compression, found.delimiter) == ("csv", told, ",")


@pytest.mark.parametrize(
    ("encoding", "told"), [("utf-8", "utf-8"), ("cp1252", "cp1252"), ("utf-16", "utf-16-le")]
)
def test_encodings(tmp_path: Path, encoding: str, told: str) -> None:
    text = EVENTS.replace("u1", "M\u00fcller").replace("u2", "Bj\u00f6rk")
    found = _peek(tmp_path, "a", text.encode(encoding))
    assert (found.format, found.encoding) == ("csv", told)
    assert found.columns[0].samples == ("M\u00fcller", "Bj\u00f6rk")


def test_an_event_and_its_columns(tmp_path: Path) -> None:
    found = _peek(tmp_path, "a.csv", EVENTS)
    assert found.settings["clean_events"] == {
        "inputs": {"events": str(tmp_path / "a.csv")},
        "columns": {
            "user": "visitor",
            "item": "sku",
            "time": "clicked_at",
            "event_type": None,
            "value": "qty",
            "event_id": None,
        },
    }
    nested = _peek(tmp_path, "b.jsonl", LINES).settings["clean_events"]["columns"]
    assert (nested["user"], nested["item"], nested["time"]) == ("user.id", "asin", "ts")


def test_reviews_are_a_log_and_a_corpus(tmp_path: Path) -> None:
    rows = [{"user": n, "item": n, "time": 5, "review": f"{n} {PROSE}"} for n in range(3)]
    found = _peek(tmp_path, "a.jsonl", "\n".join(map(json.dumps, rows)))
    assert set(found.settings) == {"clean_events", "clean_corpus"}
    assert found.settings["clean_corpus"]["text_column"] == "review"


def test_refused_rows_are_told_with_rule_and_place(tmp_path: Path) -> None:
    content = EVENTS + "u3,i3\n" + "u4,i4,2024-01-03,1\n" * 2000
    found = _peek(tmp_path, "a.csv", content)
    (problem,) = found.problems
    assert (problem.rule, problem.position, problem.record) == ("column_count", 4, "u3,i3")
    assert found.rows == 1000
    found = _peek(tmp_path, "a.jsonl", LINES + "no\n" + LINES)
    assert [(p.rule, p.position) for p in found.problems] == [("valid_json", len(LINES))]


@pytest.mark.parametrize(
    ("content", "changes"),
    [
        ("user,note\n1,'a, b'\n2,'c, d'\n", {"quote": "'"}),
        ('user,note\n1,"a \\"b\\", c"\n', {"escape": "\\"}),
        ('user,note\n1,5" disk\n2,"open\n', {"quote": None}),
        ('user,note\n1,"a, b"\n', {}),
    ],
)
def test_quotes_of_csv_are_those_that_refuse_least(
    tmp_path: Path, content: str, changes: Any
) -> None:
    text = (
        content.replace("note\n", "item,time,note\n")
        .replace("1,", "1,a,5,")
        .replace("2,", "2,b,6,")
    )
    found = _peek(tmp_path, "a.csv", text)
    tree = found.settings["clean_events"]
    assert {name: tree[name] for name in ("quote", "escape") if name in tree} == changes
    assert found.problems == ()


def test_a_folder_is_its_first_file(tmp_path: Path) -> None:
    (tmp_path / "b" / "day=5").mkdir(parents=True)
    (tmp_path / "b" / "day=5" / "a.csv").write_text(EVENTS, encoding="utf-8")
    (tmp_path / "c.jsonl").write_text(LINES, encoding="utf-8")
    (tmp_path / "_hidden.csv").write_text("x", encoding="utf-8")
    found = peek(str(tmp_path))
    assert found.file == f"{tmp_path}/b/day=5/a.csv"
    assert (found.files, found.bytes) == (2, len(EVENTS) + len(LINES))
    assert _types(found)["day"] == "integer"
    assert found.settings["clean_events"]["include"] == ["*.csv"]
    assert any("1 jsonl" in remark for remark in found.remarks)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", "is empty"),
        ("a.json", json.dumps(OBJECTS), "is a JSON array"),
        ("a", json.dumps(OBJECTS, indent=1), "is a JSON array"),
        ("a.parquet", "no", "cannot be read"),
        ("a", b"Obj\x01....", "is Avro"),
        ("a", b"\x00\x01\x02\x03" * 9, "is binary"),
        ("a.gz", gzip.compress(b"x" * 99, mtime=0)[:9], "cannot be read"),
        ("a.parquet.gz", gzip.compress(_parquet(), mtime=0), "compressed with gzip"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, name: str, content: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        _peek(tmp_path, name, content)


def test_nothing_there(tmp_path: Path) -> None:
    for place, message in (("no", "no such file"), ("", "holds no files")):
        with pytest.raises(InputError, match=message):
            peek(str(tmp_path / place))
    with pytest.raises(InputError, match="cannot reach"):
        peek("nosuch://host/a.csv")


def test_a_name_that_misleads_is_noted(tmp_path: Path) -> None:
    found = _peek(tmp_path, "a.txt", LINES)
    assert found.format == "text"
    assert "looks like jsonl" in found.remarks[0]


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        (["2024-01-01 10:00", "2024-01-02"], None),
        (["31/12/2024", "01/02/2024"], "d/M/yyyy"),
        (["12/31/2024 10:05", "01/02/2024 10:06"], "M/d/yyyy H:mm"),
        (["01/02/2024"], "M/d/yyyy"),
        (["01.02.2024 10:05:06"], "d.M.yyyy H:mm:ss"),
        (["2024/01/02 10:05:06.123"], "yyyy/M/d H:mm:ss.SSS"),
        (["1/2/2024 1:05 PM"], "M/d/yyyy h:mm a"),
    ],
)
def test_patterns_of_times(values: list[str], pattern: str | None) -> None:
    assert column_of("a", values).type == "time"
    assert time_format(values) == pattern


@pytest.mark.parametrize(
    ("values", "kind", "blank"),
    [
        (["1", "-2", None, " "], "integer", 0.5),
        (["1", "2.5", "1e9"], "number", 0),
        (["true", "False"], "true/false", 0),
        ([None, ""], "blank", 1),
        (["1"] * 99 + ["n/a"], "integer", 0),
        (["1", "a"], "text", 0),
    ],
)
def test_types_and_blanks(values: list[str | None], kind: str, blank: float) -> None:
    column = column_of("a", values)
    assert (column.type, column.blank) == (kind, blank)
