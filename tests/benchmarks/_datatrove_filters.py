"""datatrove's filters rule by rule; runs in the environment that `parity.py` makes, which has it.

    python _datatrove_filters.py judge TEXTS OUT          # TEXTS: JSON lines, a string each
    python _datatrove_filters.py values TEXTS OUT PAIRS   # PAIRS: JSON, [place of text, rule] each

A filter stops at the first rule that a document breaks. So each rule is asked alone, of a filter
whose other bounds are off; what a rule measured is found by asking it with other bounds.
"""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
    fineweb_quality_filter,
    gopher_quality_filter,
    gopher_repetition_filter,
)
from datatrove.utils.text import PUNCTUATION_SET, split_into_words

_NEVER = float("inf")
PAPERS_STOPS = (".", "'", '"', "!", "?")
"""Ends of lines in the filter that FineWeb was made with; since then its default is the stops of
all scripts, without quotation marks. The bound of duplicate lines is the paper's, too: 0.1, where
the filter's default is 0.01."""
_QUALITY_OFF = (
    *("min_doc_words", "max_doc_words", "min_avg_word_length", "max_avg_word_length"),
    *("max_symbol_word_ratio", "max_bullet_lines_ratio", "max_ellipsis_lines_ratio"),
    *("max_non_alpha_words_ratio", "min_stop_words"),
)
_REPETITION_OFF = ("dup_line_frac", "dup_para_frac", "dup_line_char_frac", "dup_para_char_frac")
_OFF: dict[type, dict[str, Any]] = {
    GopherQualityFilter: dict.fromkeys(_QUALITY_OFF),
    GopherRepetitionFilter: {
        **dict.fromkeys(_REPETITION_OFF),
        "top_n_grams": (),
        "dup_n_grams": (),
    },
    FineWebQualityFilter: {
        **{"stop_chars": PAPERS_STOPS, "line_punct_thr": 0, "short_line_thr": _NEVER},
        **{"char_duplicates_ratio": _NEVER, "new_line_ratio": _NEVER},
    },
    C4QualityFilter: {
        **{"min_num_sentences": -1, "filter_lorem_ipsum": False, "filter_curly_bracket": False},
    },
}
_NO_LINE_RULES = {
    **{"remove_citations": False, "filter_no_terminal_punct": False, "min_words_per_line": -1},
    **{"max_word_length": -1, "filter_javascript": False, "filter_policy": False},
}
LINE_RULES: dict[str, dict[str, Any]] = {
    "terminal": {"filter_no_terminal_punct": True},
    "short": {"min_words_per_line": 3},
    "javascript": {"filter_javascript": True},
    "policy": {"filter_policy": True},
}
"""What turns each of C4's rules by line on."""


@dataclass(frozen=True)
class Rule:
    """One bound of one filter.

    Args:
        kind: The filter.
        settings: Its settings by bound.
        bound: The bound.
        most: More than what the rule can measure.
        is_least: Whether smaller values are rejected.
        hidden: Signs that are hidden from the filter, as another rule of the same setting has them.
    """

    kind: type
    settings: Callable[[float], dict[str, Any]]
    bound: float
    most: float = 9
    is_least: bool = False
    hidden: tuple[str, ...] = ()

    def rejects(self, text: str, bound: float) -> bool:
        """Tell whether the filter rejects a text by this rule alone."""
        for sign in self.hidden:
            text = text.replace(sign, "$" * len(sign))
        asked = self.kind(**(_OFF[self.kind] | self.settings(bound)))
        return asked.filter(Document(text=text, id="")) is not True

    def value(self, text: str) -> float:
        """Return what the rule measured, by halving the range of bounds 50 times."""
        low, high = 0.0, self.most
        for _ in range(50):
            middle = (low + high) / 2
            if self.rejects(text, middle) == self.is_least:
                high = middle
            else:
                low = middle
        return round(high, 6)


def setting(name: str) -> Callable[[float], dict[str, Any]]:
    """Return settings that have a bound under one name."""
    return lambda bound: {name: bound}


def gram_setting(name: str, size: int) -> Callable[[float], dict[str, Any]]:
    """Return settings that have a bound for n-grams of one size."""
    return lambda bound: {name: ((size, bound),)}


def switch(name: str) -> Callable[[float], dict[str, Any]]:
    """Return settings that turn a rule without a bound on."""
    return lambda bound: {name: bound < 1}


def _quality() -> Iterator[tuple[str, Rule]]:
    kind = GopherQualityFilter
    yield "word_count min", Rule(kind, setting("min_doc_words"), 50, 1e7, is_least=True)
    yield "word_count max", Rule(kind, setting("max_doc_words"), 100_000, 1e7)
    yield "mean_word_length min", Rule(kind, setting("min_avg_word_length"), 3, 1e5, is_least=True)
    yield "mean_word_length max", Rule(kind, setting("max_avg_word_length"), 10, 1e5)
    symbols = setting("max_symbol_word_ratio")
    yield "hash_word_ratio max", Rule(kind, symbols, 0.1, hidden=("...", "…"))
    yield "ellipsis_word_ratio max", Rule(kind, symbols, 0.1, hidden=("#",))
    yield "bullet_line_share max", Rule(kind, setting("max_bullet_lines_ratio"), 0.9)
    yield "ellipsis_line_share max", Rule(kind, setting("max_ellipsis_lines_ratio"), 0.3)
    letters = setting("max_non_alpha_words_ratio")
    yield "alphabetic_word_share min", Rule(kind, letters, 0.8, is_least=True)
    yield "stop_word_count min", Rule(kind, setting("min_stop_words"), 2, is_least=True)


def _repetition() -> Iterator[tuple[str, Rule]]:
    kind = GopherRepetitionFilter
    yield "duplicate_line_share max", Rule(kind, setting("dup_line_frac"), 0.3)
    yield "duplicate_paragraph_share max", Rule(kind, setting("dup_para_frac"), 0.3)
    for of, name in (("line", "dup_line_char_frac"), ("paragraph", "dup_para_char_frac")):
        yield f"duplicate_{of}_character_share max", Rule(kind, setting(name), 0.2)
    for n, bound in ((2, 0.2), (3, 0.18), (4, 0.16)):
        yield f"top_{n}_gram_character_share max", Rule(kind, gram_setting("top_n_grams", n), bound)
    for n in range(5, 11):
        asked = Rule(kind, gram_setting("dup_n_grams", n), (20 - n) / 100)
        yield f"duplicate_{n}_gram_character_share max", asked


def _fineweb() -> Iterator[tuple[str, Rule]]:
    kind = FineWebQualityFilter
    yield "terminal_line_share min", Rule(kind, setting("line_punct_thr"), 0.12, is_least=True)
    yield "short_line_share max", Rule(kind, setting("short_line_thr"), 0.67)
    duplicates = Rule(kind, setting("char_duplicates_ratio"), 0.1)
    yield "duplicate_line_character_share max", duplicates
    yield "line_word_ratio max", Rule(kind, setting("new_line_ratio"), 0.3)


def _c4() -> Iterator[tuple[str, Rule]]:
    kind = C4QualityFilter
    yield "sentence_count min", Rule(kind, setting("min_num_sentences"), 5, 1e6, is_least=True)
    yield "brace_count max", Rule(kind, switch("filter_curly_bracket"), 0)
    yield "lorem_ipsum_count max", Rule(kind, switch("filter_lorem_ipsum"), 0)


_SETS = {
    "gopher_quality": _quality(),
    "gopher_repetition": _repetition(),
    "c4": _c4(),
    "fineweb": _fineweb(),
}
RULES = {f"{name}.{rule}": asked for name, rules in _SETS.items() for rule, asked in rules}
"""Each bound, by our name of its rule with `min` or `max` behind it."""


def parted(text: str) -> list[str]:
    """Part a text into words once for all rules."""
    words = split_into_words(text, "en")
    for module in (gopher_quality_filter, gopher_repetition_filter, fineweb_quality_filter):
        module.split_into_words = lambda *_: words
    return words


def kept_lines(text: str, **line_rules: Any) -> list[str]:
    """Return the lines that have other than blanks and that C4's rules by line keep."""
    document = Document(text=text, id="")
    C4QualityFilter(**(_OFF[C4QualityFilter] | line_rules)).filter(document)
    return [line.strip() for line in document.text.split("\n") if line.strip()]


def judged(text: str) -> dict[str, Any]:
    """Return a text's words, those that are punctuation, broken rules and kept lines."""
    words = parted(text)
    kept = {name: len(kept_lines(text, **(_NO_LINE_RULES | on))) for name, on in LINE_RULES.items()}
    return {
        "words": words,
        "symbols": sorted({word for word in words if PUNCTUATION_SET.issuperset(word)}),
        "rejected": [name for name, rule in RULES.items() if rule.rejects(text, rule.bound)],
        "kept": kept,
        "lines": kept_lines(text),
    }


def main(mode: str, texts: str, out: str, pairs: str = "") -> None:
    """Answer about texts, as the docstring above tells."""
    lines = Path(texts).read_text(encoding="utf-8").split("\n")
    found: list[Any] = []
    if mode == "judge":
        found = [judged(json.loads(line)) for line in lines]
    else:
        for place, name in json.loads(Path(pairs).read_text(encoding="utf-8")):
            text = json.loads(lines[place])
            parted(text)
            found.append(RULES[name].value(text))
    Path(out).write_text("\n".join(map(json.dumps, found)), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
