"""Which occurrences of frequent tokens are skipped, and which tokens are drawn as negatives."""

import numpy as np
from numpy.typing import NDArray

_LARGEST_CHUNK = 64  # tokens per chunk
_MAX_STEPS = 2.0  # steps of one pair that a chunk moves an output row by, times learning rate
_TABLE = 1 << 22  # entries of the noise table: a token of probability 1e-6 still has four


def keep_probabilities(counts: NDArray[np.int64], sample: float) -> NDArray[np.float32]:
    """Return the probability that an occurrence is kept, per token id, (V,).

    It is (√(f / sample) + 1) · sample / f, at most 1, for relative frequency f, as in word2vec.c; a
    `sample` of 0 keeps all.
    """
    if sample == 0:
        return np.ones(counts.size, np.float32)
    frequency = np.maximum(counts, 1) / max(1, counts.sum())
    probability = (np.sqrt(frequency / sample) + 1) * sample / frequency
    return np.asarray(np.minimum(1, probability), np.float32)


def noise_table(counts: NDArray[np.int64], exponent: float) -> NDArray[np.int32]:
    """Return a table of token ids; an entry drawn evenly has probability ∝ count^exponent.

    Tokens that never occur are not in it; the exponent may be negative (Caselles-Dupré et al.
    2018). Tokens too rare for an entry of their own share the entries left over by rounding.
    """
    edges = np.cumsum(noise_weights(counts, exponent))
    size = max(_TABLE, 4 * counts.size)
    grid = (np.arange(size) + 0.5) * (edges[-1] / size)
    return np.asarray(np.searchsorted(edges, grid), np.int32)


def shared_negatives(*, is_cbow: bool) -> int:
    """Return the negatives drawn per chunk; CBOW has one pair per token, a sixth of skip-gram's."""
    return 16 if is_cbow else 32  # measured: docs/measurements/word2vec.md


def chunk_size(
    counts: NDArray[np.int64],
    exponent: float,
    *,
    window: int,
    negative: int,
    learning_rate: float,
    is_cbow: bool,
) -> int:
    """Return how many consecutive tokens share negatives: 1 to 64.

    A chunk moves an output row once for all pairs that draw it: in expectation pairs * probability
    steps. Times the learning rate that may be 2 for the most probable token, else rows overshoot
    and diverge; so where few tokens are most of the draws, chunks are short.

    Args:
        counts: Occurrences per token id.
        exponent: Negatives are drawn in proportion to count^exponent.
        window: Most tokens on each side.
        negative: Negatives per positive pair.
        learning_rate: Learning rate.
        is_cbow: A token has one pair, in place of one with each token of its window.
    """
    pairs = negative * (1 if is_cbow else window + 1)
    weights = noise_weights(counts, exponent)
    steps = learning_rate * pairs * weights.max() / weights.sum()
    return int(np.clip(_MAX_STEPS / steps, 1, _LARGEST_CHUNK))


def noise_weights(counts: NDArray[np.int64], exponent: float) -> NDArray[np.float64]:
    """Return count^exponent per token, 0 for tokens that never occur."""
    weights = np.zeros(counts.size)
    occurs = counts > 0
    weights[occurs] = counts[occurs].astype(np.float64) ** exponent
    return weights
