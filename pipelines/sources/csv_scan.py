# mypy: ignore-errors
"""Kernels that find the records of CSV and the fields of the columns that are wanted.

A quote opens at a field's start alone and closes before a delimiter or a line end alone. Where that
does not hold, the line on which the record began is refused and reading goes on with the next line.
That stays linear: a record that fails has open quotes at every line end up to where it failed (the
frontier), and so has any later record that crosses a line end before the frontier; from there on
both read the same, so the later one fails too and is not followed any further.
"""

from typing import Any, NamedTuple

from pipelines.kernels.compiling import inner

LF, CR, NONE = 10, 13, 256
AT, MARK, LINE, FRONTIER, ROWS, REFUSED, ENDED, SKIPPING = range(8)
"""Places in the state of a scan: next byte and mark, its line, and what was found so far."""
STATE_SIZE = 8
SOUND, MISCOUNTED, BROKEN, TOO_LONG, SHORT, INSIDE = range(6)
"""What a record or quote may be; `SHORT` goes on behind the chunk, `INSIDE` is a quote as text."""
PLAIN, QUOTED, ESCAPED = range(3)
"""What a field may be; `ESCAPED` is a quoted one with characters to leave out."""


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
def scan(data, size, marks, rules, slots, found, state, until):
    """Find records from `state` on; return whether the chunk's whole records are through.

    Grain: one call per batch. It ends early where `found` is full, or at the first record at
    `until` or behind it.

    Args:
        data: The chunk; zeros follow it.
        size: Bytes of the chunk; at the file's end the last one is a line end.
        marks: Places of delimiters, quotes and line ends, then `size`.
        rules: How the file is written.
        slots: For each field of a record the wanted column, or -1.
        found: What is filled.
        state: Where the scan is; changed in place.
        until: Byte at which to stop (only where no earlier record failed behind it).
    """
    if state[SKIPPING]:
        _skip(data, size, marks, state)
    while state[AT] < size:
        begin = state[AT]
        if state[ROWS] == len(found.bounds) or state[REFUSED] == len(found.refused):
            return False
        if begin >= until and begin >= state[FRONTIER]:
            return False
        if data[begin] == LF or data[begin] == CR:
            if _is_cut(data, size, state, begin):
                return True
            _go_on(data, state, begin, state[MARK], 1)
        elif not _take(data, size, marks, rules, slots, found, state):
            return True
    return True


@inner
def _take(data, size, marks, rules, slots, found, state):
    """Take one record, or refuse its first line; return False where the chunk is too short."""
    begin = state[AT]
    status, mark, lines = _record(data, size, marks, rules, slots, found, state)
    stop = marks[mark]
    if status == SHORT or (status <= MISCOUNTED and _is_cut(data, size, state, stop)):
        if not state[ENDED] and size - begin <= rules.longest + 2:
            return False
        status = BROKEN
        state[FRONTIER] = max(state[FRONTIER], min(size, begin + rules.longest))
    if status <= MISCOUNTED and stop - begin > rules.longest:
        status = BROKEN
        state[FRONTIER] = max(state[FRONTIER], begin + rules.longest)
    if status == BROKEN:
        return _refuse_line(data, size, marks, rules, found, state)
    if status == SOUND:
        row = state[ROWS]
        found.bounds[row, 0], found.bounds[row, 1] = begin, stop
        found.bounds[row, 2] = state[LINE]
        state[ROWS] = row + 1
    else:
        _refuse(found, state, stop, MISCOUNTED)
    _go_on(data, state, stop, mark, lines + 1)
    return True


@inner
def _record(data, size, marks, rules, slots, found, state):
    """Read the fields of one record; return what it is, the mark of its end, and lines inside."""
    at, mark = state[AT], state[MARK]
    lines, field, surplus = 0, 0, False
    while True:
        kind, start = PLAIN, at
        if data[at] == rules.quote and at < size:
            status, mark, inside, kind = _close(data, size, marks, rules, state, mark)
            if status != SOUND:
                return status, mark, lines
            lines += inside
            start, end = at + 1, marks[mark] + 0
            mark += 1
        else:
            while data[marks[mark]] == rules.quote and marks[mark] < size:
                mark += 1
            end = marks[mark] + 0
        stop = marks[mark]
        if stop >= size:
            return SHORT, mark, lines
        surplus |= _keep(slots, found, state[ROWS], field, start, end, kind)
        field += 1
        if data[stop] != rules.delimiter:
            return (MISCOUNTED if surplus or field < len(slots) else SOUND), mark, lines
        at, mark = stop + 1, mark + 1


@inner
def _keep(slots, found, row, field, start, end, kind):
    """Note where a wanted field is; return whether it is one too many."""
    if field >= len(slots):
        return end > start
    slot = slots[field]
    if slot >= 0:
        found.starts[slot, row], found.ends[slot, row] = start, end
        found.kinds[slot, row] = kind
    return False


@inner
def _close(data, size, marks, rules, state, mark):
    """Find the quote that closes a field; return what it is, its mark, lines inside, the kind."""
    opened, lines = marks[mark], 0
    kind = QUOTED if rules.escape == NONE else ESCAPED
    while True:
        mark += 1
        place = marks[mark]
        if place >= size:
            return SHORT, mark, lines, kind
        if place - state[AT] > rules.longest:
            state[FRONTIER] = max(state[FRONTIER], state[AT] + rules.longest)
            return BROKEN, mark, lines, kind
        if data[place] == rules.quote:
            status = _quote(data, size, rules, opened, place)
            if status == BROKEN:
                state[FRONTIER] = max(state[FRONTIER], place)
            if status != INSIDE:
                return status, mark, lines, kind
            kind = ESCAPED
            mark += int(rules.escape == NONE)
        elif data[place] == LF or (data[place] == CR and data[place + 1] != LF):
            lines += 1
            if place < state[FRONTIER]:
                return BROKEN, mark, lines, kind


@inner
def _quote(data, size, rules, opened, place):
    """Tell what a quote in a quoted field does: it closes it, is of its text, or is wrong there."""
    after = data[place + 1]
    if rules.escape == NONE:
        if after == rules.quote:
            return INSIDE
    elif _is_escaped(data, opened, place, rules.escape):
        return INSIDE
    if place + 1 >= size:
        return SHORT
    is_end = after == rules.delimiter or after == LF or after == CR
    return SOUND if is_end else BROKEN


@inner
def _is_escaped(data, opened, place, escape):
    """Tell whether an odd number of escapes stands before a quote."""
    before = place - 1
    while before > opened and data[before] == escape:
        before -= 1
    return (place - 1 - before) % 2 == 1


@inner
def _refuse_line(data, size, marks, rules, found, state):
    """Refuse the line that `state` is at; return False where its end is behind the chunk."""
    begin, mark = state[AT], state[MARK]
    while marks[mark] < size and data[marks[mark]] != LF and data[marks[mark]] != CR:
        mark += 1
    stop = marks[mark]
    is_short = stop >= size or _is_cut(data, size, state, stop)
    if is_short and size - begin <= rules.longest + 2:
        return False
    if stop - begin <= rules.longest:
        _refuse(found, state, stop, BROKEN)
    else:
        _refuse(found, state, begin + rules.longest, TOO_LONG)
    if is_short:
        state[AT], state[MARK], state[SKIPPING] = stop, mark, 1
    else:
        _go_on(data, state, stop, mark, 1)
    return not is_short


@inner
def _skip(data, size, marks, state):
    """Pass over the rest of a line that is too long."""
    mark = state[MARK]
    while marks[mark] < size and data[marks[mark]] != LF and data[marks[mark]] != CR:
        mark += 1
    state[AT], state[MARK] = marks[mark], mark
    if marks[mark] < size and not _is_cut(data, size, state, marks[mark]):
        _go_on(data, state, marks[mark], mark, 1)
        state[SKIPPING] = 0


@inner
def _is_cut(data, size, state, stop):
    """Tell whether a line end may go on behind the chunk, as CR before LF."""
    return data[stop] == CR and stop + 1 >= size and not state[ENDED]


@inner
def _refuse(found, state, stop, problem):
    """Note that what `state` is at is refused."""
    row = state[REFUSED]
    found.refused[row, 0], found.refused[row, 1] = state[AT], stop
    found.refused[row, 2], found.refused[row, 3] = state[LINE], problem
    state[REFUSED] = row + 1


@inner
def _go_on(data, state, stop, mark, lines):
    """Put `state` behind a line end."""
    width = 2 if data[stop] == CR and data[stop + 1] == LF else 1
    state[AT], state[MARK] = stop + width, mark + width
    state[LINE] += lines
