"""HTML files: each is one record of its title, its main content and its source.

The columns are `title`, `text` (the main content by `extractor`) and `html`; the position is 0.
Files are read whole, those above `max_record_bytes` are refused. Needs the extra `html`.
"""

from collections.abc import Iterator

import pyarrow as pa

from pipelines.sources.formats import gathering
from pipelines.sources.formats.gathering import Row
from pipelines.sources.formats.main_content import decoded, main_content, title_of
from pipelines.sources.request import Request
from pipelines.sources.split import Split
from pipelines.sources.streams.opening import open_bytes

ENDINGS = (".html", ".htm")
_EXTRA = "html"
_TYPES = {"title": pa.string(), "text": pa.string(), "html": pa.string()}


def split(split: Split, request: Request) -> list[Split]:  # noqa: ARG001
    """Return the file as it is: one record cannot be cut."""
    return [split]


def columns(split: Split, request: Request) -> list[str]:  # noqa: ARG001
    """Return the columns that every file has."""
    return list(_TYPES)


def read(split: Split, request: Request) -> Iterator[pa.RecordBatch]:
    """Return the file's one record.

    Raises:
        DependencyError: The extra is not installed.
        OSError: The file breaks off.
    """
    return gathering.batches(_rows(split, request), request.paths, _TYPES)


def _rows(split: Split, request: Request) -> Iterator[Row]:
    longest = request.settings.max_record_bytes
    with open_bytes(split) as stream:
        data = stream.read(longest + 1)
    if len(data) > longest:
        yield Row(0, problem="max_record_bytes", record=gathering.text_of(data[:1000]))
        return
    html = decoded(data, request.settings.encoding, _EXTRA)
    values: dict[str, str | None] = {"html": html}
    if "title" in request.paths:
        values["title"] = title_of(html, _EXTRA)
    if "text" in request.paths:
        values["text"] = main_content(html, request.settings, _EXTRA)
    yield Row(0, values)
