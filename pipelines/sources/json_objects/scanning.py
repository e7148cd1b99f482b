# mypy: disable-error-code="no-any-return"
"""Compiled walk over JSON objects: checks each strictly and notes where the wanted values are.

What is odd (escapes in names, numbers that need thought, anything that is not JSON) is left to
`json_exact`, which decides.
"""

from typing import Any, NamedTuple

from pipelines.kernels.compiling import inner
from pipelines.kernels.text_bytes import COUNT, byte_at
from pipelines.sources.json_objects.tokens import (
    CLOSE,
    COMMA,
    MISSING,
    ODD,
    OPEN,
    QUOTE,
    after_blanks,
    after_colon,
    string_end,
    value_end,
)

FINE, BLANK, SLOW, REFUSED = range(4)
"""States of rows: found, nothing there, left to `json_exact`, not looked at."""

REPEATED, REPLACED = 1, 2
"""Bits of notes."""

PADDING = bytes(COUNT)
"""Bytes after the last row."""

_GOES_ON = 4


class Wanted(NamedTuple):
    """What is looked for, and where it is written.

    Args:
        names: Bytes of the names, one after another.
        edges: Where each name begins, and the end of the last.
        found: int32 `[3, names, rows]`: first byte, byte after the last, and kind of the values;
            kinds are `MISSING` before.
        marks: uint8 `[2, rows]`: states and notes.
    """

    names: Any
    edges: Any
    found: Any
    marks: Any


@inner
def scan_rows(data: Any, rows: Any, starts: Any, ends: Any, wanted: Wanted) -> None:
    """Find the values of names in objects.

    Args:
        data: Bytes that are UTF-8; `PADDING` follows the last row.
        rows: Rows to walk.
        starts: First byte of each row's object.
        ends: Byte after it; only blanks may surround the object.
        wanted: Names, and the arrays that are filled.
    """
    for row in rows:
        wanted.marks[0, row] = _object(data, starts[row], ends[row], wanted, row)


@inner
def _object(data: Any, at: int, end: int, wanted: Wanted, row: int) -> int:
    at = after_blanks(data, at, end)
    if at == end:
        return BLANK
    if byte_at(data, at) != OPEN:
        return SLOW
    at = after_blanks(data, at + 1, end)
    if at < end and byte_at(data, at) == CLOSE:
        return FINE if after_blanks(data, at + 1, end) == end else SLOW
    guess, state = 0, _GOES_ON
    while state == _GOES_ON:
        at, guess = _member(data, at, end, wanted, row, guess)
        state, at = _after_member(data, at, end)
    return state


@inner
def _member(data: Any, at: int, end: int, wanted: Wanted, row: int, guess: int) -> tuple[int, int]:
    """Keep one member's value if it is wanted; return the place after it and the next name."""
    if at >= end or byte_at(data, at) != QUOTE:
        return -1, guess
    last, is_escaped = string_end(data, at + 1, end)
    value = after_colon(data, last + 1, end)
    if last < 0 or is_escaped or value < 0:
        return -1, guess
    name = _number_of_name(data, at + 1, last, wanted, guess)
    after, kind, first, last = value_end(data, value, end)
    if name < 0 or after < 0:
        return after, guess
    if wanted.found[2, name, row] != MISSING:
        wanted.marks[1, row] |= REPEATED
    else:
        wanted.found[0, name, row] = first
        wanted.found[1, name, row] = last
        wanted.found[2, name, row] = kind
    return after if kind != ODD else -1, name + 1


@inner
def _after_member(data: Any, at: int, end: int) -> tuple[int, int]:
    """Return the state after a member, and the place of the next one."""
    if at < 0:
        return SLOW, at
    at = after_blanks(data, at, end)
    if at < end and byte_at(data, at) == COMMA:
        return _GOES_ON, after_blanks(data, at + 1, end)
    is_end = at < end and byte_at(data, at) == CLOSE and after_blanks(data, at + 1, end) == end
    return FINE if is_end else SLOW, at


@inner
def _number_of_name(data: Any, first: int, last: int, wanted: Wanted, guess: int) -> int:
    names, edges = wanted.names, wanted.edges
    count = len(edges) - 1
    for turn in range(count):  # objects mostly have their names in one order
        name = guess + turn
        name = name - count if name >= count else name
        if edges[name + 1] - edges[name] == last - first:
            at, place = first, edges[name]
            while at < last and byte_at(data, at) == byte_at(names, place):
                at, place = at + 1, place + 1
            if at == last:
                return name
    return -1
