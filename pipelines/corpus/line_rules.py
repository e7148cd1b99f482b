"""Lines that are no prose, taken out of texts: C4's rules by line.

Raffel et al. 2020 (arXiv 1910.10683), section 2.2. Where C4 looks for characters in a row, these
look for words: `javascripts` is another word.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.arrays.offsets import offsets_of
from pipelines.corpus.rules import LineRule
from pipelines.corpus.signals.measuring import Measures, measure

REMOVING: tuple[LineRule, ...] = ("javascript", "policy", "terminal", "short")
"""The rules that remove lines; `citation` removes marks within them."""
_CITATION = r"\[\d*\]|\[edit\]|\[citation needed\]"
_WITHOUT_STOPS = frozenset({"lo", "th"})


@dataclass(frozen=True)
class Trimmed:
    """Texts without the lines that rules removed.

    Args:
        texts: An Arrow array of strings.
        removed: Lines removed by text, int32; a line counts once.
        by_rule: Lines by each of `REMOVING`; a line counts under all that it broke.
    """

    texts: pa.Array
    removed: NDArray[np.int32]
    by_rule: dict[str, int]


@dataclass(frozen=True)
class LineRules:
    """The rules of a run; they are sent to tasks.

    Args:
        names: Rules that apply.
        min_words: Fewest words of a line that is not `short`.
    """

    names: tuple[LineRule, ...]
    min_words: int

    def __call__(self, texts: pa.Array, has_stops: NDArray[np.bool_]) -> Trimmed:
        """Remove lines, and the blank lines that are then too many.

        Args:
            texts: An Arrow array of normalised strings without nulls.
            has_stops: Whether the text's language ends sentences with signs.
        """
        if not self.names:
            return Trimmed(
                texts, np.zeros(len(texts), np.int32), dict.fromkeys(map(str, REMOVING), 0)
            )
        if "citation" in self.names:
            texts = _without_citations(texts)
        parts = pc.split_pattern(texts, "\n")
        lines = parts.flatten()
        texts_of = np.repeat(np.arange(len(texts)), np.diff(parts.offsets.to_numpy()))
        broken = self._broken(measure(lines, has_repetition=False), has_stops[texts_of])
        is_gone = np.logical_or.reduce([np.zeros(len(lines), np.bool_), *broken.values()])
        removed = np.bincount(texts_of[is_gone], minlength=len(texts)).astype(np.int32)
        by_rule = dict.fromkeys(map(str, REMOVING), 0)
        by_rule |= {name: int(lost.sum()) for name, lost in broken.items()}
        if removed.any():
            texts = _joined(texts, lines.filter(pa.array(~is_gone)), texts_of[~is_gone], removed)
        return Trimmed(texts, removed, by_rule)

    def _broken(
        self, lines: Measures, has_stops: NDArray[np.bool_]
    ) -> Mapping[LineRule, NDArray[np.bool_]]:
        """Return which lines break each rule; lines of blanks alone break none."""
        is_line = lines["lines"] > 0
        ends = (lines["terminal_lines"] > 0) & (lines["ellipsis_lines"] == 0)
        every: dict[LineRule, Any] = {
            "javascript": lines["javascript_lines"] > 0,
            "policy": lines["policy_lines"] > 0,
            "terminal": ~ends & has_stops,
            "short": lines["words"] < self.min_words,
        }
        return {name: every[name] & is_line for name in self.names if name in every}


def has_stops(language: str) -> bool:
    """Tell whether a language ends sentences with signs."""
    return language not in _WITHOUT_STOPS


def _without_citations(texts: pa.Array) -> pa.Array:
    """Return texts without `[1]`, `[]`, `[edit]` and `[citation needed]`."""
    has_any = pc.match_substring_regex(texts, _CITATION)
    if not pc.any(has_any).as_py():
        return texts
    cleared = pc.replace_substring_regex(texts.filter(has_any), _CITATION, "")
    cleared = pc.replace_substring_regex(cleared, r"[ \t]+\n", "\n")
    return pc.replace_with_mask(texts, has_any, pc.utf8_trim_whitespace(cleared))


def _joined(
    texts: pa.Array, kept: pa.Array, texts_of: NDArray[np.int64], removed: NDArray[np.int32]
) -> pa.Array:
    """Return texts of the lines that are kept; those that lost none stay as they are."""
    offsets = offsets_of(np.bincount(texts_of, minlength=len(texts))).astype(np.int32)
    lists = pa.ListArray.from_arrays(pa.array(offsets), kept)
    is_changed = pa.array(removed > 0)
    joined = pc.binary_join(lists.filter(is_changed), "\n")
    tidy = pc.replace_substring_regex(joined, r"\n{3,}", "\n\n")
    return pc.replace_with_mask(texts, is_changed, pc.utf8_trim_whitespace(tidy))
