"""How the rows of a model are cut into blocks, and how classes of token ids are numbered."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

BLOCK_ROWS = 4096  # token ids per stored row of vectors or counts


def blocks(size: int) -> Iterator[tuple[int, slice]]:
    """Yield the position of each block of `BLOCK_ROWS` rows, and its rows, of `size` rows."""
    for position, first in enumerate(range(0, size, BLOCK_ROWS)):
        yield position, slice(first, min(size, first + BLOCK_ROWS))


def blocks_of_class(size: int, classes: int) -> int:
    """Return how many blocks hold one class of `size` token ids: those equal modulo `classes`."""
    return -(-size // (classes * BLOCK_ROWS))


def positions_of_class(number: int, size: int, classes: int) -> range:
    """Return the positions of the blocks of one class; class 0 has the first ones."""
    count = blocks_of_class(size, classes)
    return range(number * count, (number + 1) * count)


def token_ids(position: int, count: int, *, size: int, classes: int) -> NDArray[np.int32]:
    """Return the token ids of the `count` rows of the block at a position."""
    number, block = divmod(position, blocks_of_class(size, classes))
    rows = block * BLOCK_ROWS + np.arange(count, dtype=np.int32)
    return np.asarray(rows * classes + number)
