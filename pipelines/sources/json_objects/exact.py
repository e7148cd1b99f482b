"""The values of one JSON object by Python's own parser: slow, exact, and right for odd lines."""

import json
import math
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

_SURROGATE = re.compile("[\ud800-\udfff]")
_EXACT = 2.0**53  # below which floats are all of the integers


class _Pairs(list[tuple[str, Any]]):
    """An object, with names as often as they are there."""


class _Number(str):
    """A number as it is written; also NaN and infinities."""

    __slots__ = ()


@dataclass
class Values:
    """What was found in a line: values in the order of the paths, or the problem."""

    texts: list[str | None]
    problem: str | None = None
    notes: set[str] = field(default_factory=set)


def exact_values(line: str, paths: tuple[str, ...]) -> Values:
    """Read the values of paths from a line that should be one JSON object."""
    values = Values([None] * len(paths))
    try:
        record = _DECODER.decode(line)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, _Pairs):
        values.problem = "valid_json"
        return values
    found = _find(record, paths, values.notes)
    notes: set[str] = set()
    for number, path in enumerate(paths):
        value = found.get(path)
        if isinstance(value, list):
            values.problem = "scalar_value"
        else:
            values.texts[number] = _text(value, notes)
    if values.problem:
        values.texts = [None] * len(paths)
    else:
        values.notes |= notes
    return values


@cache
def heads(path: str) -> tuple[tuple[str, str], ...]:
    """Return the ways to read a path as a name and the path within it, longest name first."""
    cuts = [match.start() for match in re.finditer(r"\.", path)]
    return tuple((path[:cut], path[cut + 1 :]) for cut in reversed(cuts))


@cache
def names_and_rests(paths: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Return the names that lead to paths, each with the paths within its object."""
    rests: dict[str, list[str]] = {path: [] for path in paths}
    for path in tuple(rests):
        for head, rest in heads(path):
            rests.setdefault(head, []).append(rest)
    return {name: tuple(dict.fromkeys(within)) for name, within in rests.items()}


def _find(record: _Pairs, paths: tuple[str, ...], notes: set[str]) -> dict[str, Any]:
    """Return the values of the paths that there are."""
    rests = names_and_rests(paths)
    first: dict[str, Any] = {}
    for name, value in record:
        if name in rests:
            if name in first:
                notes.add("repeated_name")
            first.setdefault(name, value)
    within = {
        name: _find(value, rests[name], notes)
        for name, value in first.items()
        if isinstance(value, _Pairs) and rests[name]
    }
    found = {path: first[path] for path in paths if path in first}
    for path in paths:
        for head, rest in heads(path):
            if path not in found and rest in within.get(head, {}):
                found[path] = within[head][rest]
    return found


def _text(value: Any, notes: set[str]) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, _Number):
        return _number_text(str(value), notes)
    text, replaced = _SURROGATE.subn("\ufffd", value)
    if replaced:
        notes.add("replaced_characters")
    return str(text)


def _number_text(literal: str, notes: set[str]) -> str | None:
    if literal.lstrip("-").isdecimal():
        return "0" if literal == "-0" else literal
    number = float(literal)
    if not math.isfinite(number):
        notes.add("not_finite")
        return None
    if not number.is_integer():
        return literal
    if abs(number) < _EXACT:
        return str(int(number))
    notes.add("lossy_key")
    return literal


_DECODER = json.JSONDecoder(
    object_pairs_hook=_Pairs, parse_float=_Number, parse_int=_Number, parse_constant=_Number
)
