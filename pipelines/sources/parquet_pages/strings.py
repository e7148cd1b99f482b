"""Columns of strings of a Parquet file's row groups, decoded by kernels of our own.

pyarrow appends string after string; here the bytes of words are copied many at a time. What is not
of the usual form (other encodings, nested columns, damaged pages) is left to pyarrow.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.kernels.marks import PADDING
from pipelines.sources.parquet_pages.headers import (
    DATA,
    DICTIONARY,
    MOST_BYTES,
    PLAIN,
    PLAIN_DICTIONARY,
    RLE,
    RLE_DICTIONARY,
    Page,
    UnknownPageError,
    page_at,
)
from pipelines.sources.parquet_pages.kernels import (
    copy_words,
    find_words,
    total_size,
    unpack,
)

_CODECS = ("UNCOMPRESSED", "SNAPPY", "ZSTD", "GZIP")
_ENCODINGS = {"PLAIN", "RLE", "BIT_PACKED", "RLE_DICTIONARY", "PLAIN_DICTIONARY"}
_ALL = np.empty(0, np.uint8)  # no row lacks a value

Words = tuple[Any, Any, Any]
"""Bytes, and where each word begins and how long it is."""


def plain_strings(file: pq.ParquetFile, wanted: Iterable[str], groups: Sequence[int]) -> list[str]:
    """Return the columns that `read_strings` reads of these row groups."""
    leaves = [file.schema.column(number) for number in range(len(file.schema))]
    paths = [leaf.path for leaf in leaves]
    return [
        name
        for name in wanted
        if paths.count(name) == 1
        and file.schema_arrow.field(name).type == pa.string()
        and leaves[paths.index(name)].max_repetition_level == 0
        and leaves[paths.index(name)].max_definition_level <= 1
        and all(_is_usual(file.metadata.row_group(n).column(paths.index(name))) for n in groups)
    ]


def _is_usual(chunk: pq.ColumnChunkMetaData) -> bool:
    return (
        chunk.physical_type == "BYTE_ARRAY"
        and chunk.compression in _CODECS
        and set(chunk.encodings) <= _ENCODINGS
        and chunk.total_uncompressed_size <= MOST_BYTES
    )


def read_strings(file: pq.ParquetFile, stream: pa.NativeFile, name: str, group: int) -> pa.Array:
    """Read a column of a row group as strings.

    Args:
        file: The file.
        stream: Its bytes.
        name: One of `plain_strings`.
        group: Number of the row group.

    Raises:
        UnknownPageError: A page is of another form, or damaged.
    """
    rows = file.metadata.row_group(group).num_rows
    numbers = [n for n in range(len(file.schema)) if file.schema.column(n).path == name]
    is_optional = file.schema.column(numbers[0]).max_definition_level == 1
    chunk = file.metadata.row_group(group).column(numbers[0])
    pages = list(_pages(_bytes_of(stream, chunk), chunk, rows, is_optional=is_optional))
    sizes = [total_size(words[2], chosen) for words, chosen, _, _ in pages]
    if min(sizes, default=0) < 0 or sum(sizes) > MOST_BYTES:
        raise UnknownPageError("a page names words that it has not, or very many")
    buffers = pa.allocate_buffer(4 * (rows + 1)), pa.allocate_buffer(sum(sizes) + PADDING)
    offsets, text = np.frombuffer(buffers[0], np.int32), np.frombuffer(buffers[1], np.uint8)
    row = place = 0
    for words, chosen, is_there, count in pages:
        place = copy_words((*words, chosen), is_there, offsets[row : row + count], text, place)
        row += count
    offsets[rows] = place
    return pa.StringArray.from_buffers(rows, *buffers, _validity(pages))


def _validity(pages: Sequence[tuple[Words, Any, Any, int]]) -> pa.Buffer | None:
    if all(is_there is _ALL for _, _, is_there, _ in pages):
        return None
    there = [np.ones(count, np.uint8) if some is _ALL else some for _, _, some, count in pages]
    return pa.py_buffer(np.packbits(np.concatenate(there), bitorder="little"))


def _bytes_of(stream: pa.NativeFile, chunk: pq.ColumnChunkMetaData) -> bytes:
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    return bytes(stream.read_at(chunk.total_compressed_size, start))


def _pages(
    data: bytes, chunk: pq.ColumnChunkMetaData, rows: int, *, is_optional: bool
) -> Iterator[tuple[Words, Any, Any, int]]:
    """Yield of each page its words, those that its rows have, which rows have one, and rows."""
    at = found = 0
    dictionary: Words | None = None
    while found < rows:
        page = page_at(data, at)
        at = page.start + page.size
        if page.count > rows - found:
            raise UnknownPageError("pages have more rows than their row group")
        if page.type == DICTIONARY:
            content = _content(data, page, chunk.compression, 0)
            dictionary = _words(content, 0, page.count)
            continue
        is_there, content, place = _levels(data, page, chunk.compression, is_optional)
        number = page.count if is_there is _ALL else int(is_there.sum())
        found += page.count
        yield (*_chosen(content, place, page, dictionary, number), is_there, page.count)


def _levels(data: bytes, page: Page, codec: str, is_optional: bool) -> tuple[Any, Any, int]:
    """Return which rows have a value, the page's content, and where its values begin."""
    if page.type == DATA:
        content = _content(data, page, codec, 0)
        if not is_optional:
            return _ALL, content, 0
        size = int.from_bytes(content[:4].tobytes(), "little")
        first, last = 4, 4 + size
        if page.level_encoding != RLE or last > len(content) - PADDING:
            raise UnknownPageError("levels of another encoding")
    else:
        first, last = 0, page.level_size
        content = _content(data, page, codec if page.is_compressed else "UNCOMPRESSED", last)
    if not is_optional:
        return _ALL, content, last
    is_there = np.empty(page.count, np.uint8)
    if not unpack(content, first, last, 1, is_there):
        raise UnknownPageError("broken levels")
    return _ALL if is_there.all() else is_there, content, last


def _content(data: bytes, page: Page, codec: str, plain: int) -> Any:
    """Return a page's bytes with `PADDING`; so many at its beginning are never compressed."""
    size = max(0, page.whole_size - plain)
    stored = memoryview(data)[page.start + plain : page.start + page.size if size else 0]
    if codec != "UNCOMPRESSED" and size:
        try:
            stored = pa.Codec(codec.lower()).decompress(stored, size)
        except (OSError, ValueError) as error:
            raise UnknownPageError(f"broken compression: {error}") from error
    content = np.empty(page.whole_size + PADDING, np.uint8)
    content[:plain] = np.frombuffer(data, np.uint8, plain, page.start)
    if len(stored) != size:
        raise UnknownPageError("a page of another size")
    content[plain : page.whole_size] = np.frombuffer(stored, np.uint8)
    return content


def _words(content: Any, at: int, count: int) -> Words:
    starts, sizes = np.empty(count, np.int32), np.empty(count, np.int32)
    if not find_words(content, at, len(content) - PADDING, starts, sizes):
        raise UnknownPageError("words beyond their page")
    return content, starts, sizes


def _chosen(
    content: Any, at: int, page: Page, dictionary: Words | None, count: int
) -> tuple[Words, Any]:
    """Return the words of a page, and which of them its rows have."""
    if page.encoding == PLAIN:
        return _words(content, at, count), np.arange(count, dtype=np.int32)
    if page.encoding not in (RLE_DICTIONARY, PLAIN_DICTIONARY) or dictionary is None:
        raise UnknownPageError("values of another encoding")
    chosen, end = np.empty(count, np.int32), len(content) - PADDING
    if count and (at >= end or not unpack(content, at + 1, end, int(content[at]), chosen)):
        raise UnknownPageError("broken numbers of words")
    return dictionary, chosen
