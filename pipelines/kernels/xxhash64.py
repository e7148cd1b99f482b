# mypy: ignore-errors
"""XXH64 of strings and integers, as Spark's function `xxhash64` has it.

Source: Yann Collet, xxHash fast digest algorithm, version 0.1.1 of its specification.
"""

import numpy as np

from pipelines.kernels.compiling import compiled, inner
from pipelines.kernels.text_bytes import byte_at, word_at

SPARK_SEED = 42
"""Seed with which Spark's function begins; the hash of one value is the seed of the next."""

_P1, _P2, _P3, _P4, _P5 = (
    np.uint64(prime)
    for prime in (
        0x9E3779B185EBCA87,
        0xC2B2AE3D27D4EB4F,
        0x165667B19E3779F9,
        0x85EBCA77C2B2AE63,
        0x27D4EB2F165667C5,
    )
)
_STRIPE = 32  # bytes


@inner
def _rotated(x, bits):
    return (x << np.uint64(bits)) | (x >> np.uint64(64 - bits))


@inner
def _mixed(lane, word):
    return _rotated(lane + word * _P2, 31) * _P1


@inner
def _ended(x):
    x = (x ^ (x >> np.uint64(33))) * _P2
    x = (x ^ (x >> np.uint64(29))) * _P3
    return x ^ (x >> np.uint64(32))


@inner
def _of_stripes(data, place, stop, seed):
    one, two, three, four = seed + _P1 + _P2, seed + _P2, seed, seed - _P1
    while place + _STRIPE <= stop:
        one, two = _mixed(one, word_at(data, place)), _mixed(two, word_at(data, place + 8))
        three = _mixed(three, word_at(data, place + 16))
        four = _mixed(four, word_at(data, place + 24))
        place += _STRIPE
    hashed = _rotated(one, 1) + _rotated(two, 7) + _rotated(three, 12) + _rotated(four, 18)
    for lane in (one, two, three, four):
        hashed = (hashed ^ _mixed(np.uint64(0), lane)) * _P1 + _P4
    return hashed


@compiled(nogil=True)
def hashes_of_texts(data, offsets, seed):
    """Return the uint64 hash of each text.

    Args:
        data: Bytes of all texts, uint8.
        offsets: Where each text begins, and the last ends, int64, `(n + 1,)`.
        seed: Seed, uint64.
    """
    result = np.empty(offsets.size - 1, np.uint64)
    for n in range(result.size):
        place, stop = offsets[n], offsets[n + 1]
        hashed, size = seed + _P5, np.uint64(stop - place)
        if stop - place >= _STRIPE:
            hashed = _of_stripes(data, place, stop, seed)
            place = stop - (stop - place) % _STRIPE
        hashed += size
        while place + 8 <= stop:
            hashed = _rotated(hashed ^ _mixed(np.uint64(0), word_at(data, place)), 27) * _P1 + _P4
            place += 8
        if place + 4 <= stop:
            word = np.uint64(0)
            for n_byte in range(4):
                word |= np.uint64(byte_at(data, place + n_byte)) << np.uint64(8 * n_byte)
            hashed = _rotated(hashed ^ (word * _P1), 23) * _P2 + _P3
            place += 4
        while place < stop:
            hashed = _rotated(hashed ^ (np.uint64(byte_at(data, place)) * _P5), 11) * _P1
            place += 1
        result[n] = _ended(hashed)
    return result


@compiled(nogil=True)
def hashes_of_numbers(numbers, seeds, is_int):
    """Return the uint64 hash of each integer, with a seed of its own.

    Args:
        numbers: Integers, int64, `(n,)`.
        seeds: uint64, `(n,)`.
        is_int: Whether they are Spark's int, of four bytes, else its bigint.
    """
    result = np.empty(numbers.size, np.uint64)
    for n in range(numbers.size):
        word, seed = np.uint64(numbers[n]), seeds[n] + _P5
        if is_int:
            hashed = (seed + np.uint64(4)) ^ ((word & np.uint64(0xFFFFFFFF)) * _P1)
            hashed = _rotated(hashed, 23) * _P2 + _P3
        else:
            hashed = (seed + np.uint64(8)) ^ _mixed(np.uint64(0), word)
            hashed = _rotated(hashed, 27) * _P1 + _P4
        result[n] = _ended(hashed)
    return result
