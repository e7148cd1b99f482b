# mypy: ignore-errors
"""The common case of CSV: a record on one line, with the header's fields and no quote as text."""

from pipelines.kernels.compiling import inner
from pipelines.sources.csv_rows.records import (
    AT,
    BOUNDS,
    CR,
    DELIMITER,
    ENDS,
    ESCAPE,
    KINDS,
    LF,
    LINE,
    LONGEST,
    MARK,
    NONE,
    PLAIN,
    QUOTE,
    QUOTED,
    ROWS,
    STARTS,
)


@inner
def take_plain(data, size, marks, rules, slots, found, state, until):
    """Take records from `state` on up to the first that is not plain, or is perhaps cut off.

    The arguments are those of `scan.scan`, which takes what is left here.
    """
    at, mark, row = state[AT], state[MARK], state[ROWS]
    first, bounds = row, found[BOUNDS]
    while row < len(bounds) and at < until and len(slots) > 0:
        after = _fields(data, size, marks, rules, slots, found, row, at, mark)
        stop = marks[after] + 0
        if after < 0 or stop == at or stop - at > rules[LONGEST]:
            break
        width = 1
        if data[stop] == CR:
            width = 2
            if stop + 1 >= size or data[stop + 1] != LF:
                break
        elif data[stop] != LF:
            break
        bounds[row, 0], bounds[row, 1] = at, stop
        bounds[row, 2] = state[LINE] + row - first
        at, mark, row = stop + width, after + width, row + 1
    state[AT], state[MARK], state[ROWS] = at, mark, row
    state[LINE] += row - first


@inner
def _fields(data, size, marks, rules, slots, found, row, at, mark):
    """Note the wanted fields of a record; return the mark behind the last one, or -1."""
    last, start = len(slots) - 1, at
    for field in range(len(slots)):
        begin, end, kind = start, marks[mark] + 0, PLAIN
        stop = end
        if stop == start and data[stop] == rules[QUOTE] and rules[ESCAPE] == NONE:
            mark += 1
            while data[marks[mark]] == rules[DELIMITER] and marks[mark] < size:
                mark += 1
            begin, end, kind = start + 1, marks[mark] + 0, QUOTED
            if end >= size or data[end] != rules[QUOTE]:
                return -1
            mark += 1
            stop = marks[mark] + 0
            if stop != end + 1:
                return -1
        if stop >= size or (field < last and data[stop] != rules[DELIMITER]):
            return -1
        slot = slots[field]
        if slot >= 0:
            found[STARTS][slot, row], found[ENDS][slot, row] = begin, end
            found[KINDS][slot, row] = kind
        start = stop + 1
        mark += 1
    return mark - 1
