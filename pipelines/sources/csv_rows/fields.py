# mypy: ignore-errors
"""Arrow columns of the fields that a scan of CSV found."""

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from pipelines.kernels.compiling import inner
from pipelines.kernels.marks import PADDING, copy_bytes, find_byte
from pipelines.sources.csv_rows.records import ESCAPE, ESCAPED, NONE, PLAIN, QUOTE, Found, Rules
from pipelines.sources.streams.pieces import gathered


class Nulls(NamedTuple):
    """Texts of unquoted fields that mean no value, one behind the other, and where each ends."""

    texts: Any
    ends: Any


def nulls_of(values: list[str]) -> Nulls:
    """Return texts as a kernel compares them."""
    texts = [value.encode() for value in values]
    ends = np.cumsum([0, *map(len, texts)]).astype(np.int64)
    return Nulls(np.frombuffer(b"".join(texts) + bytes(1), np.uint8), ends)


def column(data: Any, found: Found, slot: int, rows: int, rules: Rules, nulls: Nulls) -> pa.Array:
    """Return one wanted column of the records that were found.

    Grain: one value per record, verbatim; null where an unquoted field is a null value.
    """
    fields = found.starts[slot, :rows], found.ends[slot, :rows], found.kinds[slot, :rows]
    return _texts(data, *fields, rules, nulls)


def raw_records(data: Any, bounds: Any) -> pa.Array:
    """Return the raw text of records, with replacement characters for what is no UTF-8."""
    texts = gathered(data, bounds[:, 0], bounds[:, 1])
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        found = texts.cast(pa.binary()).to_pylist()
        return pa.array([text.decode("utf-8", "replace") for text in found], pa.string())
    return texts


def _texts(data: Any, starts: Any, ends: Any, kinds: Any, rules: Rules, nulls: Nulls) -> pa.Array:
    rows = len(starts)
    size = int(ends.sum(dtype=np.int64) - starts.sum(dtype=np.int64))
    texts = pa.allocate_buffer(size + PADDING)
    offsets = np.empty(rows + 1, np.int32)
    valid = np.empty(rows, np.bool_)
    out = np.frombuffer(texts, np.uint8)
    how = tuple(rules), tuple(nulls)
    missing = _gather(data, starts, ends, kinds, *how, offsets, valid, out)
    bits = pa.py_buffer(np.packbits(valid, bitorder="little")) if missing else None
    buffers = [bits, pa.py_buffer(offsets), texts.slice(0, int(offsets[rows]))]
    return pa.Array.from_buffers(pa.string(), rows, buffers, null_count=missing)


@inner
def _gather(data, starts, ends, kinds, rules, nulls, offsets, valid, out):
    """Copy the fields of one column one behind the other; return how many are null."""
    to, missing = 0, 0
    offsets[0] = 0
    for row in range(len(starts)):
        start, end = starts[row], ends[row]
        valid[row] = True
        if kinds[row] == ESCAPED:
            to = _unescape(data, start, end, rules, out, to)
        elif kinds[row] == PLAIN and _is_null(data, start, end, nulls):
            valid[row] = False
            missing += 1
        else:
            copy_bytes(out, to, data, start, end - start)
            to += end - start
        offsets[row + 1] = to
    return missing


@inner
def _is_null(data, start, end, nulls):
    """Tell whether a field is one of the null values."""
    for value in range(len(nulls[1]) - 1):
        first, length = nulls[1][value], nulls[1][value + 1] - nulls[1][value]
        if length == end - start:
            same = 0
            while same < length and data[start + same] == nulls[0][first + same]:
                same += 1
            if same == length:
                return True
    return False


@inner
def _unescape(data, start, end, rules, out, to):
    """Copy a quoted field without what escapes its quotes; return where it ends."""
    escape = rules[QUOTE] if rules[ESCAPE] == NONE else rules[ESCAPE]
    at = start
    while at < end:
        place = find_byte(data, at, end, np.uint8(escape))
        copy_bytes(out, to, data, at, place - at)
        to += place - at
        at = place + 1
        if place < end:
            out[to] = escape
            if at < end and (data[at] == rules[QUOTE] or data[at] == escape):
                out[to] = data[at]
                at += 1
            to += 1
    return to


def invalid_records(data: Any, bounds: Any) -> list[int]:
    """Return the sound records that are no UTF-8, found by halves."""
    if not len(bounds) or _is_utf8(data[bounds[0, 0] : bounds[-1, 1]]):
        return []
    if len(bounds) == 1:
        return [0]
    half = len(bounds) // 2
    later = invalid_records(data, bounds[half:])
    return invalid_records(data, bounds[:half]) + [half + row for row in later]


def _is_utf8(data: Any) -> bool:
    offsets = pa.py_buffer(np.array([0, len(data)], np.int32))
    text = pa.Array.from_buffers(pa.binary(), 1, [None, offsets, pa.py_buffer(data)])
    try:
        text.cast(pa.string())
    except pa.ArrowInvalid:
        return False
    return True
