"""Texts in their normal form: NFC, LF, no control characters, no blanks at ends of lines."""

import unicodedata
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.corpus.signals.characters import characters
from pipelines.corpus.signals.rewriting import IS_UNTIDY, MAY_COMPOSE, find_needs, rewrite
from pipelines.corpus.tokenizing.texts import Texts


def normalised(column: Any) -> Any:
    """Return an Arrow array of strings in normal form; itself where every text has it.

    NFC first; then CRLF and CR become LF, other control characters than tabs become blanks, blanks
    and tabs before a line end are dropped, and white space at both ends of the text.
    """
    texts = Texts.of(column)
    needs = np.zeros(len(column), np.int64)
    find_needs(texts.data, texts.offsets, characters(), needs)
    composed = _composed(column, needs & MAY_COMPOSE != 0)
    if composed is not column:
        column, texts = composed, Texts.of(composed)
    if not (needs & IS_UNTIDY).any():
        return column
    out, ends = np.empty(texts.size, np.uint8), np.zeros(len(texts.offsets), np.int64)
    rewrite(texts.data, texts.offsets, characters(), needs, out, ends)
    return _strings(out, ends, column)


def _composed(column: Any, may: NDArray[np.bool_]) -> Any:
    """Return the texts in NFC, where it is not certain that they have it."""
    places = [
        place
        for place in np.flatnonzero(may).tolist()
        if not unicodedata.is_normalized("NFC", column[place].as_py())
    ]
    if not places:
        return column
    fixed = pc.utf8_normalize(column.take(pa.array(places)), form="NFC")
    is_fixed = np.zeros(len(column), np.bool_)
    is_fixed[places] = True
    return pc.replace_with_mask(column, pa.array(is_fixed), fixed)


def _strings(out: NDArray[np.uint8], ends: NDArray[np.int64], like: Any) -> Any:
    """Return texts that lie end to end as an array of the type, and with the nulls, of another."""
    kind = np.int64 if pa.types.is_large_string(like.type) else np.int32
    buffers = [None, pa.py_buffer(ends.astype(kind)), pa.py_buffer(out)]
    strings = pa.Array.from_buffers(like.type, len(like), buffers)
    return pc.if_else(like.is_valid(), strings, None) if like.null_count else strings
