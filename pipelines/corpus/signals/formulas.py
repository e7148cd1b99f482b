"""Signals from counts: each is a count, or one sum of counts divided by another."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.corpus.signals.measuring import Measures

Values = NDArray[np.int64] | NDArray[np.float64]


@dataclass(frozen=True)
class Signal:
    """The formula of a signal: `part`, or `part / whole`, which is 0 where `whole` is 0.

    Both are sums of counts (`counts.COUNTS`), separated by blanks; a minus before a name subtracts.
    A whole that is smaller than `least` is taken as `least`.
    """

    part: str
    whole: str | None = None
    least: int = 0

    def of(self, measures: Measures) -> Values:
        """Return the signal of each document: int64 for a count, else float64."""
        part = _sum(measures, self.part)
        if self.whole is None:
            return part
        whole = np.maximum(_sum(measures, self.whole), self.least)
        out = np.zeros(len(part), np.float64)
        return np.divide(part, whole, out=out, where=whole > 0)


def _sum(measures: Measures, names: str) -> NDArray[np.int64]:
    total = np.zeros(len(measures.counts), np.int64)
    for name in names.split():
        total += -measures[name[1:]] if name[0] == "-" else measures[name]
    return total


SIGNALS = {
    "character_count": Signal("characters"),
    "word_count": Signal("words"),
    "mean_word_length": Signal("word_characters -blankless_characters", "words -blankless_words"),
    "alphabetic_word_share": Signal("words_with_letter", "words"),
    "symbol_word_ratio": Signal("hash_signs ellipses", "words", 1),
    "duplicate_line_share": Signal("duplicate_lines", "lines"),
    "blankless_share": Signal("blankless_characters", "word_characters"),
    "hash_word_ratio": Signal("hash_signs", "words", 1),
    "ellipsis_word_ratio": Signal("ellipses", "words", 1),
    "bullet_line_share": Signal("bullet_lines", "lines"),
    "ellipsis_line_share": Signal("ellipsis_lines", "lines"),
    "stop_word_count": Signal("stop_words"),
    "duplicate_line_character_share": Signal("duplicate_line_characters", "characters"),
    "duplicate_paragraph_share": Signal("duplicate_paragraphs", "paragraphs"),
    "duplicate_paragraph_character_share": Signal("duplicate_paragraph_characters", "characters"),
    **{f"top_{n}_gram_character_share": Signal(f"top_{n}_grams", "characters") for n in (2, 3, 4)},
    **{
        f"duplicate_{n}_gram_character_share": Signal(f"duplicate_{n}_grams", "characters")
        for n in range(5, 11)
    },
    "sentence_count": Signal("sentences"),
    "line_count": Signal("lines"),
    "brace_count": Signal("braces"),
    "lorem_ipsum_count": Signal("lorem_ipsum"),
    "javascript_line_share": Signal("javascript_lines", "lines"),
    "policy_line_share": Signal("policy_lines", "lines"),
    "long_word_count": Signal("long_words"),
    "terminal_line_share": Signal("terminal_lines", "lines"),
    "short_line_share": Signal("short_lines", "lines"),
    "line_word_ratio": Signal("new_lines", "words", 1),
    "punctuation_share": Signal("punctuation", "characters"),
    "digit_share": Signal("digits", "characters"),
    "upper_case_share": Signal("upper_case", "characters"),
    "white_space_share": Signal("white_space", "characters"),
}
"""The formula of each signal by its name; what each means is told in `rules.Rules`."""
