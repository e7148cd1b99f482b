"""Named groups of the kernels' arguments; Numba passes them at no cost.

V is the number of token ids, d the components of a vector.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ids = NDArray[np.int32]


class Sentences(NamedTuple):
    """Sentences end to end.

    Args:
        tokens: Token ids, int32.
        offsets: Where each sentence begins in `tokens`, and the end of the last, int64.
    """

    tokens: Ids
    offsets: NDArray[np.int64]

    @property
    def token_count(self) -> int:
        """Return the number of tokens."""
        return int(self.offsets[-1] - self.offsets[0])

    def split(self, count: int) -> "list[Sentences]":
        """Cut into runs of sentences of about as many tokens each; a run may be empty."""
        wanted = np.linspace(self.offsets[0], self.offsets[-1], count + 1)
        cuts = np.searchsorted(self.offsets, wanted)
        return [Sentences(self.tokens, self.offsets[a : b + 1]) for a, b in pairwise(cuts)]


NO_SENTENCES = Sentences(np.empty(0, np.int32), np.zeros(1, np.int64))


class Model(NamedTuple):
    """The two matrices of a model, float32: input (word) and output (context) vectors, (V, d)."""

    inputs: Floats
    outputs: Floats


class Touches(NamedTuple):
    """Gradients that each input and each output row took, float32, (V,); or both are empty."""

    inputs: Floats
    outputs: Floats


UNCOUNTED = Touches(np.empty(0, np.float32), np.empty(0, np.float32))
"""Touches are not counted."""


class LearningRates(NamedTuple):
    """Learning rates at the first and last token of some training; in between linear in tokens."""

    first: float
    last: float

    @property
    def middle(self) -> float:
        """Return the learning rate half-way."""
        return (self.first + self.last) / 2


class Sampling(NamedTuple):
    """How tokens are sampled.

    Args:
        keep: Probability that an occurrence is kept, float32 per token id, (V,).
        noise: Table of rows from which negatives are drawn evenly, int32.
    """

    keep: Floats
    noise: Ids


class Options(NamedTuple):
    """How a kernel trains.

    Args:
        is_cbow: The mean of a window predicts its token (CBOW), else the token its window
            (skip-gram). The gradient of the mean is divided by its tokens: see `cbow`.
        window: Most tokens on each side. Each token, or for CBOW each chunk, draws its own reach
            evenly from 1 to this.
        negative: Negatives per positive pair, in expectation.
        chunk: Most consecutive tokens that share negatives.
        shared: Negatives drawn per chunk.
    """

    is_cbow: bool
    window: int
    negative: int
    chunk: int
    shared: int


class Block(NamedTuple):
    """A block of a model: input rows of one class of token ids, output rows of another.

    Token id n is row n // classes of class n % classes: ids go by frequency, so that classes are
    alike.
    """

    inputs: int
    outputs: int
    classes: int


WHOLE_MODEL = Block(0, 0, 1)


class OwnRows(NamedTuple):
    """A thread's copies of the most frequent rows; see `hot_rows`.

    Args:
        copies: Rows that have a copy: token ids below it.
        first: Row at which the thread's copies begin.
        every: Chunks between two exchanges.
        threads: Threads that train the model.
    """

    copies: int
    first: int
    every: int
    threads: int


class LaidOut(NamedTuple):
    """Kept tokens, one after the other, with where each one's sentence begins and ends; int32."""

    kept: Ids
    begin: Ids
    end: Ids


class Chunk(NamedTuple):
    """Consecutive tokens of a `LaidOut` that share negatives.

    Args:
        first: Place of its first token.
        size: Tokens.
        filled: Tokens that are laid out in all.
    """

    first: int
    size: int
    filled: int


class PushArrays(NamedTuple):
    """Scratch of `steps.push_apart` for n tokens of a chunk and m negatives.

    Matrices are padded to widths that `products.multiply` takes: d and m to a multiple of LANES.

    Args:
        X: Tokens' rows: input vectors, or means of windows, (n, d).
        X_steps: Their steps, (n, d).
        N: The negatives' output rows, then their steps, (m, d).
        N_transposed: Transpose of N, (d, m).
        G: Scores X N', then the factor of each pair's step, (n, m).
        X_curvatures: Step times curvature of the rows of X, (n,).
        N_curvatures: Likewise of the rows of N, (m,).
        N_squares: Squared lengths of the rows of N, (m,).
        X_squares: Squared lengths of the rows of X, (n,).
    """

    X: Floats
    X_steps: Floats
    N: Floats
    N_transposed: Floats
    G: Floats
    X_curvatures: Floats
    N_curvatures: Floats
    N_squares: Floats
    X_squares: Floats


class WindowMeans(NamedTuple):
    """Scratch of CBOW for the n windows of a chunk.

    Args:
        pairs: 1 where a token's window has another token, else 0, (n,).
        shares: 1 / tokens of the window, 0 where it has none, (n,).
        total: Sum of a sliding window, (1, d).
        means: Means of the windows' input rows, (n, d); `PushArrays.X`.
        gradients: What each window's tokens take in sum, (n, d); `PushArrays.X_steps`.
        squares: Squared lengths of the means, (n,); `PushArrays.X_squares`.
        scores: Products of mean and the token's output row, then steps, (n,).
    """

    pairs: Floats
    shares: Floats
    total: Floats
    means: Floats
    gradients: Floats
    squares: Floats
    scores: Floats


class ChunkArrays(NamedTuple):
    """Scratch of `sentence_kernel` for a chunk of n tokens.

    Args:
        pairs: Positive pairs per token, (n,).
        first: Where each token's window begins, int64, (n,).
        last: Where it ends, int64, (n,).
        contexts: Rows of one window, (2 * window,).
        steps: Scores of one window's pairs, then steps, (2 * window,).
        drawn: Rows of the negatives, (m,).
        means: Windows of CBOW.
        push: Tokens and negatives.
    """

    pairs: Floats
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    contexts: Ids
    steps: Floats
    drawn: Ids
    means: WindowMeans
    push: PushArrays
