# mypy: ignore-errors
"""Ids of events that came without one: the MD5 of file and position, by a compiled kernel."""

from concurrent.futures import ThreadPoolExecutor
from math import floor, sin

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.arrays.chunks import whole
from pipelines.kernels.compiling import inner

_MASK = 0xFFFFFFFF
_SINES = np.array([floor(2**32 * abs(sin(i + 1))) for i in range(64)], np.int64)
_TURNS = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]]
_SHIFTS = np.array([turn * 4 for turn in _TURNS], np.int64).reshape(-1)
_START = np.array([0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476], np.int64)
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
_LENGTH = 32  # characters of an id
_DIGITS = 20  # of a position, at most
_PADDED = 72  # bytes that a message grows by, at most: 0x80, its length, a block not yet full
_ROWS = 1 << 18  # rows of a chunk


def place_ids(records: pa.Table, threads: int) -> pa.ChunkedArray:
    """Return the id of each record: the one that it brought, else a hash of its place.

    Args:
        records: `source` (dictionary), `position`, and `event_id` where records may have one.
        threads: Threads.
    """
    starts = range(0, max(records.num_rows, 1), _ROWS)
    with ThreadPoolExecutor(threads) as pool:
        chunks = list(pool.map(lambda first: _ids(records.slice(first, _ROWS)), starts))
    return pa.chunked_array(chunks, pa.string())


def _ids(records: pa.Table) -> pa.Array:
    given = records["event_id"] if "event_id" in records.schema.names else None
    if given is not None and not given.null_count:
        return whole(given)
    source = records["source"].unify_dictionaries()
    if not records.num_rows:
        return pa.array([], pa.string())
    codes = np.concatenate([np.asarray(chunk.indices) for chunk in source.chunks])
    names = source.chunk(0).dictionary
    made = _hashes(names, codes.astype(np.int64), records["position"].to_numpy())
    if given is None:
        return made
    return whole(pc.coalesce(given, pa.chunked_array([made])))


def _hashes(names: pa.Array, codes: np.ndarray, positions: np.ndarray) -> pa.Array:
    """Return the MD5 of name, U+0001 and position in hexadecimal digits."""
    texts = [name.encode() for name in names.to_pylist()]
    ends = np.cumsum([0, *map(len, texts)])
    data = np.frombuffer(b"".join(texts) or b" ", np.uint8)
    message = np.empty(max(map(len, texts)) + _DIGITS + 1 + _PADDED, np.uint8)
    words, state = np.empty(16, np.int64), np.empty(4, np.int64)
    found = np.empty(len(codes) * _LENGTH, np.uint8)
    _hash_all(data, ends, codes, positions, message, words, state, found)
    offsets = np.arange(0, len(found) + 1, _LENGTH, dtype=np.int32)
    return pa.StringArray.from_buffers(len(codes), pa.py_buffer(offsets), pa.py_buffer(found))


@inner
def _hash_all(data, ends, codes, positions, message, words, state, found):
    for row in range(len(codes)):
        first, end = ends[codes[row]], ends[codes[row] + 1]
        size = 0
        for at in range(first, end):
            message[size] = data[at]
            size += 1
        message[size] = 1
        size = _write_digits(positions[row], message, size + 1)
        _md5(message, size, words, state)
        for at in range(16):
            byte = (state[at >> 2] >> (8 * (at & 3))) & 0xFF
            found[row * _LENGTH + 2 * at] = _HEX[byte >> 4]
            found[row * _LENGTH + 2 * at + 1] = _HEX[byte & 15]


@inner
def _write_digits(number, message, at):
    """Write a number that is not negative in decimal digits; return the place behind them."""
    end = at + 1
    rest = number // 10
    while rest > 0:
        end += 1
        rest //= 10
    for place in range(end - 1, at - 1, -1):
        message[place] = 48 + number % 10
        number //= 10
    return end


@inner
def _md5(message, size, words, state):
    """Set the state to the digest of a message (RFC 1321)."""
    blocks = (size + 8) // 64 + 1
    for at in range(size, 64 * blocks):
        message[at] = 0
    message[size] = 0x80
    for at in range(8):
        message[64 * blocks - 8 + at] = ((8 * size) >> (8 * at)) & 0xFF
    for at in range(4):
        state[at] = _START[at]
    for block in range(blocks):
        for word in range(16):
            first = 64 * block + 4 * word
            words[word] = (
                np.int64(message[first])
                | (np.int64(message[first + 1]) << 8)
                | (np.int64(message[first + 2]) << 16)
                | (np.int64(message[first + 3]) << 24)
            )
        _rounds(words, state)


@inner
def _rounds(words, state):
    a, b, c, d = state[0], state[1], state[2], state[3]
    for step in range(64):
        if step < 16:
            mixed, word = (b & c) | ((b ^ _MASK) & d), step
        elif step < 32:
            mixed, word = (d & b) | ((d ^ _MASK) & c), (5 * step + 1) & 15
        elif step < 48:
            mixed, word = b ^ c ^ d, (3 * step + 5) & 15
        else:
            mixed, word = c ^ (b | (d ^ _MASK)), (7 * step) & 15
        total = (a + mixed + _SINES[step] + words[word]) & _MASK
        shift = _SHIFTS[step]
        turned = ((total << shift) | (total >> (32 - shift))) & _MASK
        a, d, c, b = d, c, b, (b + turned) & _MASK
    state[0] = (state[0] + a) & _MASK
    state[1] = (state[1] + b) & _MASK
    state[2] = (state[2] + c) & _MASK
    state[3] = (state[3] + d) & _MASK
