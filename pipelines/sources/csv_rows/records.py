# mypy: ignore-errors
"""Kernels that read one record of CSV: its fields, and where it ends."""

from typing import Any, NamedTuple

from pipelines.kernels.compiling import inner

LF, CR, NONE = 10, 13, 256
AT, MARK, LINE, FRONTIER, ROWS, REFUSED, ENDED, SKIPPING = range(8)
"""Places in the state of a scan: next byte and mark, its line, and what was found so far."""
STATE_SIZE = 8
SOUND, MISCOUNTED, BROKEN, TOO_LONG, INVALID, SHORT, INSIDE = range(7)
"""What a record or quote may be: `INVALID` is no UTF-8, `SHORT` goes on behind the chunk, `INSIDE`
is a quote as text."""
PLAIN, QUOTED, ESCAPED = range(3)
"""What a field may be; `ESCAPED` is a quoted one with characters to leave out."""
DELIMITER, QUOTE, ESCAPE, LONGEST = range(4)
STARTS, ENDS, KINDS, BOUNDS, REFUSALS = range(5)
"""Places in `Rules` and `Found`, which kernels get as plain tuples: Numba's cache on disk cannot be
read any more where it names a class that has moved."""


class Rules(NamedTuple):
    """How a file is written: its bytes (`NONE` where there is none), and the longest record."""

    delimiter: int
    quote: int
    escape: int
    longest: int


class Found(NamedTuple):
    """Where sound records and refused lines are in a chunk.

    Args:
        starts, ends, kinds: Fields, by wanted column and record.
        bounds: First byte, byte after the last one, and line of each sound record.
        refused: The same of each refused record, and what it is.
    """

    starts: Any
    ends: Any
    kinds: Any
    bounds: Any
    refused: Any


@inner
def read_record(data, size, marks, rules, slots, found, state):
    """Read the fields of one record; return what it is, the mark of its end, and lines inside."""
    at, mark = state[AT], state[MARK]
    lines, field, surplus = 0, 0, False
    while True:
        kind, start = PLAIN, at
        if data[at] == rules[QUOTE] and at < size:
            status, mark, inside, kind = _close(data, size, marks, rules, state, mark)
            if status != SOUND:
                return status, mark, lines
            lines += inside
            start, end = at + 1, marks[mark] + 0
            mark += 1
        else:
            while data[marks[mark]] == rules[QUOTE] and marks[mark] < size:
                mark += 1
            end = marks[mark] + 0
        stop = marks[mark]
        if stop >= size:
            return SHORT, mark, lines
        surplus |= _keep(slots, found, state[ROWS], field, start, end, kind)
        field += 1
        if data[stop] != rules[DELIMITER]:
            return (MISCOUNTED if surplus or field < len(slots) else SOUND), mark, lines
        at, mark = stop + 1, mark + 1


@inner
def _keep(slots, found, row, field, start, end, kind):
    """Note where a wanted field is; return whether it is one too many."""
    if field >= len(slots):
        return end > start
    slot = slots[field]
    if slot >= 0:
        found[STARTS][slot, row], found[ENDS][slot, row] = start, end
        found[KINDS][slot, row] = kind
    return False


@inner
def _close(data, size, marks, rules, state, mark):
    """Find the quote that closes a field; return what it is, its mark, lines inside, the kind."""
    opened, lines = marks[mark], 0
    kind = QUOTED if rules[ESCAPE] == NONE else ESCAPED
    while True:
        mark += 1
        place = marks[mark]
        if place >= size:
            return SHORT, mark, lines, kind
        if place - state[AT] > rules[LONGEST]:
            state[FRONTIER] = max(state[FRONTIER], state[AT] + rules[LONGEST])
            return BROKEN, mark, lines, kind
        if data[place] == rules[QUOTE]:
            status = _quote(data, size, rules, opened, place)
            if status == BROKEN:
                state[FRONTIER] = max(state[FRONTIER], place)
            if status != INSIDE:
                return status, mark, lines, kind
            kind = ESCAPED
            mark += int(rules[ESCAPE] == NONE)
        elif data[place] == LF or (data[place] == CR and data[place + 1] != LF):
            lines += 1
            if place < state[FRONTIER]:
                return BROKEN, mark, lines, kind


@inner
def _quote(data, size, rules, opened, place):
    """Tell what a quote in a quoted field does: it closes it, is of its text, or is wrong there."""
    after = data[place + 1]
    if rules[ESCAPE] == NONE:
        if after == rules[QUOTE]:
            return INSIDE
    elif _is_escaped(data, opened, place, rules[ESCAPE]):
        return INSIDE
    if place + 1 >= size:
        return SHORT
    is_end = after == rules[DELIMITER] or after == LF or after == CR
    return SOUND if is_end else BROKEN


@inner
def _is_escaped(data, opened, place, escape):
    """Tell whether an odd number of escapes stands before a quote."""
    before = place - 1
    while before > opened and data[before] == escape:
        before -= 1
    return (place - 1 - before) % 2 == 1
