"""Which occurrences of frequent tokens are skipped, and which tokens are drawn as negatives."""

import numpy as np
from numpy.typing import NDArray

_LARGEST_CHUNK = 64
_MAX_STEPS = 2.0  # of the learning rate, by one chunk on one output row
_TABLE = 1 << 22  # entries: a token of probability 1e-6 still has four


def keep_probabilities(counts: NDArray[np.int64], sample: float) -> NDArray[np.float32]:
    """Return per token the chance that an occurrence is kept.

    (√(f / sample) + 1) · sample / f for relative frequency f, as word2vec's C code has it; a
    `sample` of 0 keeps all.
    """
    if sample == 0:
        return np.ones(counts.size, np.float32)
    frequency = np.maximum(counts, 1) / max(1, counts.sum())
    chance = (np.sqrt(frequency / sample) + 1) * sample / frequency
    return np.asarray(np.minimum(1, chance), np.float32)


def noise_table(counts: NDArray[np.int64], exponent: float) -> NDArray[np.int32]:
    """Return token ids of which an even draw has probability ∝ count^exponent.

    Tokens that never occur are not drawn; the exponent may be negative (Caselles-Dupré et al.
    2018). Tokens too rare for an entry of their own share those left over by rounding.
    """
    edges = np.cumsum(noise_weights(counts, exponent))
    size = max(_TABLE, 4 * counts.size)
    grid = (np.arange(size) + 0.5) * (edges[-1] / size)
    return np.asarray(np.searchsorted(edges, grid), np.int32)


def shared_negatives(*, is_cbow: bool) -> int:
    """Return how many negatives a chunk shares: CBOW, with a sixth of the pairs, needs fewer."""
    return 16 if is_cbow else 32


def chunk_size(
    counts: NDArray[np.int64],
    exponent: float,
    *,
    window: int,
    negative: int,
    learning_rate: float,
    is_cbow: bool,
) -> int:
    """Return how many consecutive tokens may share negatives.

    A chunk moves an output row once for all its pairs that draw it: pairs * probability steps of
    the learning rate at a time. Where a few tokens are most of the draws, chunks must be short, or
    their rows overshoot and grow beyond all bounds.

    Args:
        counts: Occurrences per token id.
        exponent: Negatives are drawn in proportion to count^exponent.
        window: Most tokens on each side.
        negative: Negatives per positive pair.
        learning_rate: Learning rate.
        is_cbow: A token is one pair, not one with each token of its window.
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
