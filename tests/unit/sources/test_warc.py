"""Web archives: the documents that warcio sees in them, each at its place, damaged ones told."""

import bz2
import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from oracles.raw_files import asking, rows, whole
from oracles.web_archives import DATE, PAGE, PROSE, Archive, pages

from pipelines.errors import DependencyError
from pipelines.sources.formats import main_content, warc

pytest.importorskip("fastwarc", reason="the extra warc is not installed")
pytest.importorskip("resiliparse", reason="the extra warc is not installed")
pytest.importorskip("warcio", reason="the extra dev is not installed")

ALL = asking("url", "date", "type", "content_type", "status", "language", "text")


def _read(path: Path, data: bytes, request: Any = ALL) -> list[dict[str, Any]]:
    path.write_bytes(data)
    return rows(warc, [whole(path)], request)


KINDS = [
    # type, body, HTTP, expected text (None: no row)
    ("response", PAGE.format("").encode(), ("200 OK", "Content-Type: text/html"), PROSE.strip()),
    ("response", b"caf\xe9", ("200 OK", "Content-Type: text/plain; charset=latin1"), "café"),
    ("response", "café".encode(), ("404 Not Found", "Content-Type: text/plain"), "café"),
    ("response", b'{"a": 1}', ("200 OK", "Content-Type: application/json"), '{"a": 1}'),
    ("response", b"\x89PNG", ("200 OK", "Content-Type: image/png"), None),
    ("response", b"x", ("200 OK",), None),
    ("request", b"a=b", ("POST / HTTP/1.1", "Content-Type: text/plain"), None),
    ("metadata", b"a: b", (), None),
    ("warcinfo", b"a: b", (), None),
    ("revisit", b"", ("200 OK", "Content-Type: text/html"), None),
]


@pytest.mark.parametrize("is_gzip", [False, True])
def test_documents_become_rows_and_nothing_else_does(is_gzip: bool, tmp_path: Path) -> None:
    made = Archive(is_gzip=is_gzip)
    for number, (kind, body, http, _) in enumerate(KINDS):
        made.add(kind, f"http://e/{number}", body, *http)
    found = _read(tmp_path / "a", made.out.getvalue())
    expected = [
        (made.places[n], f"http://e/{n}", text) for n, (*_, text) in enumerate(KINDS) if text
    ]
    assert [(r["position"], r["url"], r["text"]) for r in found] == expected
    assert found[2] == {
        "position": made.places[2],
        "url": "http://e/2",
        "date": DATE,
        "type": "response",
        "content_type": "text/plain",
        "status": 404,
        "text": "café",
    }


@pytest.mark.parametrize("is_gzip", [False, True])
def test_text_of_wet_files_is_what_warcio_reads(is_gzip: bool, tmp_path: Path) -> None:
    from warcio.archiveiterator import ArchiveIterator

    made = Archive(is_gzip=is_gzip)
    for number in range(500):
        text = f"Zażółć {number}\r\n\r\nWARC/ and more\n" * (number % 50)
        named = {"WARC_Identified_Content_Language": "pol"} if number % 2 else {}
        url = f"http://e/{number}"
        made.add("conversion", url, text.encode(), Content_Type="text/plain", **named)
    data = made.out.getvalue()
    expected = []
    iterator = ArchiveIterator(io.BytesIO(data))
    for record in iterator:
        url = record.rec_headers.get_header("WARC-Target-URI")
        language = record.rec_headers.get_header("WARC-Identified-Content-Language")
        text = record.content_stream().read().decode()
        expected.append((iterator.get_record_offset(), url, language, text))
    found = _read(tmp_path / "a.wet", data)
    assert [(r["position"], r["url"], r.get("language"), r["text"]) for r in found] == expected


def test_pages_in_chunks_and_compressed_are_what_warcio_reads(tmp_path: Path) -> None:
    from warcio.archiveiterator import ArchiveIterator

    page = PAGE.format("é").encode()
    packed = gzip.compress(page)
    chunked = b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (9, page[:9], len(page) - 9, page[9:])
    made = Archive()
    kind = "Content-Type: text/html; charset=utf-8"
    made.add("response", "http://e/1", packed, "200 OK", kind, "Content-Encoding: gzip")
    made.add("response", "http://e/2", chunked, "200 OK", kind, "Transfer-Encoding: chunked")
    found = _read(tmp_path / "a", made.out.getvalue(), asking("html"))
    oracle = [
        record.content_stream().read().decode()
        for record in ArchiveIterator(io.BytesIO(made.out.getvalue()))
    ]
    assert [row["html"] for row in found] == oracle == [page.decode()] * 2


ENCODINGS = [
    # Content-Type, bytes before the text, encoding
    ("text/html; charset=iso-8859-2", b"", "iso-8859-2"),
    ('text/html; charset="UTF-8"', b"", "utf-8"),
    ("text/html; charset=bogus", b'<meta charset="cp1250">', "cp1250"),
    ("text/html", b"<meta http-equiv=content-type content='text/html; charset=koi8-r'>", "koi8-r"),
    ("text/html", b"\xff\xfe", "utf-16-le"),
    ("application/xhtml+xml", b"", "utf-8"),
]


@pytest.mark.parametrize(("kind", "before", "encoding"), ENCODINGS)
def test_pages_are_decoded_by_what_names_their_encoding(
    kind: str, before: bytes, encoding: str, tmp_path: Path
) -> None:
    text = "Быстрая лиса" if encoding == "koi8-r" else "Zażółć gęślą jaźń"
    body = before + f"<p>{text}</p>".encode(encoding)
    made = Archive()
    made.add("response", "http://e/", body, "200 OK", f"Content-Type: {kind}")
    assert text in _read(tmp_path / "a", made.out.getvalue(), asking("html"))[0]["html"]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_an_archive_compressed_as_a_whole_has_a_place_for_each_record(
    pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    plain = pages(300).out.getvalue()
    found = _read(tmp_path / "a", pack(plain))
    alone = _read(tmp_path / "b", plain)
    assert [row["url"] for row in found] == [row["url"] for row in alone]
    assert len({row["position"] for row in found}) == 300


def test_the_text_is_taken_out_only_where_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warc, "main_content", None)
    assert len(_read(tmp_path / "a", pages().out.getvalue(), asking("url", "html"))) == 4


def test_trafilatura_takes_out_the_main_content_too(tmp_path: Path) -> None:
    pytest.importorskip("trafilatura", reason="the extra html is not installed")
    request = asking("text", extractor="trafilatura")
    found = _read(tmp_path / "a", pages(1).out.getvalue(), request)
    assert [row["text"] for row in found] == [f"{PROSE}Page 0."]


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(main_content, "import_module", absent)
    with pytest.raises(DependencyError, match=r"fastwarc .*pip install 'vectormill\[warc\]'"):
        _read(tmp_path / "a", pages(1).out.getvalue())
