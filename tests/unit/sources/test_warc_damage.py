"""Damaged web archives: one row for each damaged record, an error where a file breaks off."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from oracles.raw_files import asking, rows, until_broken, whole
from oracles.web_archives import Archive, pages

from pipelines.sources.formats import warc

pytest.importorskip("fastwarc", reason="the extra warc is not installed")
pytest.importorskip("resiliparse", reason="the extra warc is not installed")
pytest.importorskip("warcio", reason="the extra dev is not installed")

ALL = asking("url", "date", "type", "content_type", "status", "language", "text")


def _read(path: Path, data: bytes, request: Any = ALL) -> list[dict[str, Any]]:
    path.write_bytes(data)
    return rows(warc, [whole(path)], request)


def _records(data: bytes) -> list[bytes]:
    return [b"WARC/1.0\r\n" + part for part in data.split(b"WARC/1.0\r\n")[1:]]


def _length(change: Callable[[int], object]) -> Callable[[bytes], bytes]:
    return lambda data: re.sub(
        rb"(?m)^Content-Length: (\d+)", lambda m: f"Content-Length: {change(int(m[1]))}".encode(),
        data, count=1,
    )  # fmt: skip


DAMAGE = {
    "too short": _length(lambda size: size - 5),
    "too long": _length(lambda size: size + 5),
    "into the next but one": _length(lambda size: size + 700),
    "beyond the file": _length(lambda size: size + 100_000),
    "no number": _length(lambda _: "x"),
    "below zero": _length(lambda _: -1),
    "no length": lambda data: data.replace(b"Content-Length", b"Content-Width", 1),
    "no version": lambda data: data.replace(b"WARC/1.0", b"WXRC/1.0"),
    "other bytes": lambda _: b"\x00\xff\n garbage \r\n\r\n" * 9,
    "a long header": lambda data: data.replace(b"WARC-Date", b"X" * 100_000, 1),
    "a gap": lambda data: data[:50] + data[90:],
}


@pytest.mark.parametrize("is_gzip", [False, True])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_record_is_one_row_and_the_next_ones_are_read(
    damage: str, is_gzip: bool, tmp_path: Path
) -> None:
    records = _records(pages(5).out.getvalue())
    records[2] = DAMAGE[damage](records[2])
    parts = [gzip.compress(part) for part in records] if is_gzip else records
    found = _read(tmp_path / "a", b"".join(parts))
    places = [sum(map(len, parts[:n])) for n in range(5)]
    assert [row["position"] for row in found] == places
    assert [row.get("problem") for row in found] == [None, None, "valid_record", None, None]
    assert [row.get("url") for row in found if "url" in row] == [
        f"http://e/{n}" for n in (0, 1, 3, 4)
    ]
    assert found[2]["record"]


def test_damaged_content_is_a_problem_of_its_record(tmp_path: Path) -> None:
    made = Archive()
    kind = "Content-Type: text/html"
    made.add("response", "http://e/1", b"no gzip", "200 OK", kind, "Content-Encoding: gzip")
    made.add("conversion", "http://e/2", b"\xff\xfe", Content_Type="text/plain")
    made.add("conversion", "http://e/3", b"x" * 5000, Content_Type="text/plain")
    made.add("conversion", "http://e/4", b"sound", Content_Type="text/plain")
    bomb = gzip.compress(b"x" * 100_000)
    made.add("response", "http://e/5", bomb, "200 OK", kind, "Content-Encoding: gzip")
    found = _read(tmp_path / "a", made.out.getvalue(), asking("text", max_record_bytes=2000))
    expected = ["valid_record", "valid_utf8", "max_record_bytes", None, "max_record_bytes"]
    assert [row.get("problem") for row in found] == expected


@pytest.mark.parametrize("is_gzip", [False, True])
def test_a_file_that_breaks_off_gives_its_sound_records_and_an_error(
    is_gzip: bool, tmp_path: Path
) -> None:
    made = pages(is_gzip=is_gzip)
    data, path = made.out.getvalue(), tmp_path / "a"
    path.write_bytes(data)
    complete = rows(warc, [whole(path)], ALL)
    ends = [*made.places, len(data)]
    for size in range(1, len(data), 10):
        path.write_bytes(data[:size])
        found, is_broken = until_broken(warc, path, ALL)
        spare = 0 if is_gzip else 4  # the blank lines behind a record
        sound = sum(end <= size + spare for end in ends[1:])
        assert found == complete[: len(found)]
        assert len(found) >= sound
        assert is_broken or size in ends or (not is_gzip and size + 4 >= ends[sound])


def test_damaged_compression_breaks_the_file_off(tmp_path: Path) -> None:
    made = pages(is_gzip=True)
    data = bytearray(made.out.getvalue())
    data[made.places[2] + 60] ^= 255
    (tmp_path / "a").write_bytes(data)
    found, is_broken = until_broken(warc, tmp_path / "a", ALL)
    assert [row["url"] for row in found] == ["http://e/0", "http://e/1"]
    assert is_broken
