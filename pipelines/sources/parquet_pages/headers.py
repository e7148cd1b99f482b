"""Headers of Parquet's pages, which are structs in Thrift's compact protocol.

Fields are those of `PageHeader` in Parquet's `parquet.thrift`.
"""

from dataclasses import dataclass
from typing import Any

DATA, _INDEX, DICTIONARY, DATA_V2 = range(4)
"""Types of pages."""

PLAIN, PLAIN_DICTIONARY, RLE, RLE_DICTIONARY = 0, 2, 3, 8
"""Encodings."""

MOST_BYTES = 128 << 20
"""Of a page, and of a column of a row group; pyarrow reads larger ones in pieces."""

_TRUE, _FALSE, _BINARY, _STRUCT = 1, 2, 8, 12
_INTEGERS = (4, 5, 6)
_DEEPEST = 8


class UnknownPageError(ValueError):
    """A page that is not decoded here, or is damaged."""


@dataclass(frozen=True)
class Page:
    """What a header says of its page.

    Args:
        start: Where the page's bytes begin, in the bytes that the header is in.
        size: How many they are, as stored.
        whole_size: How many they are when decompressed.
        type: `DATA`, `DICTIONARY` or `DATA_V2`.
        count: Values, with those that are null.
        encoding: How values are written.
        level_encoding: How it is written in a `DATA` page which values are null.
        level_size: How many bytes that has in a `DATA_V2` page.
        is_compressed: Whether a `DATA_V2` page has its values compressed.
    """

    start: int
    size: int
    whole_size: int
    type: int
    count: int
    encoding: int
    level_encoding: int = RLE
    level_size: int = 0
    is_compressed: bool = True


def page_at(data: bytes, at: int) -> Page:
    """Read the header of the page that begins at a place.

    Raises:
        UnknownPageError: The bytes are no header of a page.
    """
    try:
        fields, at = _struct(data, at, 0)
        page = _page(fields, at)
        smallest = min(page.size, page.whole_size)
        is_sound = min(page.count, page.level_size) >= 0 and page.level_size <= smallest
        is_whole = at + page.size <= len(data)
    except (LookupError, TypeError, AttributeError) as error:
        raise UnknownPageError("no header of a page") from error
    if not (is_sound and is_whole) or page.whole_size > MOST_BYTES:
        raise UnknownPageError("a page goes beyond its column, or is very large")
    return page


def _page(fields: dict[int, Any], at: int) -> Page:
    place = at, fields[3], fields[2], fields[1]
    if fields[1] == DATA:
        about = fields[5]
        return Page(*place, about[1], about[2], level_encoding=about[3])
    if fields[1] == DICTIONARY:
        return Page(*place, fields[7][1], fields[7][2])
    about = fields[8]
    if about[6]:
        raise UnknownPageError("a page of a nested column")
    is_compressed = about.get(7, True)
    return Page(*place, about[1], about[4], level_size=about[5], is_compressed=is_compressed)


def _struct(data: bytes, at: int, depth: int) -> tuple[dict[int, Any], int]:
    """Return a struct's fields by their numbers, and the place after it."""
    fields: dict[int, Any] = {}
    number = 0
    while data[at]:
        kind, step = data[at] & 15, data[at] >> 4
        at += 1
        if step:
            number += step
        else:
            number, at = _integer(data, at)
        fields[number], at = _value(data, at, kind, depth)
    return fields, at + 1


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind in (_TRUE, _FALSE):
        return kind == _TRUE, at
    if kind in _INTEGERS:
        return _integer(data, at)
    if kind == _BINARY:  # of statistics, which nobody asks for
        size, at = _varint(data, at)
        return None, at + size
    if kind == _STRUCT and depth < _DEEPEST:
        return _struct(data, at, depth + 1)
    raise UnknownPageError("a header has fields of other types")


def _integer(data: bytes, at: int) -> tuple[int, int]:
    number, at = _varint(data, at)
    return (number >> 1) ^ -(number & 1), at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while data[at] & 0x80:
        number |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
    return number | data[at] << shift, at + 1
