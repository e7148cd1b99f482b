"""Tables of tokens as a task holds them: one that counts and grows, one that encodes."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.corpus.tokenizing import hashing, walking
from pipelines.corpus.tokenizing.characters import characters
from pipelines.corpus.tokenizing.texts import Texts

MOST_TOKENS = 1 << 20
"""Distinct tokens that a table of counts holds before it is emptied."""
MOST_BYTES = 1 << 26
"""Bytes of distinct tokens that it holds before it is emptied."""
_FIRST_TOKENS, _FIRST_BYTES = 1 << 14, 1 << 18
_SPARE = 64
_NO_IDS, _NO_ROWS = np.empty(0, np.int32), np.empty((0, 4), np.int32)


@dataclass(frozen=True)
class Cut:
    """How texts are cut into tokens and sentences.

    Args:
        is_lowercase: Whether tokens are lower-cased.
        number_token: Token that stands for every number; None keeps numbers as they are.
        longest: Most tokens of a sentence; a longer one is cut into pieces.
        tokenizer: What a token is: see `characters.characters`.
    """

    is_lowercase: bool
    number_token: str | None
    longest: int
    tokenizer: str = "words"

    @property
    def characters(self) -> tuple[Any, Any, Any]:
        """Return what kernels know of each character."""
        return characters(self.is_lowercase, self.tokenizer).arrays


class TokenTable:
    """Distinct tokens and what is known of each, as the arrays of `hashing`."""

    def __init__(self, tokens: int, size: int, columns: int) -> None:
        """Make room for so many tokens and bytes."""
        self.slots = np.zeros(_slots_for(tokens), np.uint64)
        self.entries = np.zeros((tokens + 1, columns), np.int64)
        self.arena = np.empty(size + _SPARE, np.uint8)

    @property
    def arrays(self) -> tuple[Any, Any, Any]:
        """Return the arrays as kernels take them."""
        return self.slots, self.entries, self.arena

    def grow(self, count: int) -> None:
        """Double the room for tokens."""
        entries = np.zeros((2 * len(self.entries), self.entries.shape[1]), np.int64)
        entries[: count + 1] = self.entries[: count + 1]
        self.entries = entries
        self.slots = np.zeros(_slots_for(len(entries)), np.uint64)
        hashing.place(self.arrays, count)

    def make_room(self, count: int, size: int) -> None:
        """Have room for so many bytes behind the first `count` tokens."""
        held = int(self.entries[count, hashing.BEGIN])
        if held + size + _SPARE > len(self.arena):
            arena = np.empty(2 * held + size + _SPARE, np.uint8)
            arena[:held] = self.arena[:held]
            self.arena = arena


def _slots_for(tokens: int) -> int:
    return 1 << (2 * tokens + 2).bit_length()


class TokenCounts:
    """Counts of tokens in a task: distinct tokens with their occurrences and documents.

    Args:
        cut: How texts are cut.
        most: Distinct tokens after which the table is emptied, between two texts.
    """

    def __init__(self, cut: Cut, *, most: int = MOST_TOKENS) -> None:
        self._cut, self._most = cut, most
        self._table = TokenTable(min(most, _FIRST_TOKENS), _FIRST_BYTES, 4)
        self._chars = cut.characters
        self._documents = 0
        self._begin()

    def _begin(self) -> None:
        """Hold no token, but the one that stands for numbers."""
        self._table.slots[:] = 0
        self._tokens = self.sentences = 0
        self._number_entry = walking.AS_WRITTEN
        if self._cut.number_token is not None:
            token = np.frombuffer(self._cut.number_token.encode(), np.uint8)
            self._table.make_room(0, token.size)
            self._table.arena[: token.size] = token
            self._table.entries[:2] = [[0, 0, 0, -1], [token.size, 0, 0, -1]]
            hashing.place(self._table.arrays, 1)
            self._tokens, self._number_entry = 1, 0

    def add(self, texts: Texts) -> Iterator[pa.RecordBatch]:
        """Count the tokens of texts; yield the counts where the table was emptied."""
        for part in texts.parts():
            self._add(part)
            held = self._table.entries[self._tokens, hashing.BEGIN]
            if self._tokens >= self._most or held >= MOST_BYTES:
                yield from self.flush()

    def _add(self, part: Texts) -> None:
        """Count the tokens of a part; the table grows where it must."""
        rules = np.array([1, self._cut.longest, self._number_entry])
        state = np.zeros(walking.STATE_SIZE, np.int64)
        state[walking.AT], state[walking.BEFORE] = part.offsets[0], self._documents
        state[walking.ENTRY_COUNT] = self._tokens
        self._table.make_room(self._tokens, part.room)
        while not walking.walk(
            part.data,
            part.offsets,
            rules,
            self._chars,
            self._table.arrays,
            state,
            _NO_IDS,
            _NO_ROWS,
        ):
            self._table.grow(int(state[walking.ENTRY_COUNT]))
        self._tokens = int(state[walking.ENTRY_COUNT])
        self.sentences += int(state[walking.FOUND])
        self._documents += len(part.offsets) - 1

    def flush(self) -> Iterator[pa.RecordBatch]:
        """Yield the counts, `token, count, document_count`, and hold none.

        The row whose token is null has the sentences with a token as `count`.
        """
        entries = self._table.entries[: self._tokens + 1]
        seen = entries[:-1, hashing.COUNT] > 0
        tokens = _tokens_of(entries[:, hashing.BEGIN], self._table.arena)
        tokens = pa.concat_arrays([tokens.filter(pa.array(seen)), pa.nulls(1, pa.string())])
        counts = [
            pa.array(np.append(entries[:-1, column][seen], last))
            for column, last in ((hashing.COUNT, self.sentences), (hashing.DOCUMENTS, 0))
        ]
        yield pa.RecordBatch.from_arrays([tokens, *counts], names=COUNT_COLUMNS)
        self._begin()


COUNT_COLUMNS = ["token", "count", "document_count"]
COUNTS = "token string, count bigint, document_count bigint"
"""Schema of what tasks count."""


def _tokens_of(offsets: NDArray[np.int64], arena: NDArray[np.uint8]) -> pa.StringArray:
    """Return tokens that lie end to end; the bytes are copied."""
    size = int(offsets[-1])
    buffers = [pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(arena[:size].tobytes())]
    return pa.StringArray.from_buffers(len(offsets) - 1, *buffers)


@dataclass(frozen=True)
class Encoded:
    """Sentences of texts as token ids.

    Args:
        ids: Ids of all sentences end to end, int32.
        rows: Per sentence its text, number, piece, and where its ids end: int32, `(n, 4)`.
    """

    ids: NDArray[np.int32]
    rows: NDArray[np.int32]


class Encoder(Protocol):
    """Encodes texts."""

    def encode(self, texts: Texts) -> Iterator[tuple[Texts, Encoded]]:
        """Yield parts of texts with their sentences; a sentence may have no known token."""


class Lexicon:
    """A vocabulary that encodes texts. Each process makes the table when it first needs it.

    Args:
        tokens: The tokens in the order of their ids.
        cut: How texts are cut.
    """

    def __init__(self, tokens: pa.Array, cut: Cut) -> None:
        self._tokens, self._cut = tokens, cut

    def __getstate__(self) -> dict[str, Any]:
        """Leave the table behind: it is made faster than sent."""
        return {"_tokens": self._tokens, "_cut": self._cut}

    @cached_property
    def _table(self) -> TokenTable:
        known = Texts.of(self._tokens)
        count, offsets = len(known.offsets) - 1, known.offsets
        size = int(offsets[-1] - offsets[0])
        table = TokenTable(count, size, 1)
        table.entries[: count + 1, hashing.BEGIN] = offsets - offsets[0]
        table.arena[:size] = known.data[offsets[0] : offsets[-1]]
        hashing.place(table.arrays, count)
        return table

    @cached_property
    def _number_entry(self) -> int:
        token = self._cut.number_token
        if token is None:
            return walking.AS_WRITTEN
        found = self._tokens.index(pa.scalar(token, self._tokens.type)).as_py()
        return int(found) if found >= 0 else walking.UNKNOWN

    def encode(self, texts: Texts) -> Iterator[tuple[Texts, Encoded]]:
        """Yield parts of texts with their sentences; a sentence may have no known token."""
        chars = self._cut.characters
        rules = np.array([0, self._cut.longest, self._number_entry])
        table = self._table
        count = len(self._tokens)
        for part in texts.parts():
            ids = np.empty(part.size + 1, np.int32)
            rows = np.empty((part.size // 2 + len(part.offsets), 4), np.int32)
            state = np.zeros(walking.STATE_SIZE, np.int64)
            state[walking.AT], state[walking.ENTRY_COUNT] = part.offsets[0], count
            table.make_room(count, part.room)
            walking.walk(part.data, part.offsets, rules, chars, table.arrays, state, ids, rows)
            yield (
                part,
                Encoded(ids[: state[walking.IDS_WRITTEN]], rows[: state[walking.ROWS_WRITTEN]]),
            )
