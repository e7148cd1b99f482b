"""WARC and WET files: each document of a web archive is a record.

Documents are the `conversion` records of WET files (their payload as it is), and the `response`
records whose content is HTML (its main content by `extractor`) or other text (as it is).
Requests, metadata, warcinfo, revisits and responses of other types give no row. The columns are

- `url`, `date`, `type`, `content_type`, `language`: what the headers say, the language only where
  they name one, as WET files do; `status`: the HTTP status of a response;
- `text`: the document; only taken out of the page where the job asks for it;
- `html`: the page's source where the content is HTML; null in WET files.

The position is the record's byte offset in the file: in a plain file that of its first byte, in a
gzip file that of its member (plus the number of records before it in the same member); with other
compressions, the offset in the decompressed file. Digests are not checked. A damaged record is one
row with a problem, and reading goes on at the next. Files are not cut: archives come in many.
Needs the extra `warc`.
"""

import io
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from pipelines.sources.formats import gathering
from pipelines.sources.formats.gathering import Row
from pipelines.sources.formats.main_content import decoded, main_content, need
from pipelines.sources.formats.warc_records import (
    Frame,
    Source,
    frames,
    gzip_pieces,
    plain_pieces,
    type_of,
)
from pipelines.sources.request import Request
from pipelines.sources.split import Split
from pipelines.sources.streams.opening import compression_of, open_bytes
from pipelines.storage.task_files.arrow import resolve

ENDINGS = (".warc", ".wet")
_EXTRA = "warc"
_HTML = ("text/html", "application/xhtml+xml")
_TEXT = ("application/json", "application/xml", "application/rss+xml", "application/atom+xml")
_TYPES = dict.fromkeys(
    ("url", "date", "type", "content_type", "status", "language", "text", "html"), pa.string()
) | {"status": pa.int32()}


def split(split: Split, request: Request) -> list[Split]:  # noqa: ARG001
    """Return the file as it is."""
    return [split]


def columns(split: Split, request: Request) -> list[str]:  # noqa: ARG001
    """Return the columns that every archive has."""
    return list(_TYPES)


def read(split: Split, request: Request) -> Iterator[pa.RecordBatch]:
    """Return the documents of an archive.

    Raises:
        DependencyError: The extra is not installed.
        EOFError: The file breaks off; what is sound was returned.
        OSError: Its compression is damaged.
    """
    parse = need("fastwarc.warc", _EXTRA).WarcRecord.from_reader
    return gathering.batches(_rows(split, request, parse), request.paths, _TYPES)


def _rows(split: Split, request: Request, parse: Any) -> Iterator[Row]:
    filesystem, path = resolve(split.uri)
    with filesystem.open_input_file(path) as file:
        is_gzip = compression_of(file.read(16)) == "gzip"
    with filesystem.open_input_file(path) if is_gzip else open_bytes(split) as stream:
        source = Source(gzip_pieces(stream) if is_gzip else plain_pieces(stream))
        for frame in frames(source, longest=request.settings.max_record_bytes):
            row = _row(frame, request, parse)
            if row is not None:
                yield row


def _row(frame: Frame, request: Request, parse: Any) -> Row | None:
    if frame.problem is not None:
        return _refused(frame, frame.problem)
    kind = type_of(frame.header)
    if kind is None:
        return _refused(frame, "valid_record")
    if kind not in ("conversion", "response"):
        return None
    try:
        held = frame.header + frame.body if kind == "response" else frame.header
        record = parse(io.BytesIO(held))
        if record.is_http:
            record.parse_http(auto_decode="all")
    except (OSError, ValueError):
        return _refused(frame, "valid_record")
    content_type = _content_type(record)
    if not _is_text(content_type):
        return None
    values = {
        "url": record.headers.get("WARC-Target-URI"),
        "date": record.headers.get("WARC-Date"),
        "type": kind,
        "content_type": content_type,
        "status": record.http_headers.status_code if record.is_http else None,
        "language": record.headers.get("WARC-Identified-Content-Language"),
    }
    return _with_text(frame, record, values, request)


def _with_text(frame: Frame, record: Any, values: dict[str, Any], request: Request) -> Row:
    """Return a row with what the job asks of the content."""
    if not {"text", "html"} & set(request.paths):
        return Row(frame.position, values)
    if values["type"] == "conversion":
        return _converted(frame, values)
    longest = request.settings.max_record_bytes
    try:
        content = _content(record, len(frame.body), longest)
    except (OSError, ValueError):  # chunks or compression of the page are damaged
        return _refused(frame, "valid_record")
    if len(content) > longest:
        return _refused(frame, "max_record_bytes")
    is_html = values["content_type"] in _HTML
    text = decoded(content, record.http_charset, _EXTRA, is_html=is_html)
    if is_html:
        values["html"] = text
        text = main_content(text, request.settings, _EXTRA) if "text" in request.paths else ""
    return Row(frame.position, values | {"text": text}, len(text) + len(values.get("html", "")))


def _content(record: Any, size: int, longest: int) -> bytes:
    """Return a response's content; it is longer than its record where that was compressed."""
    content: bytes = record.reader.read(size + 1)
    if len(content) > size:
        content += record.reader.read(longest)
    return content


def _converted(frame: Frame, values: dict[str, Any]) -> Row:
    try:
        return Row(frame.position, values | {"text": frame.body.decode("utf-8")}, len(frame.body))
    except UnicodeDecodeError:
        return _refused(frame, "valid_utf8")


def _content_type(record: Any) -> str | None:
    """Return the type of a record's content in small letters, without parameters."""
    named = record.http_content_type if record.is_http else record.headers.get("Content-Type")
    return named.partition(";")[0].strip().lower() if named else None


def _is_text(content_type: str | None) -> bool:
    return content_type is not None and (
        content_type.startswith("text/") or content_type in (*_HTML, *_TEXT)
    )


def _refused(frame: Frame, problem: str) -> Row:
    return Row(frame.position, problem=problem, record=gathering.text_of(frame.header))
