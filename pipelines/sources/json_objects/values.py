"""Values of requested paths from lines that hold JSON objects, as columns."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.sources.json_objects.exact import Values, exact_values, heads, names_and_rests
from pipelines.sources.json_objects.scanning import (
    BLANK,
    FINE,
    PADDING,
    REFUSED,
    REPEATED,
    REPLACED,
    SLOW,
    Wanted,
    scan_rows,
)
from pipelines.sources.json_objects.texts import text_array
from pipelines.sources.json_objects.tokens import ARRAY, MISSING, NAN, OBJECT
from pipelines.sources.names import NOTES
from pipelines.sources.streams.lines import Block
from pipelines.sources.values.constants import repeated

_BITS = {
    "repeated_name": REPEATED,
    "replaced_characters": REPLACED,
    "lossy_key": 4,
    "not_finite": 8,
}
_NOTES = pa.array(
    [
        " ".join(name for name in NOTES if _BITS.get(name, 0) & bits) or None
        for bits in range(2 * max(_BITS.values()))
    ],
    pa.string(),
)
_SHOWN = 1000  # characters of a record that is too long


class Lines:
    """The lines of a block, and what is found in them."""

    def __init__(self, block: Block, paths: tuple[str, ...], limit: int) -> None:
        self._block = block
        self._paths = paths
        self._limit = limit
        self._starts, self._ends = block.edges()
        self._marks = np.zeros((2, len(self._starts)), np.uint8)
        self._problems: dict[int, str] = {}
        self._exact: dict[int, Values] = {}

    def batch(self) -> pa.RecordBatch:
        """Return position, the paths, record, problem and notes; blank lines are left out.

        A path may have the name of one of the others: the columns are in this order.
        """
        data = np.frombuffer(self._block.data, np.uint8)
        self._refuse_unreadable()
        rows = np.flatnonzero(self._marks[0] == FINE)
        found = find(data, rows, self._starts, self._ends, self._paths, self._marks)
        containers = ((found[2] == OBJECT) | (found[2] == ARRAY)).any(axis=0)
        self._refuse(np.flatnonzero(containers & (self._marks[0] == FINE)), "scalar_value")
        are_nan = (found[2] == NAN).any(axis=0) & (self._marks[0] == FINE)
        self._marks[1, are_nan] |= _BITS["not_finite"]
        self._read_slowly()
        columns = [
            ("position", pa.array(self._block.positions(self._starts))),
            *((path, self._column(data, found, n)) for n, path in enumerate(self._paths)),
            *self._about(),
        ]
        batch = pa.RecordBatch.from_arrays(
            [array for _, array in columns], names=[name for name, _ in columns]
        )
        is_blank = self._marks[0] == BLANK
        return batch.filter(pa.array(~is_blank)) if is_blank.any() else batch

    def _refuse_unreadable(self) -> None:
        self._refuse(np.flatnonzero(self._ends - self._starts > self._limit), "max_record_bytes")
        if not self._block.is_utf8():
            sound = np.flatnonzero(self._marks[0] == FINE)
            self._refuse([row for row in sound if not _is_utf8(self._line(row))], "valid_utf8")

    def _refuse(self, rows: Any, problem: str) -> None:
        self._marks[0, rows] = REFUSED
        self._problems.update((int(row), problem) for row in rows)

    def _read_slowly(self) -> None:
        for row in np.flatnonzero(self._marks[0] == SLOW).tolist():
            line = self._line(row)
            if not line.strip():
                self._marks[0, row] = BLANK
                continue
            values = self._exact[row] = exact_values(line.decode(), self._paths)
            self._marks[1, row] = sum(_BITS[note] for note in values.notes)
            if values.problem:
                self._problems[row] = values.problem

    def _column(self, data: Any, found: Any, number: int) -> pa.Array:
        array = text_array(data, found[:, number], self._marks)
        return _overlaid(array, {row: v.texts[number] for row, v in self._exact.items()})

    def _about(self) -> list[tuple[str, pa.Array]]:
        nothing = repeated(None, len(self._starts))
        records = {row: self._shown(row) for row in self._problems}
        notes = _NOTES.take(pa.array(self._marks[1])) if self._marks[1].any() else nothing
        return [
            ("record", _overlaid(nothing, records)),
            ("problem", _overlaid(nothing, self._problems)),
            ("notes", notes),
        ]

    def _line(self, row: Any) -> bytes:
        return bytes(self._block.data[self._starts[row] : self._ends[row]])

    def _shown(self, row: int) -> str:
        if self._problems[row] == "max_record_bytes":
            start = self._starts[row]
            return self._block.data[start : start + 4 * _SHOWN].decode("utf-8", "replace")[:_SHOWN]
        return self._line(row).rstrip(b"\r").decode("utf-8", "replace")


def find(data: Any, rows: Any, starts: Any, ends: Any, paths: tuple[str, ...], marks: Any) -> Any:
    """Return where the values of paths are, as `scan_rows` writes it."""
    rests = names_and_rests(paths)
    names = [name.encode() for name in rests]
    edges = np.cumsum([0, *map(len, names)])
    found = np.zeros((3, len(names), marks.shape[1]), np.int32)
    joined = np.frombuffer(b"".join(names) + PADDING, np.uint8)
    scan_rows(data, rows, starts, ends, Wanted(joined, edges, found, marks))
    within = {}
    for number, (name, inner) in enumerate(rests.items()):
        if inner:
            objects = np.flatnonzero((found[2, number] == OBJECT) & (marks[0] == FINE))
            first, last = found[:2, number].astype(np.int64)
            within[name] = inner, find(data, objects, first, last, inner, marks)
    for number, path in enumerate(paths):
        for head, rest in heads(path):
            inner, values = within[head]
            is_open = found[2, number] == MISSING
            found[:, number, is_open] = values[:, inner.index(rest), is_open]
    return found[:, : len(paths)]


def _overlaid(array: pa.Array, values: Mapping[int, str | None]) -> pa.Array:
    """Return an array with the values of some rows replaced."""
    if not values:
        return array
    rows = sorted(values)
    mask = np.zeros(len(array), bool)
    mask[rows] = True
    return pc.replace_with_mask(
        array, pa.array(mask), pa.array([values[row] for row in rows], pa.string())
    )


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
