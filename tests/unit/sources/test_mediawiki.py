"""Dumps of MediaWiki: every page once, the same however a file is cut."""

import bz2
import gzip
from pathlib import Path
from typing import Any

import pytest
from oracles.raw_files import asking, rows, until_broken, whole

from pipelines.sources.formats import mediawiki
from pipelines.sources.streams import dump_parts

ALL = asking("title", "page_id", "namespace", "revision_id", "timestamp", "redirect", "text")
HEADER = (
    b'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="en">\n'
    b"  <siteinfo>\n    <sitename>W</sitename>\n  </siteinfo>\n"
)
FOOTER = b"</mediawiki>\n"


def _page(number: int, text: str = "", redirect: str = "") -> bytes:
    return (
        f"  <page>\n    <title>T {number}</title>\n    <ns>0</ns>\n    <id>{number}</id>\n"
        f"{redirect}"
        f"    <revision>\n      <id>{number + 1000}</id>\n"
        "      <timestamp>2024-05-01T00:00:00Z</timestamp>\n"
        "      <contributor><username>U</username><id>7</id></contributor>\n"
        f'      <text bytes="9" xml:space="preserve">{text}</text>\n'
        "    </revision>\n  </page>\n"
    ).encode()


def _multistream(groups: int = 12, pages: int = 5) -> bytes:
    """Return a dump of several bz2 streams, the texts of which show the marks of cutting."""
    numbers = iter(range(1, groups * pages + 1))
    text = "&lt;page&gt; '''b''' [[a|é]] {} BZh91AY&amp;SY  &lt;/mediawiki&gt; "
    streams = [
        b"".join(_page(n, text.format(n) * (n % 7)) for _, n in zip(range(pages), numbers))  # noqa: B905
        for _ in range(groups)
    ]
    return b"".join(map(bz2.compress, [HEADER, *streams, FOOTER]))


def _read(path: Path, data: bytes, request: Any = ALL) -> list[dict[str, Any]]:
    path.write_bytes(data)
    return rows(mediawiki, mediawiki.split(whole(path), request), request)


PAGES = [
    # page, what differs from the page that has only a text
    (_page(1, "a &amp; ''b'' &lt;ref&gt;"), {"text": "a & ''b'' <ref>"}),
    (_page(2), {"text": ""}),
    (_page(3, redirect='    <redirect title="A &amp; B" />\n'), {"redirect": "A & B", "text": ""}),
    (_page(4).replace(b"<revision>", b"<x>").replace(b"</revision>", b"</x>"), {"text": ""}),
    (_page(5, "zażółć\n\n  x"), {"text": "zażółć\n\n  x"}),
]


@pytest.mark.parametrize(("page", "expected"), PAGES)
def test_a_page_is_a_record(page: bytes, expected: dict[str, Any], tmp_path: Path) -> None:
    (found,) = _read(tmp_path / "d.xml", HEADER + page + FOOTER)
    number = found["position"]
    has_revision = b"<revision>" in page
    revision = {"revision_id": str(number + 1000), "timestamp": "2024-05-01T00:00:00Z"}
    head = {"title": f"T {number}", "page_id": str(number), "namespace": "0"}
    assert found == {"position": number, **head, **(revision if has_revision else {}), **expected}


@pytest.mark.parametrize("part", [1, 500, 2000, 1 << 20])
@pytest.mark.parametrize("step", [64, 1 << 18])
def test_pages_are_the_same_however_a_file_is_cut(
    part: int, step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = _multistream()
    alone = _read(tmp_path / "a.xml", bz2.decompress(data))
    monkeypatch.setattr(mediawiki, "PART_BYTES", part)
    monkeypatch.setattr(dump_parts, "_READ_BYTES", step)
    plain = bz2.decompress(data)
    for name, held in [("b", data), ("c", plain), ("d", gzip.compress(plain))]:
        assert _read(tmp_path / name, held) == alone
    assert [row["position"] for row in alone] == list(range(1, 61))
    # 13: the header, and each stream of pages; the footer begins with no page
    cut = mediawiki.split(whole(tmp_path / "b"), ALL)
    assert {1: 13, 1 << 20: 1}.get(part, len(cut)) == len(cut)


def test_the_beginning_of_a_stream_inside_another_is_not_a_place_to_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = list(dump_parts._STREAM.finditer(_multistream()))
    offsets = [match.start() for match in real]

    def everywhere(file: Any, pattern: Any, start: int) -> Any:
        return (n for n in sorted([*offsets, *range(7, 9999, 40)]) if n >= start)

    monkeypatch.setattr(mediawiki, "PART_BYTES", 200)
    monkeypatch.setattr(dump_parts, "_FAILURES", 1000)
    path = tmp_path / "d"
    path.write_bytes(_multistream())
    monkeypatch.setattr(dump_parts, "_matches", everywhere)
    starts = {split.start for split in mediawiki.split(whole(path), ALL)}
    assert starts <= {0, *offsets}
    assert len(starts) > 3


def test_streams_that_begin_inside_pages_are_read_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = bz2.decompress(_multistream())
    data = b"".join(bz2.compress(plain[n : n + 999]) for n in range(0, len(plain), 999))
    monkeypatch.setattr(mediawiki, "PART_BYTES", 100)
    assert len(_read(tmp_path / "d", data)) == 60
    assert len(mediawiki.split(whole(tmp_path / "d"), ALL)) == 1


@pytest.mark.parametrize("pack", [bytes, bz2.compress, gzip.compress])
def test_a_file_that_breaks_off_gives_its_sound_pages_and_an_error(
    pack: Any, tmp_path: Path
) -> None:
    data = pack(HEADER + b"".join(_page(n, "text") for n in range(1, 5)) + FOOTER)
    path = tmp_path / "d"
    complete = _read(path, data)
    counts = set()
    for size in range(1, len(data) - 8, 10):
        path.write_bytes(data[:size])
        found, is_broken = until_broken(mediawiki, path, ALL)
        assert is_broken
        assert found == complete[: len(found)]
        counts.add(len(found))
    if pack is bytes:
        assert counts == {0, 1, 2, 3, 4}


def test_a_multistream_file_that_breaks_off_does_so_in_its_last_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, path = _multistream(4), tmp_path / "d"
    complete = _read(path, data)
    monkeypatch.setattr(mediawiki, "PART_BYTES", 300)
    for size in range(20, len(data) - 60, 10):  # up to the footer's stream
        path.write_bytes(data[:size])
        *parts, last = mediawiki.split(whole(path), ALL)
        found = rows(mediawiki, parts, ALL)
        assert found == complete[: len(found)]
        with pytest.raises((EOFError, OSError)):
            rows(mediawiki, [last], ALL)


BROKEN = {
    "no XML": b"a,b\n1,2\n",
    "crossed tags": HEADER + b"<page><title></page></title>" + FOOTER,
    "an entity of nowhere": HEADER + _page(1, "&nbsp;") + FOOTER,
    "an entity of another file": (
        b'<!DOCTYPE m [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + HEADER + _page(1, "&x;")
    ),
    "entities of entities": (
        b'<!DOCTYPE m [<!ENTITY a0 "aaaaaaaaaa">'
        + b"".join(b'<!ENTITY a%d "%s">' % (n + 1, b"&a%d;" % n * 10) for n in range(12))
        + b"]>" + HEADER + _page(1, "&a12;") + FOOTER
    ),
    "not its encoding": HEADER + _page(1).replace(b"T 1", b"T \xff") + FOOTER,
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_a_file_of_broken_xml_is_an_error(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "d"
    path.write_bytes(BROKEN[kind])
    assert until_broken(mediawiki, path, ALL) == ([], True)


def test_pages_that_are_none_are_refused(tmp_path: Path) -> None:
    odd = _page(1).replace(b"<id>1</id>", b"<id>one</id>")
    data = HEADER + odd + _page(2, "x" * 5000) + _page(3) + FOOTER
    found = _read(tmp_path / "d", data, asking("title", max_record_bytes=3000))
    assert found == [
        {"position": -1, "problem": "valid_record", "record": "T 1"},
        {"position": 2, "problem": "max_record_bytes", "record": "T 2"},
        {"position": 3, "title": "T 3"},
    ]


def test_memory_is_that_of_a_page(tmp_path: Path) -> None:
    import tracemalloc

    page = _page(1, "x" * 20_000)
    path = tmp_path / "d"
    path.write_bytes(HEADER + page * 2000 + FOOTER)
    tracemalloc.start()
    count = sum(batch.num_rows for batch in mediawiki.read(whole(path), asking("title")))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 2000
    assert peak < 20 << 20
