"""Batches of rows gathered until there are enough to be worked on at once, and cut by class."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
import pyarrow as pa


def gathered(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """Yield tables of at least so many rows, the last of fewer; nothing where there is no batch."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(each.num_rows for each in held) >= rows:
            yield pa.Table.from_batches(held)
            held = []
    if held:
        yield pa.Table.from_batches(held)


def by_class(ids: np.ndarray, classes: int) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each class of ids equal modulo `classes` with their places, in order; no empty one."""
    numbers = (ids % classes).astype(np.min_scalar_type(classes))  # numpy sorts small ones faster
    order = np.argsort(numbers, kind="stable")
    edges = np.searchsorted(numbers[order], np.arange(classes + 1))
    for number, (first, last) in enumerate(pairwise(edges.tolist())):
        if last > first:
            yield number, order[first:last]
