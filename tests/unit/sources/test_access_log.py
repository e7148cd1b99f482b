"""Access logs: what each line says, the lines that say nothing, and the same however cut."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from oracles.raw_files import asking, rows, until_broken, whole

from pipelines.sources.formats import access_log
from pipelines.sources.streams import lines

ALL = asking(*access_log._TYPES)
TIME = "[10/Oct/2000:13:55:36 -0700]"
ISO = "2000-10-10T13:55:36-07:00"
GET = {"method": "GET", "path": "/a", "protocol": "HTTP/1.1"}
BASE = {"host": "1.2.3.4", "time": ISO, **GET, "status": 200, "bytes": 5}


def _read(path: Path, data: bytes, request: Any = ALL) -> list[dict[str, Any]]:
    path.write_bytes(data)
    return rows(access_log, access_log.split(whole(path), request), request)


SOUND = [
    # line, what it says beside or in place of BASE (None: null)
    (f'1.2.3.4 - - {TIME} "GET /a HTTP/1.1" 200 5', {}),
    (f'1.2.3.4 - - {TIME} "GET /a HTTP/1.1" 200 5 "-" "-"', {}),
    (
        f'1.2.3.4 - - {TIME} "GET /a HTTP/1.1" 200 5 "http://r/" "M/5.0 (X; Y)"',
        {"referrer": "http://r/", "agent": "M/5.0 (X; Y)"},
    ),
    (f'1.2.3.4 - - {TIME} "GET /a HTTP/1.1" 304 -', {"status": 304, "bytes": None}),
    (f'1.2.3.4 id frank {TIME} "GET /a HTTP/1.1" 200 5', {"user": "frank"}),
    (f'1.2.3.4 - frank smith {TIME} "GET /a HTTP/1.1" 200 5', {"user": "frank smith"}),
    (f'::1 - - {TIME} "GET /a HTTP/1.1" 200 5', {"host": "::1"}),
    (f'www.e.org:443 1.2.3.4 - - {TIME} "GET /a HTTP/1.1" 200 5', {}),
    (f'1.2.3.4 - - {TIME} "GET /a?q=\\"x\\" HTTP/1.1" 200 5', {"path": '/a?q="x"'}),
    (f'1.2.3.4 - - {TIME} "GET /a b HTTP/1.1" 200 5', {"path": "/a b"}),
    (f'1.2.3.4 - - {TIME} "GET /a" 200 5', {"protocol": None}),
    (
        f'1.2.3.4 - - {TIME} "\\x16\\x03\\x01" 200 5',
        {"method": None, "path": "\\x16\\x03\\x01", "protocol": None},
    ),
    (f'1.2.3.4 - - {TIME} "-" 408 -', dict.fromkeys((*GET, "bytes")) | {"status": 408}),
    (f'1.2.3.4 - - {TIME} "" 200 5', {"method": None, "path": "", "protocol": None}),
    (f'1.2.3.4 - - {TIME} "GET /a HTTP/1.1" 200 5 "-" "a \\"b\\" \\\\"', {"agent": 'a "b" \\'}),
    (f'1.2.3.4 - - {TIME} "GET /a HTTP/1.1" 200 5 "-" "-" "9.9.9.9" rt=0.1', {}),
    (f'1.2.3.4 - - {TIME} "GET /a HTTP/1.1" 200 5 0.123', {}),
    (f'1.2.3.4 - - {TIME} "GET /ż HTTP/1.1" 200 5', {"path": "/ż"}),
]
REFUSED = [
    "not a line of a log",
    f'1.2.3.4 - - {TIME} "GET /a HTTP/1.1" 200',
    f'1.2.3.4 - - {TIME} "GET /a HTTP/1.1 200 5',
    f'1.2.3.4 - - {TIME} "GET /a HTTP/1.1" 200 5 "http://r',
    f'1.2.3.4 - - {TIME} "GET /a HTTP/1.1" 200 5 "http://r/" "M',
    f'1.2.3.4 - - {TIME} "GET /a HTTP/1.1" 200 5 "-" "open \\"',
    f'1.2.3.4 - - {TIME} "GET /a HTTP/1.1" 2000 5',
    f'1.2.3.4 - - {TIME} "GET /a HTTP/1.1" 200 {"9" * 19}',
    '1.2.3.4 - - [31/Feb/2000:13:55:36 -0700] "GET /a HTTP/1.1" 200 5',
    '1.2.3.4 - - [10/anF/2000:13:55:36 -0700] "GET /a HTTP/1.1" 200 5',
    '1.2.3.4 - - [10/Oct/2000:25:55:36 -0700] "GET /a HTTP/1.1" 200 5',
    '1.2.3.4 - - [10/Oct/2000:13:55:36] "GET /a HTTP/1.1" 200 5',
]


@pytest.mark.parametrize(("line", "differs"), SOUND)
@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_a_line_is_a_record(line: str, differs: dict[str, Any], end: str, tmp_path: Path) -> None:
    expected = {k: v for k, v in {"position": 0, **BASE, **differs}.items() if v is not None}
    assert _read(tmp_path / "a.log", (line + end).encode()) == [expected]


@pytest.mark.parametrize("line", REFUSED)
def test_a_line_of_another_kind_is_refused(line: str, tmp_path: Path) -> None:
    expected = [
        {"position": 0, "problem": "valid_record", "record": line},
        {"position": len(line) + 1, **BASE},
    ]
    assert _read(tmp_path / "a.log", f"{line}\n{SOUND[0][0]}\n".encode()) == expected


def test_bytes_that_are_no_text_and_long_lines_are_refused(tmp_path: Path) -> None:
    sound = SOUND[0][0].encode()
    data = b"\n".join([sound, sound.replace(b"/a", b"/\xff"), b"x" * 9000, b"", sound, b" "])
    found = _read(tmp_path / "a.log", data, asking("host", encoding="utf-8", max_record_bytes=1024))
    assert [(row["position"], row.get("problem")) for row in found] == [
        (0, None),
        (len(sound) + 1, "valid_utf8"),
        (2 * len(sound) + 2, "max_record_bytes"),
        (2 * len(sound) + 9004, None),
    ]
    assert found[1]["record"] == sound.decode().replace("/a", "/\ufffd")


def _log(count: int) -> bytes:
    lines = [line for line, _ in SOUND] + REFUSED + ["", "\r"]
    return b"\xef\xbb\xbf" + "\n".join(lines[n * 7 % len(lines)] for n in range(count)).encode()


@pytest.mark.parametrize("part", [1, 7, 64, 1000, 1 << 20])
def test_lines_are_the_same_however_a_file_is_cut(
    part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = _log(70)
    alone = _read(tmp_path / "a.log.gz", gzip.compress(data))
    monkeypatch.setattr(lines, "SPLIT_BYTES", part)
    found = _read(tmp_path / "a.log", data)
    assert found == [
        row | {"position": row["position"] + 3 * (row["position"] > 0)} for row in alone
    ]


def test_a_log_of_another_encoding_is_read_as_text(tmp_path: Path) -> None:
    line = SOUND[-1][0]
    found = _read(tmp_path / "a.log", line.encode("iso-8859-2"), asking("path", encoding="latin2"))
    assert found == [{"position": 0, "path": "/ż"}]


def test_a_file_that_breaks_off_gives_its_sound_lines_and_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.log.gz"
    data = gzip.compress(_log(70), 1)
    complete = _read(path, data)
    for size in range(4, len(data), 10):
        path.write_bytes(data[:size])
        found, is_broken = until_broken(access_log, path, ALL)
        assert is_broken
        assert found == complete[: len(found)]
    assert len(found) > 40


def test_a_line_of_quotes_takes_no_time(tmp_path: Path) -> None:
    nasty = [b'"\\' * 200_000, b"1 - " + b"a " * 400_000, b'1 - - [x] "' + b'\\"' * 200_000]
    found = _read(tmp_path / "a.log", b"\n".join(nasty))
    assert [row["problem"] for row in found] == ["valid_record"] * 3
