# mypy: ignore-errors
"""Encoded texts as rows of the table `sentences`, without a Python object per sentence."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.corpus.tokenizing.tables import Encoded, Encoder
from pipelines.corpus.tokenizing.texts import Texts
from pipelines.corpus.tokenizing.walking import ROW_DOCUMENT, ROW_END, ROW_PIECE, ROW_SENTENCE
from pipelines.kernels.compiling import inner

_COLON, _DOT, _ZERO = (ord(sign) for sign in ":.0")
_LONGEST_NUMBERS = 22  # bytes of a colon, a dot and two numbers below 2**31


def encoded_rows(documents: pa.RecordBatch, lexicon: Encoder) -> Iterator[pa.RecordBatch]:
    """Yield `sentence_id, doc_id, token_ids` of each sentence of documents that has a token.

    Args:
        documents: `doc_id, text`.
        lexicon: The vocabulary; tokens outside it fall out, sentences that lose all remain.
    """
    first = 0
    for part, encoded in lexicon.encode(Texts.of(documents.column("text"))):
        count = len(part.offsets) - 1
        yield _rows(documents.column("doc_id").slice(first, count), encoded)
        first += count


def _rows(doc_ids: pa.Array, encoded: Encoded) -> pa.RecordBatch:
    rows = encoded.rows
    bounds = pa.array(np.append(np.int32(0), rows[:, ROW_END]))
    columns = {
        "sentence_id": _sentence_ids(Texts.of(doc_ids), rows),
        "doc_id": doc_ids.take(pa.array(rows[:, ROW_DOCUMENT])),
        "token_ids": pa.ListArray.from_arrays(bounds, pa.array(encoded.ids)),
    }
    return pa.RecordBatch.from_pydict(columns)


def _sentence_ids(names: Texts, rows: Any) -> pa.StringArray:
    """Return `doc_id:%06d.%d` of each row, by document, sentence and piece."""
    lengths = np.diff(names.offsets)[rows[:, ROW_DOCUMENT]]
    data = np.empty(int(lengths.sum()) + len(rows) * _LONGEST_NUMBERS, np.uint8)
    offsets = np.zeros(len(rows) + 1, np.int32)
    write_sentence_ids(names.data, names.offsets, rows, data, offsets)
    return pa.StringArray.from_buffers(
        len(rows), pa.py_buffer(offsets), pa.py_buffer(data[: offsets[-1]])
    )


@inner
def write_sentence_ids(names, begins, rows, data, offsets):
    """Write the ids of rows end to end.

    Args:
        names: Ids of documents end to end, uint8.
        begins: Where each begins, and where the last ends, int64.
        rows: Document, sentence and piece of each row, int32.
        data: Filled with the ids, uint8.
        offsets: Filled with where they end, int32, from its second element on; the first is 0.
    """
    to = 0
    for row in range(len(rows)):
        document = rows[row, ROW_DOCUMENT]
        for at in range(begins[document], begins[document + 1]):
            data[to] = names[at]
            to += 1
        data[to] = _COLON
        to = _write_number(rows[row, ROW_SENTENCE], 6, data, to + 1)
        data[to] = _DOT
        to = _write_number(rows[row, ROW_PIECE], 1, data, to + 1)
        offsets[row + 1] = to


@inner
def _write_number(number, digits, data, to):
    """Write a number with at least so many digits; return the place behind it."""
    most = 10**9
    for left in range(10, 0, -1):
        if left <= digits or number >= most:
            data[to] = _ZERO + number // most % 10
            to += 1
        most //= 10
    return to
