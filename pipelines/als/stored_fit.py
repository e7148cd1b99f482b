"""What ALS tasks read from storage: cells, factors and Gramians of a run."""

from collections.abc import Iterator

import numpy as np

from pipelines.als.sweep import Cells, Map
from pipelines.training.stored_arrays import Content, StoredArrays, block_matrix

_PARTS = 32  # of a side that are read side by side


class StoredFit(StoredArrays):
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
        self, name: str, side: str, wanted: tuple[np.ndarray, np.ndarray], *, blocks: int,
        dimension: int, run: Map = map,
    ) -> np.ndarray:  # fmt: skip
        """Return the factors of some ids in a version; a block a thread is held beside them.

        Args:
            name: The version.
            side: The side.
            wanted: Of each id whether it is wanted, and its row in the result.
            blocks: Blocks of the side.
            dimension: Columns.
            run: What maps over blocks: threads' map, where there are threads.
        """
        is_wanted, places = wanted
        some = np.zeros((int(np.count_nonzero(is_wanted)), dimension), np.float32)

        def copy(numbers: range) -> None:
            for number, first, _ in self.rows(name, "", kind=side, only=numbers):
                own = is_wanted[number::blocks]
                some[places[number::blocks][own]] = block_matrix(first, dimension)[own]

        step = -(-blocks // _PARTS)
        for _ in run(copy, (range(n, min(n + step, blocks)) for n in range(0, blocks, step))):
            pass
        return some

    def gramian(self, name: str, side: str, dimension: int) -> np.ndarray:
        """Return the Gramian of one side of a version, its parts added as they are stored."""
        total = np.zeros((dimension, dimension))
        for _, first, _ in self.rows(name, "", kind=f"{side}_gramian"):
            total += np.frombuffer(first.as_buffer(), np.float64).reshape(total.shape)
        return total


def factor_row(side: str, number: int, factors: np.ndarray, counts: np.ndarray) -> Content:
    """Return a block's factors as a row of `stored.SCHEMA`; `second` tells which have cells."""
    return (side, number, factors.tobytes(), (counts > 0).astype(np.uint8).tobytes())
