"""Our rules in English, on texts with our own words or with given ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from _given_words import with_words
from numpy.typing import NDArray

from pipelines.corpus.line_rules import LineRules
from pipelines.corpus.rules import LanguageRules, LineRule, all_rules, named_rules
from pipelines.corpus.signals.formulas import SIGNALS
from pipelines.corpus.signals.measuring import measure

LINE_RULES: tuple[LineRule, ...] = ("terminal", "short", "javascript", "policy")
ALL_LINE_RULES: tuple[LineRule, ...] = (*LINE_RULES, "citation")
MIN_LINE_WORDS = 3
"""datatrove's, as C4's code has it; the paper has 5."""
_BARE = {"word_count", "mean_word_length"}
"""Signals for which datatrove leaves out words that are punctuation."""


@dataclass(frozen=True)
class Verdict:
    """What one rule measured of each text, and which it rejects."""

    values: NDArray[np.float64]
    rejected: NDArray[np.bool_]


@dataclass(frozen=True)
class Words:
    """Words by text: all of them, and those that are not punctuation."""

    every: Sequence[list[str]]
    bare: Sequence[list[str]]


def verdicts(texts: pa.Array, words: Words | None) -> dict[str, Verdict]:
    """Return what each rule of our sets says, by the rule's name with `min` or `max` behind it.

    Args:
        texts: Normalised texts.
        words: The words; ours where they are not given.
    """
    return dict(_verdicts(texts, words))


def _verdicts(texts: pa.Array, words: Words | None) -> Iterator[tuple[str, Verdict]]:
    every = bare = measure(texts)
    if words is not None:
        every, bare = with_words(every, words.every), with_words(bare, words.bare)
    trimmed = measure(line_rules(*ALL_LINE_RULES)(texts, has_stops(texts)).texts)
    for rule in all_rules(LanguageRules(), list(named_rules())):
        name = rule.name.partition(".")
        if not name[2] or not rule.judges("en"):
            continue
        counted = trimmed if name[0] == "c4" else bare if rule.signal in _BARE else every
        values = SIGNALS[rule.signal].of(counted).astype(np.float64)
        rejected = values < rule.bound if rule.is_least else values > rule.bound
        yield f"{rule.name} {'min' if rule.is_least else 'max'}", Verdict(values, rejected)


def kept_lines(texts: pa.Array, *names: LineRule) -> list[list[str]]:
    """Return the lines of each text that have other than blanks and that rules by line keep."""
    kept = line_rules(*names)(texts, has_stops(texts)).texts.to_pylist()
    return [[line.strip() for line in text.split("\n") if line.strip()] for text in kept]


def line_rules(*names: LineRule) -> LineRules:
    """Return rules by line."""
    return LineRules(names, MIN_LINE_WORDS)


def has_stops(texts: pa.Array) -> NDArray[np.bool_]:
    """Tell of each text that its language, English, has stops."""
    return np.ones(len(texts), np.bool_)
