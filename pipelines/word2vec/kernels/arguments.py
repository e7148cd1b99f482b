"""Groups of the kernels' arguments; compiled code takes named tuples apart at no cost."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Sentences(NamedTuple):
    """Sentences end to end.

    Args:
        tokens: Token ids, int32.
        offsets: Where each sentence begins in `tokens`, and the end of the last, int64.
    """

    tokens: NDArray[np.int32]
    offsets: NDArray[np.int64]

    @property
    def token_count(self) -> int:
        """Return the number of tokens."""
        return int(self.offsets[-1] - self.offsets[0])


NO_SENTENCES = Sentences(np.empty(0, np.int32), np.zeros(1, np.int64))


class Model(NamedTuple):
    """The two matrices of a model, float32: input (word) and output (context) vectors, V by d."""

    inputs: NDArray[np.float32]
    outputs: NDArray[np.float32]


class Touches(NamedTuple):
    """Gradients that each input and each output row took, float32, (V,); or both are empty."""

    inputs: NDArray[np.float32]
    outputs: NDArray[np.float32]


UNCOUNTED = Touches(np.empty(0, np.float32), np.empty(0, np.float32))
"""Touches are not counted."""


class LearningRates(NamedTuple):
    """Learning rates at the two ends of some training; in between linear in tokens trained."""

    first: float
    last: float

    @property
    def middle(self) -> float:
        """Return the learning rate half-way."""
        return (self.first + self.last) / 2
