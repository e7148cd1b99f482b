"""Texts repaired and in their normal form; what needs nothing is neither decoded nor copied."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from unicodedata import normalize

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.corpus.normalising.characters import IS_SUSPECT, characters
from pipelines.corpus.normalising.choices import Form, Normalisation
from pipelines.corpus.normalising.html_remains import stripped, unescaped
from pipelines.corpus.normalising.mojibake import encoding_repaired
from pipelines.corpus.normalising.rewriting import rewrite
from pipelines.corpus.normalising.scanning import (
    HAS_ENTITY,
    HAS_TAG,
    IS_UNTIDY,
    MAY_COMPOSE,
    find_needs,
)
from pipelines.corpus.normalising.wiki_markup import DEEPEST, strip_markup
from pipelines.corpus.normalising.wiki_words import words
from pipelines.corpus.tokenizing.texts import Texts

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Normalised:
    """Normalised texts.

    Args:
        texts: Arrow array of strings; the one that was given, where every text was normal.
        notes: By name of `TEXT_NOTES`, whether a text was changed so, `(texts,)`.
    """

    texts: Any
    notes: dict[str, Flags]


def normalise(column: Any, how: Normalisation) -> Normalised:
    """Return an Arrow array of strings in normal form.

    In this order: markup; remains of HTML; mojibake; CRLF, CR, NEL, LS and PS become LF, other
    control characters than tabs and all other white space blanks; characters that are not seen go,
    but for ZWJ, ZWNJ and ZWSP where scripts need them and for sequences of emoji; blanks and tabs
    before a line end are dropped, and white space at both ends of the text; then the normal form.
    """
    work = _Work(_without_markup(column) if how.markup == "wiki" else column, how)
    notes = {
        "html_remains": work.change(*_HTML[how.html_remains]),
        "repaired_encoding": work.change(IS_SUSPECT if how.repair_encoding else 0, work.repaired),
    }
    work.tidy()
    if work.change(MAY_COMPOSE, work.composed).any():
        work.tidy()  # compatibility forms have blanks: the acute accent is one and a mark
    return Normalised(work.column, notes)


class _Work:
    """Texts on their way, and the bits of what each still needs."""

    def __init__(self, column: Any, how: Normalisation) -> None:
        self.column = column
        self._form: Form = how.form
        self._texts = Texts.of(column)
        self._needs = self._needs_of(self._texts)

    def change(self, bits: int, fix: Callable[[str], str]) -> Flags:
        """Fix the texts that need one of some bits; tell which texts that changed."""
        is_changed, changed = np.zeros(len(self.column), np.bool_), []
        for place in np.flatnonzero(self._needs & bits).tolist():
            before = self.column[place].as_py()
            after = fix(before)
            if after != before:
                is_changed[place] = True
                changed.append(after)
        if changed:
            texts = pa.array(changed, self.column.type)
            self.column = pc.replace_with_mask(self.column, pa.array(is_changed), texts)
            self._texts = Texts.of(self.column)
            self._needs[is_changed] = self._needs_of(Texts.of(texts))
        return is_changed

    def tidy(self) -> None:
        """Write texts tidily, if any is untidy."""
        if not (self._needs & IS_UNTIDY).any():
            return
        texts = self._texts
        out, ends = np.empty(texts.size, np.uint8), np.zeros(len(texts.offsets), np.int64)
        rewrite(texts.data, texts.offsets, characters(self._form), self._needs, out, ends)
        self.column = _strings(out, ends, self.column)
        self._texts = Texts.of(self.column)
        self._needs &= ~IS_UNTIDY

    def repaired(self, text: str) -> str:
        """Return a text with its encoding repaired."""
        return encoding_repaired(text, self._form)

    def composed(self, text: str) -> str:
        """Return a text in its normal form."""
        return normalize(self._form, text)

    def _needs_of(self, texts: Texts) -> NDArray[np.int64]:
        needs = np.zeros(len(texts.offsets) - 1, np.int64)
        find_needs(texts.data, texts.offsets, characters(self._form), needs)
        return needs


_HTML: dict[str, tuple[int, Callable[[str], str]]] = {
    "keep": (0, unescaped),
    "unescape": (HAS_ENTITY, unescaped),
    "strip": (HAS_ENTITY | HAS_TAG, stripped),
}


def _without_markup(column: Any) -> Any:
    """Return the plain text of wikitexts."""
    texts = Texts.of(column)
    out, ends = np.empty(texts.size, np.uint8), np.zeros(len(texts.offsets), np.int64)
    stack = np.zeros((DEEPEST, 3), np.int64)
    strip_markup(texts.data, texts.offsets, words(), out, ends, stack)
    return _strings(out, ends, column)


def _strings(out: NDArray[np.uint8], ends: NDArray[np.int64], like: Any) -> Any:
    """Return texts that lie end to end as an array of the type, and with the nulls, of another."""
    kind = np.int64 if pa.types.is_large_string(like.type) else np.int32
    buffers = [None, pa.py_buffer(ends.astype(kind)), pa.py_buffer(out)]
    strings = pa.Array.from_buffers(like.type, len(like), buffers)
    return pc.if_else(like.is_valid(), strings, None) if like.null_count else strings
