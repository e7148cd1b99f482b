"""Random numbers that depend on keys and a seed alone, not on the task that draws them."""

import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: increment of splitmix64


def mixed(x: np.ndarray) -> np.ndarray:
    """Return splitmix64's next output for each uint64 state (Steele, Lea and Flood 2014)."""
    x = x + GOLDEN
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)))


def draws(keys: np.ndarray, count: int, *, seed: int) -> np.ndarray:
    """Return `count` random uint64 of each key, `(n, count)`.

    Args:
        keys: Integers, `(n,)`.
        count: Numbers per key.
        seed: Seed.
    """
    rows = mixed(keys.astype(np.uint64) ^ mixed(np.array([seed], np.uint64)))[:, None]
    return mixed(rows + np.arange(count, dtype=np.uint64) * GOLDEN)
