"""Dumps of MediaWiki, as `pages-articles.xml.bz2`: each page is a record.

The columns are `title`, `page_id`, `namespace`, `revision_id`, `timestamp`, `redirect` (title of
the page that it leads to) and `text`: the wikitext as it is, empty where a page has none. Of a page
with its history the last revision counts. The position is the page's id: it is the same however
a file is cut; a page without a number as its id is refused, at position -1.

Plain and bz2 files are cut at the beginnings of pages: of bz2, where its streams begin with one, as
in the multistream dumps; other compressed files are read whole. Memory is that of one page.
Entities of the file itself are bounded by Expat, and none is fetched from elsewhere.
"""

from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree as ET

import pyarrow as pa

from pipelines.sources.formats import gathering
from pipelines.sources.formats.gathering import Row
from pipelines.sources.request import Request
from pipelines.sources.split import Split
from pipelines.sources.streams.dump_parts import PART_BYTES, beginnings, part_pieces

ENDINGS = (".xml",)
_TYPES = dict.fromkeys(
    ("title", "page_id", "namespace", "revision_id", "timestamp", "redirect", "text"), pa.string()
)


def split(split: Split, request: Request) -> list[Split]:  # noqa: ARG001
    """Cut a dump to parts of about 16 MB, each of whole pages."""
    edges: list[int | None] = [0, *beginnings(split, PART_BYTES), None]
    return [
        Split(split.uri, split.relative, split.size, start or 0, end, split.partitions)
        for start, end in pairwise(edges)
    ]


def columns(split: Split, request: Request) -> list[str]:  # noqa: ARG001
    """Return the columns that every dump has."""
    return list(_TYPES)


def read(split: Split, request: Request) -> Iterator[pa.RecordBatch]:
    """Return the pages of a part.

    Raises:
        EOFError: The file breaks off; what is sound was returned.
        OSError: Its compression or its XML is damaged.
    """
    return gathering.batches(_rows(split, request), request.paths, _TYPES)


def _rows(split: Split, request: Request) -> Iterator[Row]:
    longest = request.settings.max_record_bytes
    for page in _pages(_pieces(split), longest):
        yield _row(page, longest)


def _pieces(split: Split) -> Iterator[bytes]:
    """Return a part as a whole document: what begins or ends with a page gets a root element."""
    if split.start > 0:
        yield b"<mediawiki>"
    yield from part_pieces(split)
    if split.end is not None:
        yield b"</mediawiki>"


def _pages(pieces: Iterator[bytes], longest: int) -> Iterator[ET.Element]:
    """Parse pages as their bytes come; each is forgotten after its turn.

    Args:
        pieces: The document.
        longest: How far a page may reach before it is an error.
    """
    parser: Any = ET.XMLPullParser(("start", "end"))
    root: ET.Element | None = None
    since = 0
    with closing(pieces):  # type: ignore[type-var]
        for piece in pieces:
            parser.feed(piece)
            since += len(piece)
            for event, element in _events(parser):
                root = element if root is None else root
                if event == "end" and _name(element) == "page":
                    yield element
                    root.clear()
                    since = 0
            if since > 2 * longest:
                raise OSError(f"no page ends within {since} bytes: this is no dump of pages")
    _close(parser)


def _events(parser: Any) -> Iterator[tuple[str, ET.Element]]:
    """Return what was parsed so far; an error comes behind what is before it."""
    try:
        yield from parser.read_events()
    except ET.ParseError as error:
        raise OSError(f"not well-formed XML: {error}") from error


def _close(parser: Any) -> None:
    try:
        parser.close()
    except ET.ParseError as error:
        raise EOFError(f"the file ends inside its XML: {error}") from error


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _row(page: ET.Element, longest: int) -> Row:
    parts = {_name(element): element for element in page}
    revision = {_name(e): e for e in parts.get("revision", ())}
    values = {
        "title": _text(parts, "title"),
        "page_id": _text(parts, "id"),
        "namespace": _text(parts, "ns"),
        "redirect": parts["redirect"].get("title") if "redirect" in parts else None,
        "revision_id": _text(revision, "id"),
        "timestamp": _text(revision, "timestamp"),
        "text": _text(revision, "text") or "",
    }
    number = values["page_id"] or ""
    if not (number.isascii() and number.isdigit() and len(number) < 19):  # noqa: PLR2004
        return Row(-1, problem="valid_record", record=values["title"])
    if len((values["text"] or "").encode()) > longest:
        return Row(int(number), problem="max_record_bytes", record=values["title"])
    return Row(int(number), values, len(values["text"] or ""))


def _text(parts: dict[str, ET.Element], name: str) -> str | None:
    return parts[name].text if name in parts else None
