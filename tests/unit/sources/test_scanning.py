"""Compiled scans of blocks agree with Python's own decoder and search."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.kernels.marks import PADDING
from pipelines.sources.streams.scanning import (
    UNDECIDED,
    VALID,
    check_utf8,
    find_newlines,
)

# edges of the ranges of UTF-8, whole and cut, among ASCII that fills more than one step
ASCII = [b"a", b"\n", b"b" * 31, b"c" * 64]
OTHERS = (
    ("80", "bf", "c1bf", "c280", "dfbf", "e09fbf", "e0a080", "ed9fbf", "eda080", "ee8080"),
    ("f08fbfbf", "f0908080", "f48fbfbf", "f4908080", "f5808080", "e282", "f09f98", "ff"),
)
pieces = st.sampled_from(
    [*ASCII, *(bytes.fromhex(each) for row in OTHERS for each in row), "naïve 世界 😀".encode()]
)


def is_utf8(data: bytes) -> bool:
    """Tell by Python's decoder."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@settings(max_examples=500, deadline=None)
@given(st.lists(pieces, max_size=6).map(b"".join))
def test_utf8_and_newlines_are_pythons(data: bytes) -> None:
    block = np.frombuffer(data + b"\n\xff" * PADDING, np.uint8)
    found = check_utf8(block, len(data), 100)
    assert (found == VALID) == is_utf8(data)
    assert found != UNDECIDED
    places = np.zeros(2, np.int64)
    expected = [at for at, byte in enumerate(data) if byte == ord("\n")]
    assert find_newlines(block, len(data), places) == len(expected)
    assert places[: len(expected)].tolist() == expected[:2]


def test_dense_letters_are_left_undecided() -> None:
    block = np.frombuffer(("я " * 50).encode() + bytes(PADDING), np.uint8)
    assert check_utf8(block, 150, 49) == UNDECIDED
    assert check_utf8(block, 150, 50) == VALID
