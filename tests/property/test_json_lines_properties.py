"""JSON lines, however nasty and however cut, are read as Python's parser reads them."""

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipelines.sources.config import SourceSettings
from pipelines.sources.formats import json_lines
from pipelines.sources.json_objects.exact import exact_values
from pipelines.sources.request import Field, Request
from pipelines.sources.split import Split
from pipelines.sources.streams import lines

PATHS = ("a", "b", "a.b", "b.a.c", "long name")
REQUEST = Request(tuple(Field(path, path) for path in PATHS), SourceSettings())
IN_ONE_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])

IN_ONE_FOLDER_OFTEN = settings(IN_ONE_FOLDER, max_examples=400)

NAMES = st.sampled_from(
    ['"a"', '"b"', '"c"', '"a.b"', '"b.a"', '"long name"', '"\\u0061"', '"é"', '""', '"a\\n"']
)
NUMBERS = st.one_of(
    st.integers().map(str),
    st.integers(-(10**30), 10**30).map(str),
    st.floats().map(json.dumps),
    st.integers(-(2**60), 2**60).map(lambda n: f"{n}.0"),
    st.from_regex(
        r"-?(0|[1-9]\d{0,17})(\.[09]{0,18}\d{1,2}0{0,2})?([eE][+-]?\d{1,3})?", fullmatch=True
    ),
    st.sampled_from(
        ["NaN", "Infinity", "-Infinity", "01", "+1", "1.", ".5", "-", "1e", "0x1", "1_0"]
    ),
)
PIECES = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters='"\\\n'), max_size=40),
    st.sampled_from(
        ["\\n", '\\"', "\\\\", "\\/", "\\u00e9", "\\ud83d\\ude00", "\\ud83d", "\\ude00"]
    ),
    st.sampled_from(["\\x", "\\u12", "\\", '"', "\t", "\x00", "\\ud83d\\u0041", "\\uD83D\\uDE00"]),
)
STRINGS = st.lists(PIECES, max_size=4).map(lambda pieces: '"' + "".join(pieces) + '"')
BLANKS = st.sampled_from(["", "", "", " ", "\t", "\r", "  "])
SCALARS = st.one_of(
    NUMBERS, STRINGS, st.sampled_from(["true", "false", "null", "nul", "truee", ""])
)


def _object(pairs: list[tuple[str, str, str]]) -> str:
    return "{" + ",".join(f"{blank}{name}{blank}:{value}" for blank, name, value in pairs) + "}"


def _containers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    objects = st.lists(st.tuples(BLANKS, NAMES, inner), max_size=4).map(_object)
    lists = st.lists(inner, max_size=3).map(lambda values: "[" + ", ".join(values) + "]")
    return st.one_of(objects, objects, lists)


OBJECTS = st.lists(
    st.tuples(BLANKS, NAMES, st.recursive(SCALARS, _containers, max_leaves=6)), max_size=5
).map(_object)


@st.composite
def broken(draw: st.DrawFn) -> str:
    """Return an object with one character left out, put in or doubled."""
    line = draw(OBJECTS)
    place = draw(st.integers(0, len(line)))
    put = draw(
        st.sampled_from(["", "{", "}", "[", "]", ",", ":", '"', "\\", " ", "0", "x", "\x0c"])
    )
    return line[:place] + put + line[place + draw(st.integers(0, 1)) :]


LINES = st.one_of(
    OBJECTS,
    OBJECTS,
    broken(),
    st.tuples(OBJECTS, OBJECTS).map("".join),
    st.sampled_from(["", " ", "[]", "1", "null", "\x0b"]),
)


def _read(path: Path, content: bytes) -> list[dict[str, Any]]:
    path.write_bytes(content)
    pieces = json_lines.split(Split(str(path), "a", len(content)), REQUEST)
    return [
        row
        for each in pieces
        for batch in json_lines.read(each, REQUEST)
        for row in batch.to_pylist()
    ]


class _Literal(str):
    __slots__ = ()


def _oracle(line: str) -> dict[str, Any] | None:
    """Return what the paths should be, by rules written a second time; None for no JSON."""
    as_pairs = json.JSONDecoder(
        object_pairs_hook=lambda pairs: dict(reversed(pairs)),
        parse_int=_Literal, parse_float=_Literal, parse_constant=_Literal,
    )  # fmt: skip
    try:
        record = as_pairs.decode(line)
    except ValueError:
        return None
    return {path: _follow(record, path) for path in PATHS} if isinstance(record, dict) else None


def _follow(record: dict[str, Any], path: str) -> Any:
    if path in record:
        return record[path]
    for cut in range(len(path) - 1, -1, -1):
        inner = record.get(path[:cut])
        if path[cut] == "." and isinstance(inner, dict):
            found = _follow(inner, path[cut + 1 :])
            if found is not None or path[cut + 1 :] in inner:
                return found
    return None


def _is_same(text: str | None, value: Any) -> bool:
    if isinstance(value, bool) or value is None:
        return text == {None: None, True: "true", False: "false"}[value]
    if not isinstance(value, _Literal):
        return text == re.sub("[\ud800-\udfff]", "\ufffd", value)
    number = float(value)
    if re.fullmatch(r"-?\d+", value):
        return (
            text is not None
            and re.fullmatch("0|-?[1-9][0-9]*", text) is not None
            and (text.lstrip("-") == value.lstrip("-"))
        )
    if not math.isfinite(number):
        return text is None
    return text == (str(int(number)) if number == int(number) and abs(number) < 2**53 else value)


@settings(max_examples=400)
@given(line=LINES)
@example(line='{"a": 0.99999999999999999}')
@example(line='{"a": 8.999999999999999}')
def test_the_exact_values_are_those_of_the_rules(line: str) -> None:
    values, expected = exact_values(line, PATHS), _oracle(line)
    if expected is None:
        assert values.problem == "valid_json"
    elif any(isinstance(value, dict | list) for value in expected.values()):
        assert values.problem == "scalar_value"
    else:
        assert values.problem is None
        for path, text in zip(PATHS, values.texts, strict=True):
            assert _is_same(text, expected[path]), (path, text, expected[path])


@IN_ONE_FOLDER_OFTEN
@given(content=st.lists(LINES, max_size=8))
def test_the_compiled_walk_finds_what_the_exact_one_does(
    content: list[str], tmp_path: Path
) -> None:
    first = '{"a": "first"}'  # so that no file as a whole looks like other JSON
    data = "\n".join([first, *content]).encode()
    rows = _read(tmp_path / "a.jsonl", data)[1:]
    texts = [line for line in data.decode().split("\n")[1:] if line.encode().strip()]
    assert len(rows) == len(texts)
    for row, line in zip(rows, texts, strict=True):
        expected = exact_values(line, PATHS)
        assert [row[path] for path in PATHS] == expected.texts
        assert row["problem"] == expected.problem
        assert set((row["notes"] or "").split()) == expected.notes
        assert row["record"] == (line.rstrip("\r") if expected.problem else None)


RAW = st.one_of(
    LINES.map(str.encode),
    st.binary(max_size=12).map(lambda data: data.replace(b"\n", b"")),
    st.tuples(OBJECTS, st.sampled_from([b"\xff", b"\xc3", b"\xed\xa0\x80"])).map(
        lambda pair: pair[0].encode() + pair[1]
    ),
)


@IN_ONE_FOLDER
@given(
    content=st.lists(RAW, max_size=8),
    end=st.sampled_from([b"\n", b"\r\n", b"\n\n"]),
    size=st.integers(1, 60),
    block=st.integers(1, 60),
)
def test_cutting_changes_nothing_and_loses_nothing(
    content: list[bytes], end: bytes, size: int, block: int, tmp_path: Path
) -> None:
    first = '{"a": "日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本"}'.encode()
    data = end.join([first, *content])
    whole = _read(tmp_path / "a.jsonl", data)
    records = [line for line in data.split(b"\n") if line.strip()]
    assert len(whole) == len(records)
    assert [data[row["position"] :].split(b"\n")[0] for row in whole] == records
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "SPLIT_BYTES", size)
        patch.setattr(lines, "BLOCK_BYTES", block)
        assert _read(tmp_path / "a.jsonl", data) == whole
