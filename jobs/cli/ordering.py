"""The order of a workflow's steps, from the tables that one step writes and another reads.

A table is known by its place. Of a table that holds several spaces (`vectors`, `embedding_spaces`,
`training_history`, `quality_metrics`, `folded_vectors`) a step with a `space_name` uses that space
alone: steps of different spaces do not wait for each other. For each table, or space of a table:

1. A reader (a step that reads it) waits for the writers that precede the reader in the file. If no
   writer precedes it, the reader waits for all writers: with one writer, the order in the file
   does not matter.
2. If a writer precedes the reader, the writers that follow the reader wait for it.
3. Several writers keep the order of the file. A step that reads and writes a table, as
   `validate_vectors` does the registry, counts as a writer.
4. A step does not wait for itself, and `run_counts`, of which each job writes its own part, makes
   no step wait.
5. `after` adds to this. Where it says the opposite, it wins: `publish: {after: [train]}` lets
   `train` start from the vectors which `publish` published in the run before.
"""

import os
import posixpath
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from heapq import heapify, heappop, heappush
from itertools import pairwise

from pipelines.errors import ConfigError
from pipelines.settings import JobConfig
from schemas.table import is_catalog_name

Waits = dict[str, dict[str, str]]
"""By step: the steps it waits for, each with the reason."""
Edge = tuple[str, str, str]
"""The step that runs first, the step that waits for it, and the reason."""

_BY_SPACE = frozenset(
    ("vectors", "embedding_spaces", "training_history", "quality_metrics", "folded_vectors")
)
"""Tables that hold several spaces."""
_NO_ORDER = "run_counts"  # table that makes no step wait


@dataclass(frozen=True)
class Part:
    """A table, or its rows of one space."""

    place: str
    space: str | None
    """Name of the space; None for the whole table."""

    def __str__(self) -> str:
        return f"{self.place} (space {self.space})" if self.space else self.place


@dataclass(frozen=True)
class StepTables:
    """What a step reads and writes, and the steps that its `after` names."""

    name: str
    after: tuple[str, ...] = ()
    reads: frozenset[Part] = frozenset()
    writes: frozenset[Part] = frozenset()


def tables_of(name: str, after: Sequence[str], config: JobConfig) -> StepTables:
    """Return the tables of a step, from its validated configuration."""
    reads, writes = (frozenset(_parts(config, side)) for side in ("inputs", "outputs"))
    return StepTables(name, tuple(after), reads, writes)


def _parts(config: JobConfig, side: str) -> Iterator[Part]:
    for name, uri in getattr(config, side, None) or ():
        if isinstance(uri, str) and name != _NO_ORDER:
            yield Part(normalised(uri), _space(config) if name in _BY_SPACE else None)


def _space(config: JobConfig) -> str | None:
    """Return the name of the one space that a job uses; ids begin with it (`<name>-<hash>`)."""
    space_id: str | None = getattr(config, "space_id", None)
    name: str | None = getattr(config, "space_name", None)
    return space_id.rpartition("-")[0] or space_id if space_id else name


def normalised(uri: str) -> str:
    """Return one form for a place however it is written: `file://`, relative, trailing slash."""
    scheme, has_scheme, path = uri.partition(":/")
    if has_scheme and scheme != "file":
        return uri.rstrip("/")
    if is_catalog_name(uri):
        return uri.lower()
    local = posixpath.normpath("/" + path.lstrip("/")) if has_scheme else uri
    return os.path.abspath(local)  # noqa: PTH100  (resolves no link, as Hadoop does not)


def waits_of(steps: Sequence[StepTables]) -> Waits:
    """Return by step the steps it waits for, each with the reason.

    Args:
        steps: In the order of the file.

    Raises:
        ConfigError: `after` names a step that is not there.
    """
    waits: Waits = {step.name: dict.fromkeys(step.after, "after") for step in steps}
    for step in steps:
        unknown = sorted(set(step.after) - waits.keys())
        if unknown:
            raise ConfigError(f"steps.{step.name}.after: no step {unknown[0]!r}")
    after = {name: _all_before(name, waits) for name in waits}
    for first, then, reason in _edges(steps):
        if then not in after[first]:  # else `after` demands the opposite order
            waits[then].setdefault(first, reason)
    return waits


def _all_before(name: str, waits: Mapping[str, Mapping[str, str]]) -> set[str]:
    """Return the steps that a step waits for, and those that these wait for."""
    before: set[str] = set()
    ahead = list(waits[name])
    while ahead:
        step = ahead.pop()
        if step not in before:
            before.add(step)
            ahead += waits[step]
    return before


def _edges(steps: Sequence[StepTables]) -> Iterator[Edge]:
    """Yield the order that follows from the tables by rules 1 to 4."""
    written: dict[str, set[Part]] = defaultdict(set)
    for step in steps:
        for part in step.writes:
            written[part.place].add(part)
    for place in sorted(written):
        parts = written[place]
        whole = Part(place, None)
        for part in sorted({whole} if whole in parts else parts, key=str):
            yield from _edges_of(part, steps)


def _edges_of(part: Part, steps: Sequence[StepTables]) -> Iterator[Edge]:
    writers = [n for n, step in enumerate(steps) if _uses(step.writes, part)]
    readers = [n for n, step in enumerate(steps) if _uses(step.reads, part) and n not in writers]
    pairs = [(one, other) for one in writers for other in writers if one < other]
    for reader in readers:
        earlier = [n for n in writers if n < reader] or writers
        pairs += [(n, reader) if n in earlier else (reader, n) for n in writers]
    for first, then in pairs:
        yield steps[first].name, steps[then].name, str(part)


def _uses(used: frozenset[Part], part: Part) -> bool:
    """Tell whether a step uses a part: the spaces are the same, or one side is a whole table."""
    return any(
        own.place == part.place and (own.space == part.space or None in (own.space, part.space))
        for own in used
    )


def order(waits: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return the steps so that each follows those it waits for, else in the order of the file.

    Raises:
        ConfigError: Steps wait for each other; the steps and the tables between them are named.
    """
    place = {name: n for n, name in enumerate(waits)}
    sorter = TopologicalSorter(waits)
    try:
        sorter.prepare()
    except CycleError as error:
        raise ConfigError(_circle(error.args[1], waits)) from error
    ready = [place[name] for name in sorter.get_ready()]
    heapify(ready)
    names, ordered = list(waits), []
    while ready:
        name = names[heappop(ready)]
        ordered.append(name)
        sorter.done(name)
        for freed in sorter.get_ready():
            heappush(ready, place[freed])
    return ordered


def _circle(steps: Sequence[str], waits: Mapping[str, Mapping[str, str]]) -> str:
    reasons = [f"{then} waits for {first}: {waits[then][first]}" for first, then in pairwise(steps)]
    return (
        f"steps wait for each other: {' → '.join(steps)}; {'; '.join(reasons)}; "
        "`after` says which of two steps is first where their tables do not"
    )
