"""What is read of CSV, well written and not: bytes, the rows they mean, the lines refused."""

import gzip
import time
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import InputError
from pipelines.sources.config import SourceSettings
from pipelines.sources.csv_rows import chunks as csv_chunks
from pipelines.sources.formats import csv as csv_format
from pipelines.sources.request import Field, Request
from pipelines.sources.split import Split
from pipelines.sources.streams.opening import BREAKS

Rows = list[tuple[Any, ...]]


def _request(names: str = "ab", **given: Any) -> Request:
    return Request(tuple(Field(name, name) for name in names), SourceSettings(**given))


def _split(path: Path, content: bytes) -> Split:
    path.write_bytes(content)
    return Split(str(path), path.name, len(content))


def _read(whole: Split, request: Request) -> tuple[Rows, Rows]:
    """Rows as (line, values …) and refused records as (line, problem, raw record)."""
    rows: Rows = []
    refused: Rows = []
    for piece in csv_format.split(whole, request):
        for row in _dicts(piece, request):
            if row.get("problem"):
                refused.append((row["position"], row["problem"], row["record"]))
            else:
                rows.append((row["position"], *(row[path] for path in request.paths)))
    return rows, refused


def _dicts(piece: Split, request: Request) -> list[dict[str, Any]]:
    return [row for batch in csv_format.read(piece, request) for row in batch.to_pylist()]


WELL_WRITTEN = {
    "plain": (b"a,b\n1,2\n3,4\n", [(2, "1", "2"), (3, "3", "4")]),
    "no line end at the end": (b"a,b\n1,2", [(2, "1", "2")]),
    "CRLF": (b"a,b\r\n1,2\r\n3,4\r\n", [(2, "1", "2"), (3, "3", "4")]),
    "CR alone": (b"a,b\r1,2\r3,4", [(2, "1", "2"), (3, "3", "4")]),
    "verbatim": (b"a,b\n00042, x \n1.50,NaN\n", [(2, "00042", " x "), (3, "1.50", "NaN")]),
    "other columns": (b"z,b,y,a\n1,2,3,4\n", [(2, "4", "2")]),
    "byte order mark": (b"\xef\xbb\xbfa,b\n1,2\n", [(2, "1", "2")]),
    "blank lines": (b"\n  \r\na,b\n\n1,2\n\r\n\n3,4\n\n", [(5, "1", "2"), (8, "3", "4")]),
    "quoted": (b'"a","b"\n"1","2,3"\n', [(2, "1", "2,3")]),
    "doubled quotes": (b'a,b\n"say ""yes""",""""\n', [(2, 'say "yes"', '"')]),
    "quote in a bare field": (b'a,b\n5" wide,x""y\n', [(2, '5" wide', 'x""y')]),
    "line ends in quotes": (
        b'a,b\n"1\n2","3\r\n4\r5"\n6,7\n',
        [(2, "1\n2", "3\r\n4\r5"), (6, "6", "7")],
    ),
    "line ends in the header": (b'"x\ny",a,b\n1,2,3\n', [(3, "2", "3")]),
    "quote at the end": (b'a,b\n1,"2"', [(2, "1", "2")]),
    "long quoted text": (
        b'a,b\n1,"' + b'x""' * 100 + b'"\n',
        [(2, "1", 'x"' * 100)],
    ),
    "null values": (b'a,b\n,\\N\n"","\\N"\n', [(2, None, None), (3, "", "\\N")]),
    "NUL": (b"a,b\n1\x002,\x00\n", [(2, "1\x002", "\x00")]),
    "letters": ("a,b\né,日本\n".encode(), [(2, "é", "日本")]),
    "semicolons": (b"a;b\n1,5;2\n", [(2, "1,5", "2")]),
    "tabs": (b"a\tb\n1\t2\n", [(2, "1", "2")]),
    "bars": (b"a|b\n1|2\n", [(2, "1", "2")]),
    "delimiters in quotes do not count": (b'"a,,,,";b;a\n1;2;3\n', [(2, "3", "2")]),
    "sep line": (b"sep=;\na;b\n1;2\n", [(3, "1", "2")]),
    "sep line in quotes": (b'"sep=|"\r\na|b\r\n1|2\r\n', [(3, "1", "2")]),
    "header ends in delimiters": (b"a,b,,\n1,2,,\n3,4\n", [(2, "1", "2"), (3, "3", "4")]),
    "rows end in delimiters": (b'a,b\n1,2,\n3,4,,""\n', [(2, "1", "2"), (3, "3", "4")]),
    "a column without a name": (b"a,,b\n1,2,3\n", [(2, "1", "3")]),
    "a name twice that is not asked for": (b"a,b,z,z\n1,2,3,4\n", [(2, "1", "2")]),
    "a header alone": (b"a,b\n", []),
    "a header alone, without a line end": (b"a,b", []),
    "nothing": (b"", []),
    "blank lines alone": (b"\n \r\n\r", []),
    "UTF-16": ("a,b\r\né,2\r\n".encode("utf-16"), [(2, "é", "2")]),
    "compressed": (gzip.compress(b"a,b\n1,2\n"), [(2, "1", "2")]),
}


@pytest.mark.parametrize(("content", "rows"), WELL_WRITTEN.values(), ids=list(WELL_WRITTEN))
def test_well_written(content: bytes, rows: Rows, tmp_path: Path) -> None:
    assert _read(_split(tmp_path / "a.csv", content), _request()) == (rows, [])


BADLY_WRITTEN = {
    "text after a quote": (
        b'a,b\n1,2\n3,"5" wide"\n4,5\n',
        [(2, "1", "2"), (4, "4", "5")],
        [(3, "valid_csv", '3,"5" wide"')],
    ),
    "blank after a quote": (b'a,b\n"1" ,2\n', [], [(2, "valid_csv", '"1" ,2')]),
    "a quote stays open": (
        b'a,b\n1,"2\n3,4\n\n5,6',
        [(3, "3", "4"), (5, "5", "6")],
        [(2, "valid_csv", '1,"2')],
    ),
    "a quote stays open on the last line": (b'a,b\n1,"2', [], [(2, "valid_csv", '1,"2')]),
    "a quote at the very end": (b'a,b\n1,"', [], [(2, "valid_csv", '1,"')]),
    "an open quote ends at another's opening": (
        b'a,b\n1,"2\n3,"4"\n5,"6\n7"\n',
        [(3, "3", "4"), (4, "5", "6\n7")],
        [(2, "valid_csv", '1,"2')],
    ),
    "lines after the first are read anew": (
        b'a,b\n"1\n2",3\n4"x,"5"y\n6,7\n',
        [(2, "1\n2", "3"), (5, "6", "7")],
        [(4, "valid_csv", '4"x,"5"y')],
    ),
    "short and long": (
        b"a,b\n1\n1,2\n1,2,3\n1,2,,3\n",
        [(3, "1", "2")],
        [
            (2, "column_count", "1"),
            (4, "column_count", "1,2,3"),
            (5, "column_count", "1,2,,3"),
        ],
    ),
    "long over several lines": (
        b'a,b\n"1\n2",3,4\n5,6\n',
        [(4, "5", "6")],
        [(2, "column_count", '"1\n2",3,4')],
    ),
    "not UTF-8": (
        "a,b\né,è\nü,ö\n".encode() + b"1,\xff\n2,3\n",
        [(2, "é", "è"), (3, "ü", "ö"), (5, "2", "3")],
        [(4, "valid_utf8", "1,\ufffd")],
    ),
    "not UTF-8 in a column that is not asked for": (
        "a,b,z\né,è,à\n".encode() + b"1,2,\xc3\n",
        [(2, "é", "è")],
        [(3, "valid_utf8", "1,2,\ufffd")],
    ),
}


@pytest.mark.parametrize(
    ("content", "rows", "refused"), BADLY_WRITTEN.values(), ids=list(BADLY_WRITTEN)
)
def test_badly_written(content: bytes, rows: Rows, refused: Rows, tmp_path: Path) -> None:
    assert _read(_split(tmp_path / "a.csv", content), _request()) == (rows, refused)


SETTINGS: dict[str, tuple[dict[str, Any], bytes, Rows]] = {
    "delimiter": ({"delimiter": ";"}, b"a;b,,\n1;2\n", [(2, "1", None)]),
    "quote": ({"quote": "'"}, b"a,b\n'1,''2',\"3\n", [(2, "1,'2", '"3')]),
    "no quote": ({"quote": None}, b'a,b\n"1,2"\n', [(2, '"1', '2"')]),
    "escape": (
        {"escape": "\\"},
        b'a,b\n"1\\"2","\\\\"\n"\\n","\\\\\\""\n\\"3,4\\\n',
        [(2, '1"2', "\\"), (3, "\\n", '\\"'), (4, '\\"3', "4\\")],
    ),
    "null values": (
        {"null_values": ["NA", "-"]},
        b'a,b\nNA,\n-,"-"\n',
        [(2, None, ""), (3, None, "-")],
    ),
    "encoding": ({"encoding": "latin-1"}, b"a,b\n\xe9,2\n", [(2, "é", "2")]),
}


@pytest.mark.parametrize(("given", "content", "rows"), SETTINGS.values(), ids=list(SETTINGS))
def test_settings(given: dict[str, Any], content: bytes, rows: Rows, tmp_path: Path) -> None:
    request = _request("a" if "delimiter" in given else "ab", **given)
    rows = [row[: 1 + len(request.paths)] for row in rows]
    assert _read(_split(tmp_path / "a.csv", content), request) == (rows, [])


INPUT_ERRORS: dict[str, tuple[dict[str, Any], bytes, str]] = {
    "a name twice": ({}, b"a,b,a\n", "a.csv: the header has 'a' twice; rename one"),
    "a name three times": ({}, b"b,b,a,b\n", "the header has 'b' 3 times; rename one"),
    "the header is no record": ({}, b'a,"b"x\n1,2\n', "the header is no record of CSV: 'a,\"b\"x'"),
    "delimiter beyond ASCII": ({"delimiter": "§"}, b"a,b\n", "delimiter '§' is not one character"),
    "delimiter is quote": ({"delimiter": '"'}, b"a,b\n", "is also quote or escape"),
}


@pytest.mark.parametrize(
    ("given", "content", "message"), INPUT_ERRORS.values(), ids=list(INPUT_ERRORS)
)
def test_input_errors(given: dict[str, Any], content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        _read(_split(tmp_path / "a.csv", content), _request(**given))
    assert message in str(raised.value)


def test_a_tsv_of_one_column_may_have_commas(tmp_path: Path) -> None:
    whole = _split(tmp_path / "a.tsv", b"a\n1,2\n")
    assert _read(whole, _request("a")) == ([(2, "1,2")], [])


def test_a_long_header_and_blank_lines_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_chunks, "CHUNK_BYTES", 1000)
    names = ";".join(f"name {number}" for number in range(20_000))
    content = "\r\n" * 5000 + f'{names};a;"b\n"\r\n' + ";" * 20_000 + "1;2"
    rows, refused = _read(_split(tmp_path / "a.csv", content.encode()), _request("a"))
    assert (rows, refused) == ([(5003, "1")], [])


def test_columns_are_the_names_of_the_header(tmp_path: Path) -> None:
    content = b'\nsep=|\nb| x |"c|d"||b|\n1|2|3|4|5\n'
    names = csv_format.columns(_split(tmp_path / "a.csv", content), _request())
    assert names == ["b", " x ", "c|d", "b"]


def test_only_requested_columns_are_built(tmp_path: Path) -> None:
    whole = _split(tmp_path / "a.csv", b"z,a\n1,2\n3\n")
    first, second = csv_format.read(whole, _request("ab"))
    assert first.schema.names == ["position", "a"]
    assert second.schema.names == ["position", "a", "record", "problem"]


def test_a_long_file_is_cut_at_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_format, "SPLIT_BYTES", 10)
    whole = _split(tmp_path / "a.csv", b'a,b\n1,2\n3,"\n\n\n4"\n5,6\n7,8\n')
    pieces = csv_format.split(whole, _request())
    assert [(piece.start, piece.end, piece.about["line"]) for piece in pieces] == [
        (4, 17, 2),
        (17, 25, 7),
    ]
    assert [[row["position"] for row in _dicts(piece, _request())] for piece in pieces] == [
        [2, 3],
        [7, 8],
    ]
    assert csv_format.split(_split(tmp_path / "z", gzip.compress(b"a,b\n1,2\n")), _request()) == [
        Split(str(tmp_path / "z"), "z", (tmp_path / "z").stat().st_size)
    ]


@pytest.mark.parametrize("chunk", [100, 700, 1 << 20])
def test_records_that_are_too_long(
    chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_chunks, "CHUNK_BYTES", chunk)
    long, text = "x" * 1023, f"{'y' * 300}\n{'y' * 600}"
    content = f'a,b\n{long},\n"{text}",1\n{long},1\n"{long}\n",2\n3,"{long * 9}\n5,6\n'
    rows, refused = _read(
        _split(tmp_path / "a.csv", content.encode()), _request(max_record_bytes=1024)
    )
    assert rows == [(2, long, None), (3, text, "1"), (9, "5", "6")]
    assert refused == [
        (5, "max_record_bytes", f"{long},"),
        (6, "valid_csv", f'"{long}'),
        (7, "valid_csv", '",2'),
        (8, "max_record_bytes", f'3,"{long}'[:1024]),
    ]


def test_a_field_of_60_megabytes(tmp_path: Path) -> None:
    text = b'a, line\r\nand ""quotes""' * (60 * 10**6 // 23)
    whole = _split(tmp_path / "a.csv", b'a,b\n1,"' + text + b'"\n2,3\n')
    rows, refused = _read(whole, _request())
    assert refused == []
    assert rows[0][2].encode() == text.replace(b'""', b'"')
    assert rows[1] == (2 + text.count(b"\n") + 1, "2", "3")


@pytest.mark.parametrize("line", [b'",a","\n', b'"x\n', b'1,"2\n', b'"",""""\n', b'"\n', b'""x"\n'])
def test_wrong_quotes_take_linear_time(line: bytes, tmp_path: Path) -> None:
    count = 4 * 10**6 // len(line)
    whole = _split(tmp_path / "a.csv", b"a,b\n" + line * count)
    began = time.process_time()
    found = sum(
        batch.num_rows
        for piece in csv_format.split(whole, _request())
        for batch in csv_format.read(piece, _request())
    )
    assert found >= count // 2
    assert time.process_time() - began < 10


def test_the_mark_of_a_long_file_is_no_part_of_its_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_format, "SPLIT_BYTES", 5)
    whole = _split(tmp_path / "a.csv", b'\xef\xbb\xbf"a","b"\n1,2\n3,4\n')
    assert _read(whole, _request()) == ([(2, "1", "2"), (3, "3", "4")], [])


def test_records_before_a_break_are_read(tmp_path: Path) -> None:
    content = gzip.compress(b"a,b\n" + b"".join(b"%d,2\n" % n for n in range(10**5)))
    whole = _split(tmp_path / "a.csv", content[: len(content) // 2])
    batches = csv_format.read(whole, _request())
    assert next(batches).num_rows > 10**4
    with pytest.raises(BREAKS):
        list(batches)
