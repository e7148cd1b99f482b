"""What Word2Vec tasks keep on storage: each kind of row, written and read by one function each.

Rows have `stored_arrays.SCHEMA`; n are the rows of a block of token ids (`BLOCK_ROWS`, or fewer in
the last block), d the components of a vector, k the directions that trainers watch.

| frame | kind | position | `first` | `second` |
|---|---|---|---|---|
| `shards` | `shard` | shard | int32 token ids, end to end | int32 tokens per sentence |
| `shards` | `held_out` | 0 | likewise, of the sentences to measure the loss on | likewise |
| `shards` | `counts` | block | int64 occurrences per token id, (n,) | |
| `round=N` | `model` | block | float32 input vectors, (n, d) | float32 output vectors, (n, d) |
| `round=N` | `inputs`, `outputs` | block, class by class | float32 vectors of one side, (n, d) | |
| `round=N` | `moments` | last block of a task | float64 sums of x x' per side, (2, d, d) | |
| `round=N` | `watched` | trainer | JSON of `EnergyChange` | |
| `round=N` | `measures` | trainer; 0 in mode packed | JSON, a list: measures of the round | |
| `round=N` | `history` | 0 | JSON, a list: measures of all rounds before | |

Modes packed and replicated write `model`, mode rotated `inputs` and `outputs`. Files of `shards`
lie in folders by kind, and of sentences by file, of `SHARDS_PER_FILE` positions each.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.arrays.offsets import offsets_of
from pipelines.training.rounds import History
from pipelines.training.stored_arrays import Content, StoredArrays, block_matrix, json_row
from pipelines.word2vec.kernels.arguments import NO_SENTENCES, Model, Sentences

BLOCK_ROWS = 4096  # token ids per stored row of vectors or counts
SHARDS = "shards"  # frame of sentences and counts
SHARD, HELD_OUT, _COUNTS = "shard", "held_out", "counts"
_MODEL, INPUTS, OUTPUTS = "model", "inputs", "outputs"
VECTOR_KINDS = (_MODEL, INPUTS, OUTPUTS)
_MOMENTS, _WATCHED, _MEASURES, _HISTORY = "moments", "watched", "measures", "history"
SHARDS_PER_FILE = 16  # positions of a kind per file of `shards`: many small files are slow to read


def blocks(size: int) -> Iterator[tuple[int, slice]]:
    """Yield the position of each block of `BLOCK_ROWS` rows, and its rows, of `size` rows."""
    for position, first in enumerate(range(0, size, BLOCK_ROWS)):
        yield position, slice(first, min(size, first + BLOCK_ROWS))


def blocks_of_class(size: int, classes: int) -> int:
    """Return how many blocks hold one class of `size` token ids: those equal modulo `classes`."""
    return -(-size // (classes * BLOCK_ROWS))


def positions_of_class(number: int, size: int, classes: int) -> range:
    """Return the positions of the blocks of one class; class 0 has the first ones."""
    count = blocks_of_class(size, classes)
    return range(number * count, (number + 1) * count)


def token_ids(position: int, count: int, *, size: int, classes: int) -> NDArray[np.int32]:
    """Return the token ids of the `count` rows of the block at a position."""
    number, block = divmod(position, blocks_of_class(size, classes))
    rows = block * BLOCK_ROWS + np.arange(count, dtype=np.int32)
    return np.asarray(rows * classes + number)


@dataclass(frozen=True)
class EnergyChange:
    """What a trainer changed in the directions that it watched; see `balance.Start`.

    Args:
        change: Change of the balance per direction, (k,).
        axes: The directions, flat, (k * d,); of trainer 0 alone.
        balance: Balance per direction at the round's start, (k,); of trainer 0 alone.
    """

    change: list[float]
    axes: list[float] = field(default_factory=list)
    balance: list[float] = field(default_factory=list)


def part_of(stored: pa.Table) -> str:
    """Return the folder of rows of `shards`, all of one kind and of one file of positions."""
    kind, position = stored["kind"][0].as_py(), stored["position"][0].as_py()
    return _part(kind) if kind == _COUNTS else _part(kind, position)


def _part(kind: str, position: int | None = None) -> str:
    inner = "" if position is None else f"/file={position // SHARDS_PER_FILE}"
    return f"kind={kind}{inner}"


class StoredModel(StoredArrays):
    """The folder of a run: the frame of shards, and versions of the model."""

    def shard(self, number: int) -> Sentences:
        """Return the sentences of a shard; none where it has none."""
        return self._sentences(SHARD, number)

    def held_out(self) -> Sentences:
        """Return the sentences that the loss is measured on."""
        return self._sentences(HELD_OUT, 0)

    def _sentences(self, kind: str, position: int) -> Sentences:
        for _, first, second in self.rows(
            SHARDS, _part(kind, position), only=range(position, position + 1)
        ):
            return _sentences_of(first, second)
        return NO_SENTENCES

    def counts(self, size: int) -> NDArray[np.int64]:
        """Return the occurrences of all token ids, `(size,)`."""
        counts = np.zeros(size, np.int64)
        for position, first, _ in self.rows(SHARDS, _part(_COUNTS)):
            _place(counts, position, np.frombuffer(first.as_buffer(), np.int64))
        return counts

    def fill_model(self, version: str, model: Model) -> None:
        """Fill the first rows of a model with a version's input and output vectors."""
        dimension = model.inputs.shape[1]
        for position, first, second in self.rows(version, "", kind=_MODEL):
            _place(model.inputs, position, block_matrix(first, dimension))
            _place(model.outputs, position, block_matrix(second, dimension))

    def fill_side(self, version: str, kind: str, positions: range, side: np.ndarray) -> None:
        """Fill one side of a class with its blocks, which are at these positions.

        Args:
            version: The version's frame.
            kind: `INPUTS` or `OUTPUTS`.
            positions: See `positions_of_class`.
            side: Filled from its first row on, one row per token id of the class, by d.
        """
        for position, first, _ in self.rows(version, "", kind=kind, only=positions):
            _place(side, position - positions.start, block_matrix(first, side.shape[1]))

    def moments(self, version: str, dimension: int) -> list[NDArray[np.float64]]:
        """Return the sums of x x' of both sides that each writer of a version left, (2, d, d)."""
        return [
            np.frombuffer(first.as_buffer(), np.float64).reshape(2, dimension, dimension)
            for _, first, _ in self.rows(version, "", kind=_MOMENTS)
        ]

    def watched(self, version: str) -> list[EnergyChange]:
        """Return what each trainer of a version's round changed, in the order of trainers."""
        return [EnergyChange(**content) for content in self.json(_WATCHED, version)]

    def measures(self, version: str) -> History:
        """Return the measures of a version's round, in the order of positions."""
        return _joined(self.json(_MEASURES, version))

    def history(self, version: str) -> History:
        """Return the measures of all rounds before a version's own."""
        return _joined(self.json(_HISTORY, version))


def sentences_row(kind: str, position: int, tokens: np.ndarray, lengths: np.ndarray) -> Content:
    """Return a row of sentences: int32 token ids, and int32 tokens per sentence."""
    return (kind, position, tokens.tobytes(), lengths.tobytes())


def _sentences_of(first: pa.Scalar, second: pa.Scalar) -> Sentences:
    """Return the sentences of a row of `sentences_row`; token ids are not copied."""
    lengths = np.frombuffer(second.as_buffer(), np.int32)
    return Sentences(np.frombuffer(first.as_buffer(), np.int32), offsets_of(lengths))


def counts_row(position: int, counts: NDArray[np.int64]) -> Content:
    """Return the occurrences of a block's token ids, `(n,)`."""
    return (_COUNTS, position, counts.tobytes(), b"")


def model_row(position: int, inputs: np.ndarray, outputs: np.ndarray) -> Content:
    """Return a block of input and output vectors, both float32, `(n, d)`."""
    return (_MODEL, position, inputs.tobytes(), outputs.tobytes())


def model_rows(model: Model) -> Iterator[Content]:
    """Yield all rows of a model, a block at a time."""
    for position, block in blocks(len(model.inputs)):
        yield model_row(position, model.inputs[block], model.outputs[block])


def side_row(kind: str, position: int, side: np.ndarray) -> Content:
    """Return a block of one side, `INPUTS` or `OUTPUTS`: float32 vectors, `(n, d)`."""
    return (kind, position, side.tobytes(), b"")


def sides_of(
    kind: str, first: pa.Scalar, second: pa.Scalar, dimension: int
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return input and output vectors of a row of `model_row` or `side_row`; None: not in it."""
    block = block_matrix(first, dimension)
    if kind == _MODEL:
        return block, block_matrix(second, dimension)
    return (block, None) if kind == INPUTS else (None, block)


def moments_row(position: int, sums: NDArray[np.float64]) -> Content:
    """Return the sums of x x' of the input and of the output vectors, `(2, d, d)`."""
    return (_MOMENTS, position, sums.tobytes(), b"")


def watched_row(trainer: int, change: EnergyChange) -> Content:
    """Return what a trainer changed."""
    return json_row(_WATCHED, trainer, asdict(change))


def measures_row(position: int, measures: History) -> Content:
    """Return the measures of a trainer or, in mode packed, of all segments of the round."""
    return json_row(_MEASURES, position, measures)


def history_row(history: History) -> Content:
    """Return the measures of the rounds before."""
    return json_row(_HISTORY, 0, history)


def _joined(lists: list[Any]) -> History:
    return [measures for each in lists for measures in each]


def _place(to: np.ndarray, position: int, rows: np.ndarray) -> None:
    to[position * BLOCK_ROWS : position * BLOCK_ROWS + len(rows)] = rows
