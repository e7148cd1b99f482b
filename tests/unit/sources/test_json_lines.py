"""Each line is one record or one refusal, and values are what the file says, to the last digit."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import InputError
from pipelines.sources.config import SourceSettings
from pipelines.sources.formats import json_lines
from pipelines.sources.request import Field, Request
from pipelines.sources.split import Split
from pipelines.sources.streams import lines
from pipelines.sources.streams.opening import BREAKS

Rows = list[dict[str, Any]]


def _request(*paths: str, **settings: Any) -> Request:
    return Request(tuple(Field(path, path) for path in paths), SourceSettings(**settings))


def _split(path: Path, content: bytes) -> Split:
    path.write_bytes(content)
    return Split(str(path), path.name, len(content))


def _rows(split: Split, request: Request) -> Rows:
    pieces = json_lines.split(split, request)
    return [
        row
        for each in pieces
        for batch in json_lines.read(each, request)
        for row in batch.to_pylist()
    ]


def _read(tmp_path: Path, content: bytes, *paths: str, **settings: Any) -> Rows:
    return _rows(_split(tmp_path / "a.jsonl", content), _request(*paths or ("a",), **settings))


VALUES: list[tuple[bytes, str | None, str | None]] = [  # JSON of `a`, value, notes
    (b'"x"', "x", None),
    (b'""', "", None),
    (b'" 1 "', " 1 ", None),
    (b'"\\n\\t\\r\\b\\f\\"\\\\\\/"', '\n\t\r\b\f"\\/', None),
    (b'"\\u0000\\u00e9\\u65e5\\uD83D\\ude00"', "\x00é日😀", None),
    (b'"a\\ud800b"', "a\ufffdb", "replaced_characters"),
    (b'"\\udc00"', "\ufffd", "replaced_characters"),
    (b'"\\ud83d\\ud83d\\ude00"', "\ufffd😀", "replaced_characters"),
    (b'"\\ud83d\\n"', "\ufffd\n", "replaced_characters"),
    ("é日😀\x7f".encode().join([b'"', b'"']), "é日😀\x7f", None),
    (b'"' + b"0123456789" * 10 + b'\\u0041"', "0123456789" * 10 + "A", None),
    (b"null", None, None),
    (b"true", "true", None),
    (b"false", "false", None),
    (b"0", "0", None),
    (b"-0", "0", None),
    (b"-17", "-17", None),
    (b"9007199254740993", "9007199254740993", None),
    (b"9" * 400, "9" * 400, None),
    (b"12345678.0", "12345678", None),
    (b"-5.00", "-5", None),
    (b"0.0", "0", None),
    (b"-0.0", "0", None),
    (b"1e3", "1000", None),
    (b"1E+3", "1000", None),
    (b"15e-1", "15e-1", None),
    (b"1.50", "1.50", None),
    (b"4.95", "4.95", None),
    (b"0.1234567890123456789", "0.1234567890123456789", None),
    (b"0.99999999999999999999", "1", None),
    (b"1.0123456789012345", "1.0123456789012345", None),
    (b"1.9999999999999999", "2", None),
    (b"1.0000000000000001", "1", None),
    (b"1.000000000000001", "1.000000000000001", None),
    (b"9007199254740991.5", "9007199254740991.5", "lossy_key"),
    (b"999999999999999.9", "999999999999999.9", None),
    (b"999999999999999.99", "1000000000000000", None),
    (b"1704110400.0123456", "1704110400.0123456", None),
    (b"0.0000000001", "0.0000000001", None),
    (b"0." + b"0" * 400 + b"1", "0", None),
    (b"12345.00000000000000000001", "12345", None),
    (b"123456789012345678.5", "123456789012345678.5", "lossy_key"),
    (b"9007199254740992.0", "9007199254740992.0", "lossy_key"),
    (b"9007199254740991.0", "9007199254740991", None),
    (b"1e300", "1e300", "lossy_key"),
    (b"1e999", None, "not_finite"),
    (b"-1e999", None, "not_finite"),
    (b"NaN", None, "not_finite"),
    (b"Infinity", None, "not_finite"),
    (b"-Infinity", None, "not_finite"),
]


@pytest.mark.parametrize(("literal", "value", "notes"), VALUES)
def test_values(literal: bytes, value: str | None, notes: str | None, tmp_path: Path) -> None:
    content = b'{"b": [1, {"c": "}"}], "a" : ' + literal + b' , "d": {}}\r\n{"a":' + literal + b"}"
    first, second = _read(tmp_path, content)
    assert first == {"position": 0, "a": value, "record": None, "problem": None, "notes": notes}
    assert second == {**first, "position": content.index(b"\n") + 1}


LINES: list[tuple[bytes, str | None, str | None, str | None]] = [  # line, value, problem, notes
    (b"{}", None, None, None),
    (b' \t{ "a" : 1 } \r', "1", None, None),
    (b'{"b": 1}', None, None, None),
    (b'{"A": 1}', None, None, None),
    (b'{"a": 1, "a": 2}', "1", None, "repeated_name"),
    (b'{"a": null, "a": 2}', None, None, "repeated_name"),
    (b'{"a": 1, "b": 2, "b": 3}', "1", None, None),
    (b'{"\\u0061": 1}', "1", None, None),
    (b'{"\\u0061": "\\ud800", "a": 2}', "\ufffd", None, "repeated_name replaced_characters"),
    (b'{"a": 1, "b": NaN}', "1", None, None),
    (b'{"a": 1, "b": [1e999, [[[]]], {"c": {}}, "x"]}', "1", None, None),
    (b'{"a": 1, "b": ' + b"[" * 200 + b"]" * 200 + b"}", "1", None, None),
    (b'{"a": [1]}', None, "scalar_value", None),
    (b'{"a": []}', None, "scalar_value", None),
    (b'{"a": {"b": 1}}', None, "scalar_value", None),
    (b'{"a": NaN, "b": {"c": [NaN, 1, NaN]}}', None, None, "not_finite"),
    (b'{"a": Nan}', None, "valid_json", None),
    (b'{"a": NaNN}', None, "valid_json", None),
    (b'{"a": Na', None, "valid_json", None),
    (b'{"a": 1} {"a": 2}', None, "valid_json", None),
    (b'{"a": 1}{"a": 2}', None, "valid_json", None),
    (b'{"a": 1} x', None, "valid_json", None),
    (b'{"a": 1},', None, "valid_json", None),
    (b'{"a": 1', None, "valid_json", None),
    (b'{"a": 1,}', None, "valid_json", None),
    (b'{"a": }', None, "valid_json", None),
    (b'{"a" 1}', None, "valid_json", None),
    (b'{"a', None, "valid_json", None),
    (b"{'a': 1}", None, "valid_json", None),
    (b"{a: 1}", None, "valid_json", None),
    (b"[1, 2]", None, "valid_json", None),
    (b'"a"', None, "valid_json", None),
    (b"17", None, "valid_json", None),
    (b"null", None, "valid_json", None),
    (b"NaN", None, "valid_json", None),
    (b'{"a": 01}', None, "valid_json", None),
    (b'{"a": +1}', None, "valid_json", None),
    (b'{"a": 1.}', None, "valid_json", None),
    (b'{"a": .5}', None, "valid_json", None),
    (b'{"a": 1e}', None, "valid_json", None),
    (b'{"a": -}', None, "valid_json", None),
    (b'{"a": tru}', None, "valid_json", None),
    (b'{"a": truex}', None, "valid_json", None),
    (b'{"a": "\\x"}', None, "valid_json", None),
    (b'{"a": "\\u12g4"}', None, "valid_json", None),
    (b'{"a": "\\u12', None, "valid_json", None),
    (b'{"a": "x\ty"}', None, "valid_json", None),
    (b'{"a": "x\x00y"}', None, "valid_json", None),
    (b'{"b": [1, 2}, "a": 1}', None, "valid_json", None),
    (b'{"b": [1,], "a": 1}', None, "valid_json", None),
    (b'{"b": {"c"}, "a": 1}', None, "valid_json", None),
    (b'{"b": {"c": 1,}, "a": 1}', None, "valid_json", None),
    (b'{"b": ' + b"[" * 100_000 + b"}", None, "valid_json", None),
    (b'\xef\xbb\xbf{"a": 1}', None, "valid_json", None),
    (b'{"a": "\xff"}', None, "valid_utf8", None),
    (b'{"a": 1, "b": "\xc3"}', None, "valid_utf8", None),
    (b'{"a": "\xed\xa0\x80"}', None, "valid_utf8", None),
]


@pytest.mark.parametrize(("line", "value", "problem", "notes"), LINES)
def test_lines(
    line: bytes, value: str | None, problem: str | None, notes: str | None, tmp_path: Path
) -> None:
    before = '{"a": "日本日本日本"}\n'.encode()  # makes the file UTF-8
    found = _read(tmp_path, before + line + b"\n" + before)
    record = None if problem is None else line.decode("utf-8", "replace")
    assert found[1] == {
        "position": len(before), "a": value, "record": record, "problem": problem, "notes": notes
    }  # fmt: skip
    assert [row["a"] for row in (found[0], found[2])] == ["日本日本日本"] * 2
    assert len(found) == 3


PATHS: list[tuple[bytes, dict[str, str | None], str | None]] = [
    (b'{"u": {"id": 1}}', {"u.id": "1"}, None),
    (b'{"u.id": 2, "u": {"id": 1}}', {"u.id": "2"}, None),
    (b'{"u": {"id": 1}, "u.id": 2}', {"u.id": "2"}, None),
    (b'{"u": {"id": 1}, "u.id": null}', {"u.id": None}, None),
    (b'{"u": 5}', {"u.id": None}, None),
    (b'{"u": [{"id": 1}]}', {"u.id": None}, None),
    (b'{"u": null}', {"u.id": None}, None),
    (b'{"a": {"b": {"c": "x\\n"}}}', {"a.b.c": "x\n"}, None),
    (b'{"a": {"b.c": 1, "b": {"c": 2}}}', {"a.b.c": "1"}, None),
    (b'{"a.b": {"c": 3}, "a": {"b.c": 1}}', {"a.b.c": "3"}, None),
    (b'{"a": {"b": 1, "c": 2.0}}', {"a.c": "2", "a.b": "1"}, None),
    (b'{"a": {"b": 1, "b": 2}}', {"a.b": "1"}, "repeated_name"),
    (b'{"a": {"b": 1}, "a": {"b": 2}}', {"a.b": "1"}, "repeated_name"),
    (b'{"a": {"b": 1e999}}', {"a.b": None}, "not_finite"),
    (b'{"a": {"\\u0062": 1}}', {"a.b": "1"}, None),
    (b'{"": {"": 1}}', {".": "1"}, None),
    ('{"é": {"日": 1}}'.encode(), {"é.日": "1"}, None),
]


@pytest.mark.parametrize(("line", "values", "notes"), PATHS)
def test_paths(
    line: bytes, values: dict[str, str | None], notes: str | None, tmp_path: Path
) -> None:
    (row,) = _read(tmp_path, line, *values)
    assert {path: row[path] for path in values} == values
    assert row["notes"] == notes
    assert row["problem"] is None


def test_a_container_where_a_nested_value_is_asked_is_refused(tmp_path: Path) -> None:
    for other in (b"1", b"NaN", b'"\\ud800"', b"1e999"):
        line = b'{"a": {"b": [1]}, "c": ' + other + b"}"
        (row,) = _read(tmp_path, line, "a.b", "c")
        assert (row["problem"], row["c"], row["notes"]) == ("scalar_value", None, None)


def test_blank_lines_are_no_records(tmp_path: Path) -> None:
    content = b'\n \n{"a": 1}\n\r\n\t\x0b\x0c\n\n{"a": 2}\n\n'
    assert [(row["position"], row["a"]) for row in _read(tmp_path, content)] == [
        (3, "1"),
        (content.index(b'{"a": 2}'), "2"),
    ]
    assert _read(tmp_path, b"") == _read(tmp_path, b"\n \n") == []


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_other_encodings_are_read(encoding: str, tmp_path: Path) -> None:
    content = '{"a": "é"}\n{"a": "日本"}\n'.encode(encoding)
    for each in (content, gzip.compress(content)):
        assert [row["a"] for row in _read(tmp_path, each)] == ["é", "日本"]
        assert _read(tmp_path, each)[0]["position"] == 0


@pytest.mark.parametrize("size", [1, 2, 3, 7, 40])
@pytest.mark.parametrize("block", [5, 1 << 20])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_splits_have_each_line_once(
    size: int, block: int, mark: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = mark + '{"a": "é"}\r\n\r\n\n{"a": 1}\n   \nx\n{"a": "日本"}'.encode()
    whole = _read(tmp_path, content)
    assert [row["a"] for row in whole] == ["é", "1", None, "日本"]
    monkeypatch.setattr(lines, "SPLIT_BYTES", size)
    monkeypatch.setattr(lines, "BLOCK_BYTES", block)
    split = _split(tmp_path / "a.jsonl", content)
    pieces = json_lines.split(split, _request("a"))
    assert [piece.start for piece in pieces] == list(range(0, len(content), size))
    assert _read(tmp_path, content) == whole


def test_compressed_and_other_files_are_not_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "SPLIT_BYTES", 4)
    for content in (gzip.compress(b'{"a": 1}\n'), '{"a": 1}\n'.encode("utf-16")):
        split = _split(tmp_path / "a.jsonl", content)
        assert json_lines.split(split, _request("a")) == [split]


@pytest.mark.parametrize("size", [1000, 1024, 1025, 1026, 4000, 3 << 20])
def test_a_line_above_the_limit_is_refused_alone(size: int, tmp_path: Path) -> None:
    line = b'{"a": "' + b"x" * (size - 9) + b'"}'
    before, after = b'{"a": 1}\n', b'{"a": 2}\n'
    found = _read(tmp_path, before + line + b"\n" + after + line, max_record_bytes=1024)
    assert [row["position"] for row in found] == [0, 9, 9 + size + 1, 9 + size + 1 + 9]
    assert [found[0]["a"], found[2]["a"]] == ["1", "2"]
    for row in (found[1], found[3]):
        if size <= 1024:
            assert (row["a"], row["problem"]) == ("x" * (size - 9), None)
        else:
            assert (row["problem"], row["record"]) == ("max_record_bytes", line[:1000].decode())


def test_a_string_of_60_megabytes_is_read(tmp_path: Path) -> None:
    content = b'{"a": "' + b"x\\n" * (20 << 20) + b'"}\n{"a": 1}\n'
    first, second = _read(tmp_path, content)
    assert first["a"] == "x\n" * (20 << 20)
    assert second["a"] == "1"


def test_records_before_a_break_are_read(tmp_path: Path) -> None:
    content = b"".join(b'{"a": %d}\n' % n for n in range(300_000))
    packed = gzip.compress(content)
    found: Rows = []
    split = _split(tmp_path / "a.gz", packed[: len(packed) // 2])
    batches = json_lines.read(split, _request("a"))
    with pytest.raises(BREAKS):
        found.extend(row for batch in batches for row in batch.to_pylist())
    assert [row["a"] for row in found] == [str(n) for n in range(len(found))]
    assert len(found) > 100_000
    assert {row["problem"] for row in found} == {None}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'[{"a": 1}, {"a": 2}]', "is a JSON array"),
        (b'\n [{"a": 1}]\n\n', "is a JSON array"),
        (b"[]", "is a JSON array"),
        (b'[\n  {"a": 1},\n  {"a": 2}\n]\n', "is a JSON array"),
        (b'[{"a": 1},\n{"a": 2},\n{"a": 3}]\n', "is a JSON array"),
        (b'[{"a": 1},\n{"a": 2}', "is a JSON array"),
        (b"[" + b'{"a": 1},\n' * 300_000 + b"{}]", "is a JSON array"),
        (b"[" + b'{"a": 1},' * 300_000 + b"{}]", "is a JSON array"),
        (b'{\n "a": 1,\n "b": 2\n}\n', "objects over several lines"),
        (b'{\n "a": 1\n}\n{\n "a": 2\n}\n', "objects over several lines"),
        (b'{"a":\n 1}', "objects over several lines"),
    ],
)
def test_other_shapes_of_json_are_refused_in_words(
    content: bytes, message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=rf"a\.jsonl: is .*{message[3:]}; write one object"):
        _read(tmp_path, content)
    with pytest.raises(InputError, match="write one object per line"):
        _read(tmp_path, gzip.compress(content))


@pytest.mark.parametrize("first", [b"[1]", b"[1", b"{", b'{"a": 1', b"x", b"[]", b'{"a": "x'])
def test_a_bad_first_line_is_only_that(first: bytes, tmp_path: Path) -> None:
    found = _read(tmp_path, first + b'\n{"a": 1}\n{"a": 2}\n')
    assert [row["problem"] for row in found] == ["valid_json", None, None]


def test_columns_may_have_the_names_of_the_readers_own(tmp_path: Path) -> None:
    split = _split(tmp_path / "a", b'{"problem": "p", "position": 7, "notes": "n"}\nx\n')
    request = _request("problem", "position", "notes")
    (batch,) = json_lines.read(split, request)
    assert batch.schema.names == [
        "position", "problem", "position", "notes", "record", "problem", "notes"
    ]  # fmt: skip
    assert [column.to_pylist() for column in batch] == [
        [0, 46], ["p", None], ["7", None], ["n", None], [None, "x"], [None, "valid_json"],
        [None, None],
    ]  # fmt: skip


def test_the_head_of_a_file_that_breaks_off_is_enough(tmp_path: Path) -> None:
    packed = gzip.compress(b"x\n" + b"".join(b'{"a": %d}\n' % n for n in range(9999)))
    split = _split(tmp_path / "a", packed[: len(packed) // 2])
    batches = json_lines.read(split, _request("a"))
    assert next(batches).column("problem")[0].as_py() == "valid_json"
    assert json_lines.columns(split, _request("a")) == ["a"]


def test_columns_are_those_of_the_beginning(tmp_path: Path) -> None:
    content = b'{"b": 1, "a": {"c": 1, "d": {"e": []}}}\nx\n[1]\n{"b": 2, "f": {}}\n'
    split = _split(tmp_path / "a", gzip.compress(content))
    assert json_lines.columns(split, _request("a")) == ["b", "a.c", "a.d.e", "f"]
