"""Texts are read per file, line or paragraph, each with its place."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.sources.config import SourceSettings
from pipelines.sources.formats import text
from pipelines.sources.request import Field, Request
from pipelines.sources.split import Split
from pipelines.sources.streams import lines
from pipelines.sources.streams.opening import BREAKS

Rows = list[dict[str, Any]]


def _read(tmp_path: Path, content: bytes, **given: Any) -> Rows:
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    request = Request((Field("text", "text"),), SourceSettings(**given))
    pieces = text.split(Split(str(path), "a.txt", len(content)), request)
    assert text.columns(pieces[0], request) == ["text"]
    return [
        row for each in pieces for batch in text.read(each, request) for row in batch.to_pylist()
    ]


def _texts(rows: Rows) -> list[tuple[int, str]]:
    assert {(row["record"], row["problem"]) for row in rows} <= {(None, None)}
    return [(row["position"], row["text"]) for row in rows]


CONTENT = "one\ntwo é \n\n \t\n\r\nthree\r\nfour\n\n\nfive".encode()
EXPECTED = {
    "file": [(0, CONTENT.decode())],
    "line": [(0, "one"), (4, "two é "), (18, "three"), (25, "four"), (32, "five")],
    "paragraph": [(0, "one\ntwo é "), (18, "three\nfour"), (32, "five")],
}


@pytest.mark.parametrize("mode", EXPECTED)
@pytest.mark.parametrize("block", [1, 4, 1 << 20])
def test_records(mode: str, block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "BLOCK_BYTES", block)
    assert _texts(_read(tmp_path, CONTENT, documents_per=mode)) == EXPECTED[mode]
    assert _texts(_read(tmp_path, gzip.compress(CONTENT), documents_per=mode)) == EXPECTED[mode]
    monkeypatch.setattr(lines, "SPLIT_BYTES", 3)
    assert _texts(_read(tmp_path, CONTENT, documents_per=mode)) == EXPECTED[mode]


@pytest.mark.parametrize("mode", EXPECTED)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_encodings(mode: str, encoding: str, tmp_path: Path) -> None:
    content = "日本\n".encode(encoding)
    expected = "日本\n" if mode == "file" else "日本"
    assert _texts(_read(tmp_path, content, documents_per=mode)) == [(0, expected)]


@pytest.mark.parametrize("content", [b"", b"\n", b" \n\n\t"])
def test_only_files_can_be_blank(content: bytes, tmp_path: Path) -> None:
    assert _texts(_read(tmp_path, content)) == [(0, content.decode())]
    assert _read(tmp_path, content, documents_per="line") == []
    assert _read(tmp_path, content, documents_per="paragraph") == []


def test_what_is_not_text_is_refused(tmp_path: Path) -> None:
    content = "日本日本\n\nx\xff\n\nok".encode().replace(b"\xc3\xbf", b"\xff")
    bad = {"text": None, "record": "x\ufffd", "problem": "valid_utf8"}
    for mode in ("line", "paragraph"):
        found = _read(tmp_path, content, documents_per=mode)
        assert found[1] == {"position": 14, **bad}
        assert [row["text"] for row in found] == ["日本日本", None, "ok"]
    (row,) = _read(tmp_path, content)
    shown = content.decode("utf-8", "replace")
    assert row == {"position": 0, "text": None, "record": shown, "problem": "valid_utf8"}


@pytest.mark.parametrize("mode", EXPECTED)
@pytest.mark.parametrize("size", [1024, 1025, 5000, 3 << 20])
def test_what_is_too_long_is_refused(mode: str, size: int, tmp_path: Path) -> None:
    found = _read(tmp_path, b"x" * size, documents_per=mode, max_record_bytes=1024)
    if size <= 1024:
        assert _texts(found) == [(0, "x" * size)]
    else:
        shown = {"position": 0, "text": None, "record": "x" * 1000}
        assert found == [{**shown, "problem": "max_record_bytes"}]


def test_a_paragraph_of_many_lines_is_refused_alone(tmp_path: Path) -> None:
    content = b"a\n\n" + b"word word\n" * 1000 + b"\nb\n"
    found = _read(tmp_path, content, documents_per="paragraph", max_record_bytes=1024)
    assert [(row["text"], row["problem"]) for row in found] == [
        ("a", None),
        (None, "max_record_bytes"),
        ("b", None),
    ]
    assert found[1]["record"] == ("word word\n" * 100)


def test_lines_before_a_break_are_read(tmp_path: Path) -> None:
    content = b"".join(b"%d\n" % n for n in range(100_000))
    packed = gzip.compress(content)
    path = tmp_path / "a"
    path.write_bytes(packed[: len(packed) // 2])
    request = Request((Field("text", "text"),), SourceSettings(documents_per="line"))
    found: list[str] = []
    batches = text.read(Split(str(path), "a", 1), request)
    with pytest.raises(BREAKS):
        found.extend(value for batch in batches for value in batch["text"].to_pylist())
    assert found == [str(n) for n in range(len(found))]
    assert len(found) > 10_000


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.lists(st.sampled_from(["a", "é b", "", " ", "\r", "c\r"])).map("\n".join),
    size=st.integers(1, 9),
)
def test_cutting_changes_nothing(content: str, size: int, tmp_path: Path) -> None:
    data = content.encode()
    whole = _texts(_read(tmp_path, data, documents_per="line"))
    assert [value for _, value in whole] == [
        line.removesuffix("\r") for line in content.split("\n") if line.strip()
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "SPLIT_BYTES", size)
        patch.setattr(lines, "BLOCK_BYTES", size)
        assert _texts(_read(tmp_path, data, documents_per="line")) == whole
