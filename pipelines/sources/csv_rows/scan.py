# mypy: ignore-errors
"""Kernels that go through CSV record by record, and refuse lines that are none.

A quote opens at a field's start alone and closes before a delimiter or a line end alone. Where that
does not hold, the line on which the record began is refused and reading goes on with the next line.
That stays linear: a record that fails has open quotes at every line end up to where it failed (the
frontier), and so has any later record that crosses a line end before the frontier; from there on
both read the same, so the later one fails too and is not followed any further.
"""

from pipelines.kernels.compiling import inner
from pipelines.sources.csv_rows.plain import take_plain
from pipelines.sources.csv_rows.records import (
    AT,
    BOUNDS,
    BROKEN,
    CR,
    ENDED,
    FRONTIER,
    LF,
    LINE,
    LONGEST,
    MARK,
    MISCOUNTED,
    REFUSALS,
    REFUSED,
    ROWS,
    SHORT,
    SKIPPING,
    SOUND,
    TOO_LONG,
    read_record,
)


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
        until: Byte from which on no further record is begun.
    """
    if state[SKIPPING]:
        _skip(data, size, marks, state)
    while state[AT] < size:
        take_plain(data, size, marks, rules, slots, found, state, until)
        begin = state[AT]
        if begin >= size:
            break
        if state[ROWS] == len(found[BOUNDS]) or state[REFUSED] == len(found[REFUSALS]):
            return False
        if begin >= until:
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
    status, mark, lines = read_record(data, size, marks, rules, slots, found, state)
    stop = marks[mark]
    if status == SHORT or (status <= MISCOUNTED and _is_cut(data, size, state, stop)):
        if not state[ENDED] and size - begin <= rules[LONGEST] + 2:
            return False
        status = BROKEN
        state[FRONTIER] = max(state[FRONTIER], min(size, begin + rules[LONGEST]))
    if status <= MISCOUNTED and stop - begin > rules[LONGEST]:
        status = BROKEN
        state[FRONTIER] = max(state[FRONTIER], begin + rules[LONGEST])
    if status == BROKEN:
        return _refuse_line(data, size, marks, rules, found, state)
    if status == SOUND:
        row = state[ROWS]
        found[BOUNDS][row, 0], found[BOUNDS][row, 1] = begin, stop
        found[BOUNDS][row, 2] = state[LINE]
        state[ROWS] = row + 1
    else:
        _refuse(found, state, stop, MISCOUNTED)
    _go_on(data, state, stop, mark, lines + 1)
    return True


@inner
def _refuse_line(data, size, marks, rules, found, state):
    """Refuse the line that `state` is at; return False where its end is behind the chunk."""
    begin, mark = state[AT], state[MARK]
    while marks[mark] < size and data[marks[mark]] != LF and data[marks[mark]] != CR:
        mark += 1
    stop = marks[mark]
    is_short = stop >= size or _is_cut(data, size, state, stop)
    if is_short and size - begin <= rules[LONGEST] + 2:
        return False
    if stop - begin <= rules[LONGEST]:
        _refuse(found, state, stop, BROKEN)
    else:
        _refuse(found, state, begin + rules[LONGEST], TOO_LONG)
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
    found[REFUSALS][row, 0], found[REFUSALS][row, 1] = state[AT], stop
    found[REFUSALS][row, 2], found[REFUSALS][row, 3] = state[LINE], problem
    state[REFUSED] = row + 1


@inner
def _go_on(data, state, stop, mark, lines):
    """Put `state` behind a line end."""
    width = 2 if data[stop] == CR and data[stop + 1] == LF else 1
    state[AT], state[MARK] = stop + width, mark + width
    state[LINE] += lines
