"""HTML files: each one record."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from oracles.raw_files import asking, rows, until_broken, whole

from pipelines.errors import DependencyError
from pipelines.sources.formats import html_pages, main_content

pytest.importorskip("resiliparse", reason="the extra html is not installed")

ALL = asking("title", "text", "html")
PROSE = "Zażółć gęślą jaźń, a potem długo nic i jeszcze raz od początku, aż do końca. " * 4
PAGE = (
    "<html><head>{}<title> Ó &amp; B </title></head><body><nav><a href=/>Home</a></nav>"
    f"<main><article><p>{PROSE}</p></article></main></body></html>"
)


def _read(path: Path, data: bytes, request: Any = ALL) -> list[dict[str, Any]]:
    path.write_bytes(data)
    return rows(html_pages, html_pages.split(whole(path), request), request)


ENCODINGS = [
    # meta, encoding, setting
    ("", "utf-8", None),
    ("", "utf-8-sig", None),
    ("", "utf-16", None),
    ("<meta charset=iso-8859-2>", "iso-8859-2", None),
    ('<meta http-equiv=content-type content="text/html; charset=windows-1250">', "cp1250", None),
    ("", "cp1250", None),
    ("<meta charset=utf-8>", "cp1250", "cp1250"),
]


@pytest.mark.parametrize(("meta", "encoding", "setting"), ENCODINGS)
@pytest.mark.parametrize("extractor", ["resiliparse", "trafilatura"])
def test_a_file_is_a_record(
    extractor: str, meta: str, encoding: str, setting: str | None, tmp_path: Path
) -> None:
    pytest.importorskip(extractor, reason="the extra html is not installed")
    request = asking("title", "text", "html", extractor=extractor, encoding=setting)
    page = PAGE.format(meta)
    expected = {"position": 0, "title": "Ó & B", "text": PROSE.strip(), "html": page}
    assert _read(tmp_path / "a.html", page.encode(encoding), request) == [expected]


@pytest.mark.parametrize("page", ["", "<p>", "a < b", "\0", "<title></title>", "<" * 5000])
@pytest.mark.parametrize("extractor", ["resiliparse", "trafilatura"])
def test_a_page_of_little_is_a_record_too(page: str, extractor: str, tmp_path: Path) -> None:
    pytest.importorskip(extractor, reason="the extra html is not installed")
    request = asking("title", "text", extractor=extractor)
    (found,) = _read(tmp_path / "a.html", page.encode(), request)
    assert "title" not in found
    assert "problem" not in found


def test_a_long_page_is_refused(tmp_path: Path) -> None:
    (found,) = _read(tmp_path / "a.html", b"x" * 5000, asking("text", max_record_bytes=2000))
    assert found["problem"] == "max_record_bytes"


def test_a_file_that_breaks_off_is_an_error(tmp_path: Path) -> None:
    data = gzip.compress(PAGE.encode())
    for size in range(4, len(data), 10):
        (tmp_path / "a").write_bytes(data[:size])
        assert until_broken(html_pages, tmp_path / "a", ALL) == ([], True)


@pytest.mark.parametrize("extractor", ["resiliparse", "trafilatura"])
def test_a_missing_extra_is_named(
    extractor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = main_content.import_module

    def absent(name: str) -> Any:
        if name.startswith(extractor):
            raise ImportError(name)
        return real(name)

    monkeypatch.setattr(main_content, "import_module", absent)
    with pytest.raises(DependencyError, match=rf"{extractor} .*pip install 'vectormill\[html\]'"):
        _read(tmp_path / "a", PAGE.encode(), asking("text", extractor=extractor))
