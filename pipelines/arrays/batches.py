"""Batches of rows joined into larger tables, and ids split by their remainder."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
import pyarrow as pa


def gathered(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """Yield tables of at least `rows` rows; the last may have fewer. No batches give no table."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(each.num_rows for each in held) >= rows:
            yield pa.Table.from_batches(held)
            held = []
    if held:
        yield pa.Table.from_batches(held)


def by_class(ids: np.ndarray, classes: int) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each remainder modulo `classes` that occurs, with the places of its ids in order."""
    numbers = (ids % classes).astype(np.min_scalar_type(classes))  # small types are sorted by radix
    order = np.argsort(numbers, kind="stable")
    edges = np.searchsorted(numbers[order], np.arange(classes + 1))
    for number, (first, last) in enumerate(pairwise(edges.tolist())):
        if last > first:
            yield number, order[first:last]
