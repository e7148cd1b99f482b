"""Arrow strings as kernels take them: bytes, and where each text begins."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

PART_BYTES = 4 << 20
"""Bytes of texts that one call of a kernel walks, unless a text is larger."""


@dataclass(frozen=True)
class Texts:
    """Texts that lie end to end: text i is `data[offsets[i]:offsets[i + 1]]`.

    Other bytes may lie before the first and behind the last.
    """

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, column: Any) -> Self:
        """Return an Arrow array of strings, also a slice of one; a null is an empty text."""
        if column.null_count:
            column = pc.fill_null(column, "")
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            column = column.cast(pa.large_string())
        _, offsets, data = column.buffers()
        kind = np.int64 if pa.types.is_large_string(column.type) else np.int32
        if len(column) == 0 or data is None:
            return cls(_read_only(np.empty(0, np.uint8)), np.zeros(len(column) + 1, np.int64))
        places = np.frombuffer(offsets, kind)[column.offset : column.offset + len(column) + 1]
        return cls(_read_only(np.frombuffer(data, np.uint8)), places.astype(np.int64))

    @property
    def size(self) -> int:
        """Bytes of the texts."""
        return int(self.offsets[-1] - self.offsets[0])

    @property
    def room(self) -> int:
        """Bytes that their tokens may take: two bytes may become three in lower case."""
        return self.size + self.size // 2

    def parts(self) -> Iterator["Texts"]:
        """Yield parts of about `PART_BYTES`, or of one text that is larger."""
        for first, stop in self.bounds(PART_BYTES):
            yield Texts(self.data, self.offsets[first : stop + 1])

    def bounds(self, size: int) -> Iterator[tuple[int, int]]:
        """Yield first and last of texts that have about `size` bytes, or of one that has more."""
        first, count = 0, len(self.offsets) - 1
        while first < count:
            behind = self.offsets[first] + size
            stop = max(first + 1, int(np.searchsorted(self.offsets, behind, "right")) - 1)
            yield first, stop
            first = stop


def _read_only(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an array that kernels take as read-only, whatever Arrow's buffer is."""
    data = data.view()
    data.flags.writeable = False
    return data
