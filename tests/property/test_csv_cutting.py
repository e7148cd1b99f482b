"""However CSV is cut, it has the same records; they are those of the rules, and of Python's csv."""

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipelines.sources import csv_chunks
from pipelines.sources.config import SourceSettings
from pipelines.sources.formats import csv as csv_format
from pipelines.sources.request import Field, Request
from pipelines.sources.split import Split

Row = tuple[int, Any, str | None]  # line, values or the raw record, problem
HEADER = b"a,b,c\n"
NASTY = st.lists(
    st.sampled_from(
        [b'"', b'""', b'"', b",", b",", b"\n", b"\n", b"\r\n", b"\r", b"x", b"y z", b"\xc3\xa9"]
        + [b"\xff", b"\0", b'",a","\n', b'"q\nq"', b"1,2,3\n", b'"1","2","3"\r\n', b"\\"]
    ),
    max_size=40,
).map(b"".join)
IN_ONE_FOLDER = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400, deadline=None
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


def _model(content: bytes, escape: bytes | None = None) -> list[Row]:
    """Read by the rules as they are written down, one record after the other, slowly."""
    found: list[Row] = []
    field = rb'(?:"(?:[^"]|"")*"(?=[,\r\n])|(?!")[^,\r\n]*)'
    if escape:
        field = rb'(?:"(?:[^"\\]|\\["\\]|\\)*?(?<!\\)(?:\\\\)*"(?=[,\r\n])|(?!")[^,\r\n]*)'
    record = re.compile(rb"%b(?:,%b)*" % (field, field))
    content += b"" if content.endswith((b"\n", b"\r")) else b"\n"
    at, line = 0, 1
    while at < len(content):
        whole = record.match(content, at)
        is_sound = whole and re.match(rb"[\r\n]", content[whole.end() :])
        raw = whole[0] if whole and is_sound else re.match(rb"[^\r\n]*", content[at:])[0]  # type: ignore[index]
        if raw:
            values = re.findall(rb"(?:^|(?<=,))%b" % field, raw) if is_sound else []
            values = _fields(raw, field) if is_sound else []
            problem = None if is_sound else "valid_csv"
            if is_sound and (
                len(values) < 3 or any(value not in ("", None) for value in values[3:])
            ):
                problem = "column_count"
            elif is_sound and not _is_utf8(raw):
                problem = "valid_utf8"
            found.append((line, raw.decode("utf-8", "replace") if problem else values[:3], problem))
        at += len(raw)
        line += len(re.findall(rb"\r\n|\r|\n", raw)) + 1
        at += len(re.match(rb"\r\n|\r|\n|", content[at:])[0])  # type: ignore[index]
    return found[1:]


def _fields(raw: bytes, field: bytes) -> list[str | None]:
    values: list[str | None] = []
    at = 0
    while True:
        text = re.compile(field).match(raw + b"\n", at)[0]  # type: ignore[index]
        at += len(text) + 1
        plain = text.decode("utf-8", "replace")
        if plain.startswith('"'):
            values.append(plain[1:-1].replace('""', '"'))
        else:
            values.append(None if plain in ("", "\\N") else plain)
        if at > len(raw):
            return values


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


@IN_ONE_FOLDER
@given(content=NASTY, piece=st.integers(1, 60), chunk=st.integers(1, 60), rows=st.integers(1, 4))
@example(content=b'",a","\n' * 4, piece=1, chunk=1, rows=1)
@example(content=b'x,y,"a\r\nb"\r\n"open\r', piece=1, chunk=7, rows=2)
def test_any_cutting_gives_the_records_of_the_rules(
    content: bytes, piece: int, chunk: int, rows: int, tmp_path: Path, monkeypatch: Any
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(HEADER + content)
    with monkeypatch.context() as patched:
        patched.setattr(csv_format, "is_plain", lambda *_: True)
        patched.setattr(csv_format, "utf8_stream", lambda split, _: Path(split.uri).open("rb"))
        whole = _read(path)
        patched.setattr(csv_format, "SPLIT_BYTES", piece)
        patched.setattr(csv_chunks, "CHUNK_BYTES", chunk)
        patched.setattr(csv_format, "BATCH_ROWS", rows)
        assert _read(path) == whole
    assert whole == _model(HEADER + content)


LONG = st.lists(
    st.sampled_from([b'"', b",", b"\n", b"\r\n", b"x" * 300, b'"' + b"y" * 500, b'",a","\n']),
    max_size=60,
).map(b"".join)


@IN_ONE_FOLDER
@given(content=LONG, piece=st.integers(1, 3000), chunk=st.integers(1, 3000))
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
