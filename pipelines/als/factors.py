"""Factors of one side in classes of rows, and those that a fit begins with."""

import numpy as np

from pipelines.training.hashing import draws

_SCALE = 0.1  # of a first prediction: components have a deviation of .1 over the root of the rank


def class_size(size: int, classes: int, number: int) -> int:
    """Return how many ids of `size` are equal to `number` modulo the classes."""
    return len(range(number, size, classes))


def first_factors(ids: np.ndarray, side: str, *, rank: int, seed: int) -> np.ndarray:
    """Return what rows begin with: normal numbers that only the id, side and seed decide.

    Args:
        ids: Row ids, `(n,)`.
        side: `users` or `items`.
        rank: Components.
        seed: Seed.

    Returns:
        Shape `(n, rank)`, with a deviation of .1 / sqrt(rank) (Rendle et al. 2021).
    """
    drawn = draws(ids, rank, seed=seed * 2 + (side == "items"))
    radius = np.sqrt(-2 * np.log(((drawn >> np.uint64(32)) + 0.5) / 2.0**32))
    angle = (2 * np.pi / 2.0**32) * (drawn & np.uint64(0xFFFFFFFF))
    normal = radius * np.cos(angle)
    return np.asarray(normal * (_SCALE / np.sqrt(rank)), np.float32)
