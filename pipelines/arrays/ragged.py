"""Lists of different lengths that lie end to end in one array."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.compute as pc

from pipelines.arrays.grouping import taken
from pipelines.arrays.matrices import Indices
from pipelines.arrays.offsets import offsets_of


@dataclass(frozen=True)
class Ragged:
    """Lists of different lengths: list i is `values[offsets[i]:offsets[i + 1]]`."""

    offsets: Indices
    values: Indices

    @property
    def rows(self) -> Indices:
        """Return the number of each value's list."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    @property
    def counts(self) -> Indices:
        """Return the lengths of the lists."""
        return np.diff(self.offsets)

    def take(self, places: Indices) -> "Ragged":
        """Return the lists of these numbers, in this order; the list at -1 is empty."""
        return Ragged(*taken(self.values, self.offsets, places))

    def part(self, start: int, stop: int) -> "Ragged":
        """Return the lists from `start` to `stop - 1`."""
        offsets = self.offsets[start : stop + 1]
        return Ragged(offsets - offsets[0], self.values[offsets[0] : offsets[-1]])


def as_ragged(column: Any) -> Ragged:
    """Return an Arrow column of lists of ints as one `Ragged`; a null is an empty list."""
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    values = column.flatten().to_numpy(zero_copy_only=False).astype(np.int64)
    return Ragged(offsets_of(lengths), values)
