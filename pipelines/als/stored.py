"""What ALS tasks read from storage: cells, factors and Gramians of a run."""

from collections.abc import Iterator

import numpy as np

from pipelines.als.sweep import Cells
from pipelines.training.stored import Content, StoredRows, block_matrix


class Stored(StoredRows):
    """The folder of a run: frame `cells`, and versions of the factors."""

    def cells(self, side: str, numbers: range, name: str = "cells") -> Iterator[tuple[int, Cells]]:
        """Yield some blocks of one side by number; those without any cell are not there."""
        for number, first, second in self.rows(name, "", kind=side, only=numbers):
            lengths = np.frombuffer(first.as_buffer(), np.int32)
            offsets = np.zeros(lengths.size + 1, np.int64)
            np.cumsum(lengths, out=offsets[1:])
            cells, count = second.as_buffer(), int(offsets[-1])
            columns = np.frombuffer(cells, np.int32, count)
            yield (
                number,
                Cells(offsets, columns, np.frombuffer(cells, np.float32, count, 4 * count)),
            )

    def block(self, name: str, side: str, number: int, dimension: int) -> np.ndarray:
        """Return one block's factors in a version.

        Raises:
            LookupError: It holds no such block.
        """
        for _, first, _ in self.rows(name, "", kind=side, only=range(number, number + 1)):
            return block_matrix(first, dimension)
        raise LookupError(f"{name} holds no factors of {side}, block {number}")

    def factors(
        self, name: str, side: str, *, size: int, blocks: int, dimension: int
    ) -> np.ndarray:
        """Return one side of a version in the order of ids, `(size, dimension)`."""
        whole = np.zeros((size, dimension), np.float32)
        for number, first, _ in self.rows(name, "", kind=side):
            whole[number::blocks] = block_matrix(first, dimension)
        return whole

    def some_factors(
        self, name: str, side: str, ids: np.ndarray, *, blocks: int, dimension: int
    ) -> np.ndarray:
        """Return the factors of some ids in a version; one block at a time is held beside them."""
        some = np.zeros((ids.size, dimension), np.float32)
        classes = ids % blocks
        for number, first, _ in self.rows(name, "", kind=side):
            places = np.flatnonzero(classes == number)
            some[places] = block_matrix(first, dimension)[ids[places] // blocks]
        return some

    def gramian(self, name: str, side: str, dimension: int) -> np.ndarray:
        """Return the Gramian of one side of a version: its blocks' sums added in their order."""
        parts = {
            number: np.frombuffer(first.as_buffer(), np.float64).reshape(dimension, dimension)
            for number, first, _ in self.rows(name, "", kind=f"{side}_gramian")
        }
        total = np.zeros((dimension, dimension))
        for number in sorted(parts):
            total += parts[number]
        return total


def factor_row(side: str, number: int, factors: np.ndarray, counts: np.ndarray) -> Content:
    """Return a block's factors as a row of `stored.SCHEMA`; `second` tells which have cells."""
    return (side, number, factors.tobytes(), (counts > 0).astype(np.uint8).tobytes())
