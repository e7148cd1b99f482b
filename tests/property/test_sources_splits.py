"""However a file is cut into splits, it has the same records at the same positions."""

import csv
import io
import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.sources import records
from pipelines.sources.files import Split

ENDS = st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\r\n\r\n", b" \n"])
LINE = st.text(st.characters(exclude_characters="\n\r", codec="utf-8"), max_size=8)
CONTENTS = st.builds(
    lambda pairs, last: b"".join(text.encode() + end for text, end in pairs) + last.encode(),
    st.lists(st.tuples(LINE, ENDS), max_size=12),
    LINE,
)
IN_ONE_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def _read(path: Path, edges: list[int], mode: str = "jsonl") -> list[records.Row]:
    splits = [Split(str(path), "a", start, end, end - start) for start, end in pairwise(edges)]
    return [row for split in splits for row in records._task_rows([split], mode, "fail")]


@IN_ONE_FOLDER
@given(content=CONTENTS, data=st.data())
def test_cutting_changes_nothing(content: bytes, data: st.DataObject, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    inner = data.draw(st.lists(st.integers(1, max(1, len(content) - 1)), max_size=6, unique=True))
    edges = [0, *sorted(edge for edge in inner if edge < len(content)), len(content)]
    whole = _read(path, [0, len(content)])
    assert _read(path, edges) == whole
    for _, position, record, problem in whole:
        assert problem is None
        found = (
            content[position : content.find(b"\n", position)]
            if b"\n" in content[position:]
            else content[position:]
        )
        assert (
            found.removeprefix(b"\xef\xbb\xbf" if position == 0 else b"").rstrip(b"\r\n")
            == (record or "").encode()
        )
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    assert len(whole) == sum(bool(line.rstrip(b"\r").strip()) for line in lines)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_even_the_smallest_splits_give_each_line_once(size: int, tmp_path: Path) -> None:
    content = '{"a": "é"}\r\n\r\n\n{"b": 1}\n   \n{"c": "日本"}'.encode()
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    edges = [*range(0, len(content), size), len(content)]
    assert _read(path, edges) == [
        ("a", 0, '{"a": "é"}', None),
        ("a", 16, '{"b": 1}', None),
        ("a", 29, '{"c": "日本"}', None),
    ]


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=6)


@IN_ONE_FOLDER
@given(rows=st.lists(st.tuples(CELL, CELL), max_size=6), delimiter=st.sampled_from(",;\t|"))
def test_csv_that_python_wrote_is_read_back(
    rows: list[tuple[str, str]], delimiter: str, tmp_path: Path
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([("left", "right"), *rows])
    path = tmp_path / "a.csv"
    path.write_bytes(text.getvalue().encode())
    read = list(records._task_rows([Split(str(path), "a", 0, None, 1)], "csv", "fail"))
    assert [json.loads(row[2] or "") for row in read] == [
        {"left": left, "right": right} for left, right in rows
    ]
    assert [row[1] for row in read] == list(range(len(rows)))
