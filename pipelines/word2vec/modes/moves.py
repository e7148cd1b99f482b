"""What trainers of mode replicated send to the merge: each kind of row, written and read here.

Rows have `MOVES`; n are the rows of a block, m those of them that a trainer touched.

| kind | position | trainer | `first` | `second` | `third` |
|---|---|---|---|---|---|
| `base` | block | -1, sorts first | `Basis.to_bytes` | float32 inputs, (n, d) | outputs, (n, d) |
| `inputs`, `outputs` | block | trainer | int32 rows in the block, (m,) | float32 deltas, (m, d) | \
float32 touches, (m,) |
| others | -1: no block | position of the row | `first` of a row of `stored_model` | | |
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.training.stored_arrays import Content, block_matrix
from pipelines.word2vec.kernels.arguments import Model
from pipelines.word2vec.modes.merge import Basis

MOVES = "position int, trainer int, kind string, first binary, second binary, third binary"
_TYPES = {
    "position": pa.int32(),
    "trainer": pa.int32(),
    "kind": pa.string(),
    "first": pa.binary(),
    "second": pa.binary(),
    "third": pa.binary(),
}
_ARROW = pa.schema(_TYPES)
NO_BLOCK = -1  # position of rows that are passed on
_BASE, _NO_TRAINER = "base", -1
Move = tuple[int, int, str, bytes, bytes, bytes]


class ReadMove(NamedTuple):
    """A row of `MOVES` that was read."""

    position: int
    trainer: int
    kind: str
    first: pa.Scalar
    second: pa.Scalar
    third: pa.Scalar


class SideMove(NamedTuple):
    """How a trainer moved rows of a block: rows `(m,)`, deltas `(m, d)`, touches `(m,)`."""

    rows: NDArray[np.int32]
    deltas: NDArray[np.float32]
    touches: NDArray[np.float32]


def base_move(position: int, basis: bytes, inputs: np.ndarray, outputs: np.ndarray) -> Move:
    """Return a block of the model that a round begins with, and the basis of `Basis.to_bytes`."""
    return (position, _NO_TRAINER, _BASE, basis, inputs.tobytes(), outputs.tobytes())


def base_of(move: ReadMove, dimension: int) -> tuple[Basis, Model]:
    """Return the basis and the block of a row of `base_move`."""
    model = Model(block_matrix(move.second, dimension), block_matrix(move.third, dimension))
    return Basis.from_bytes(move.first.as_buffer(), dimension), model


def side_move(position: int, trainer: int, kind: str, moved: SideMove) -> Move:
    """Return how a trainer moved the rows of one side of a block, `INPUTS` or `OUTPUTS`."""
    rows = moved.rows.astype(np.int32)
    return (
        position,
        trainer,
        kind,
        rows.tobytes(),
        moved.deltas.tobytes(),
        moved.touches.tobytes(),
    )


def side_move_of(move: ReadMove, dimension: int) -> SideMove:
    """Return the content of a row of `side_move`."""
    return SideMove(
        np.frombuffer(move.first.as_buffer(), np.int32),
        block_matrix(move.second, dimension),
        np.frombuffer(move.third.as_buffer(), np.float32),
    )


def passed_on(row: Content) -> Move:
    """Return the move that carries a row of `stored_model` whose `second` is empty."""
    kind, position, first, _ = row
    return (NO_BLOCK, position, kind, first, b"", b"")


def passed_row(move: ReadMove) -> Content:
    """Return the row that a move of `passed_on` carries."""
    return (move.kind, move.trainer, move.first.as_py(), b"")


def as_batch(move: Move) -> pa.RecordBatch:
    """Return a batch of one row of `MOVES`."""
    columns = [pa.array([value], kind) for value, kind in zip(move, _TYPES.values(), strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=_ARROW)


def read_moves(batches: Iterable[pa.RecordBatch]) -> Iterator[ReadMove]:
    """Yield the rows of batches of `MOVES`; arrays are not copied."""
    for batch in batches:
        plain = [batch.column(n).to_pylist() for n in range(3)]
        for row in zip(*plain, *(batch.column(n) for n in (3, 4, 5)), strict=True):
            yield ReadMove(*row)
