"""However CSV is cut, it has the same records; they are those of the rules, and of Python's csv."""

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipelines.sources.config import SourceSettings
from pipelines.sources.csv_rows import chunks as csv_chunks
from pipelines.sources.formats import csv as csv_format
from pipelines.sources.request import Field, Request
from pipelines.sources.split import Split

Row = tuple[int, Any, str | None]  # line, values or the raw record, problem
HEADER = b"a,b,c\n"
MODULES = (csv_format, csv_chunks, csv_format)
SIZES = ("SPLIT_BYTES", "CHUNK_BYTES", "BATCH_ROWS")
PARTS = [
    b'" " "" , , \n \n \r\n \r x yz \xc3\xa9 \xff \0 \\ \\N',
    b'",a","\n "q\nq" 1,2,3\n "1","2","3"\r\n',
]
NASTY = st.lists(st.sampled_from(b" ".join(PARTS).split(b" ")), max_size=40).map(b"".join)
IN_ONE_FOLDER = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None
)


def _read(path: Path, **given_settings: Any) -> list[Row]:
    request = Request(tuple(Field(name, name) for name in "abc"), SourceSettings(**given_settings))
    whole = Split(str(path), path.name, path.stat().st_size)
    found: list[Row] = []
    for piece in csv_format.split(whole, request):
        for batch in csv_format.read(piece, request):
            for row in batch.to_pylist():
                problem = row.get("problem")
                values = row["record"] if problem else [row[name] for name in "abc"]
                found.append((row["position"], values, problem))
    return sorted(found, key=lambda row: row[0])


def _model(content: bytes, escape: str | None) -> list[Row]:
    """Read by the rules as they are written down, one record after the other, slowly."""
    found: list[Row] = []
    inside = rb'[^"]|""' if escape is None else rb'[^"\\]|\\["\\]|\\(?!["\\])'
    field = rb'(?:"(?:%b)*"(?=[,\r\n])|(?!")[^,\r\n]*)' % inside
    record = re.compile(rb"%b(?:,%b)*(?=[\r\n])" % (field, field))
    content += b"" if content.endswith((b"\n", b"\r")) else b"\n"
    at, line = 0, 1
    while at < len(content):
        sound = record.match(content, at)
        raw = sound[0] if sound else re.split(rb"[\r\n]", content[at:], maxsplit=1)[0]
        if raw:
            values = _values(raw, field, escape) if sound else []
            problem = None if _is_utf8(raw) else "valid_utf8"
            if not sound:
                problem = "valid_csv"
            elif len(values) < 3 or any(values[3:]):
                problem = "column_count"
            found.append((line, raw.decode("utf-8", "replace") if problem else values[:3], problem))
        line += len(re.findall(rb"\r\n|\r|\n", raw)) + 1
        at += len(raw)
        at += 2 if content[at : at + 2] == b"\r\n" else 1
    return found[1:]


def _values(raw: bytes, field: bytes, escape: str | None) -> list[str | None]:
    values: list[str | None] = []
    at = 0
    while at <= len(raw):
        found = re.compile(field).match(raw + b"\n", at)
        assert found
        at = found.end() + 1
        text = found[0].decode("utf-8", "replace")
        if not text.startswith('"'):
            values.append(None if text in ("", "\\N") and len(values) < 3 else text)
        elif escape is None:
            values.append(text[1:-1].replace('""', '"'))
        else:
            values.append(re.sub(r'\\(["\\])', r"\1", text[1:-1]))
    return values


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


@IN_ONE_FOLDER
@given(
    content=NASTY,
    cuts=st.tuples(st.integers(1, 60), st.integers(1, 60), st.integers(1, 4)),
    escape=st.sampled_from([None, "\\"]),
)
@example(content=b'",a","\n' * 4, cuts=(1, 1, 1), escape=None)
@example(content=b'x,y,"a\r\nb"\r\n"open\r', cuts=(1, 7, 2), escape=None)
def test_any_cutting_gives_the_records_of_the_rules(
    content: bytes,
    cuts: tuple[int, int, int],
    escape: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(HEADER + content)
    with monkeypatch.context() as patched:
        whole = _read(path, encoding="utf-8", escape=escape)
        for module, name, size in zip(MODULES, SIZES, cuts, strict=True):
            patched.setattr(module, name, size)
        assert _read(path, encoding="utf-8", escape=escape) == whole
    assert whole == _model(HEADER + content, escape)


LONG = st.lists(
    st.sampled_from([b'"', b",", b"\n", b"\r\n", b"x" * 300, b'"' + b"y" * 500, b'",a","\n']),
    max_size=60,
).map(b"".join)


@IN_ONE_FOLDER
@given(content=LONG, piece=st.integers(1, 3000), chunk=st.integers(1, 3000))
@example(content=b'",a","\n' * 160 + b'"\n', piece=300, chunk=3000)
@example(content=b'",a","\n' * 160 + b'"\n', piece=3000, chunk=1)
def test_any_cutting_gives_the_same_where_records_are_too_long(
    content: bytes, piece: int, chunk: int, tmp_path: Path, monkeypatch: Any
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(HEADER + content)
    whole = _read(path, max_record_bytes=1 << 10)
    with monkeypatch.context() as patched:
        patched.setattr(csv_format, "SPLIT_BYTES", piece)
        patched.setattr(csv_chunks, "CHUNK_BYTES", chunk)
        assert _read(path, max_record_bytes=1 << 10) == whole
    for _, record, problem in whole:
        assert len(record if problem else "".join(each or "" for each in record)) <= 1 << 10


CELL = st.text(st.characters(codec="utf-8"), max_size=6)


@IN_ONE_FOLDER
@given(
    rows=st.lists(st.tuples(CELL, CELL, CELL), max_size=8),
    how=st.sampled_from(
        [("\n", csv.QUOTE_ALL), ("\r", csv.QUOTE_ALL), ("\r\n", csv.QUOTE_MINIMAL)]
    ),
    delimiter=st.sampled_from(",;\t|"),
    piece=st.integers(1, 80),
)
def test_what_python_wrote_is_read_as_python_reads_it(
    rows: list[tuple[str, str, str]],
    how: tuple[str, Any],
    delimiter: str,
    piece: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=how[0], quoting=how[1])
    writer.writerows(["abc", *rows])
    path = tmp_path / "a.csv"
    path.write_bytes(text.getvalue().encode())
    reader = csv.reader(io.StringIO(text.getvalue(), newline=""), delimiter=delimiter, strict=True)
    oracle = [row for row in reader if row][1:]
    with monkeypatch.context() as patched:
        patched.setattr(csv_format, "SPLIT_BYTES", piece)
        read = _read(path, null_values=[], encoding="utf-8")
    assert [problem for *_, problem in read] == [None] * len(rows)
    assert [values for _, values, _ in read] == oracle
