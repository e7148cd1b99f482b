"""Which files of documents are written anew, and which of them by one task."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipelines.corpus.by_tasks.spilling import Spill

SMALL_BYTES = 4 << 20
"""A task is small if its files of documents together are."""
MOST_SMALL = 64
"""Small tasks up to which all files stay; more are joined, so many at most."""
_JOINED_BYTES = 32 << 20


@dataclass(frozen=True)
class Unit:
    """What one task writes anew.

    Args:
        spills: What tasks told that judged documents, one after another.
        is_joined: Whether all files are read, to become fewer.
    """

    spills: tuple[Spill, ...]
    is_joined: bool


def units_of(spills: Sequence[Spill], lost: Sequence[int]) -> list[Unit]:
    """Return what is to be written anew: files with lost rows, and small ones if they are many."""
    losing = frozenset(lost)
    if sum(map(_is_small, spills)) > MOST_SMALL:
        return list(_joined(spills, losing))
    return [Unit((each,), is_joined=False) for each in spills if each.task in losing]


def _joined(spills: Sequence[Spill], losing: frozenset[int]) -> Iterator[Unit]:
    held: list[Spill] = []
    for spill in spills:
        if _is_small(spill):
            held.append(spill)
        elif spill.task in losing:
            yield Unit((spill,), is_joined=False)
        if sum(map(_size, held)) >= _JOINED_BYTES or len(held) == MOST_SMALL:
            yield Unit(tuple(held), is_joined=True)
            held = []
    if held:
        yield Unit(tuple(held), is_joined=True)


def _size(spill: Spill) -> int:
    return sum(piece.size for piece in spill.documents)


def _is_small(spill: Spill) -> bool:
    return bool(spill.documents or spill.rejected) and _size(spill) < SMALL_BYTES
