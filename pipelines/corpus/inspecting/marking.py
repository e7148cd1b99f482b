"""Where in a text a rule's signal comes from, for a person to see; on texts that are printed."""

import re
from collections import Counter
from collections.abc import Callable, Iterator

Place = tuple[int, int]
"""First character, and the one behind the last."""

_WORD = re.compile(r"\w+(?:['’-]\w+)*")  # noqa: RUF001
_LINE = re.compile(r"\S[^\n]*")
_PARAGRAPH = re.compile(r"\S[^\n]*(?:\n[^\S\n]*\S[^\n]*)*")
_SHORT_LINE = 30
_PATTERNS = {
    "hash_word_ratio": r"#+",
    "ellipsis_word_ratio": r"\.{3,}|…",
    "symbol_word_ratio": r"#+|\.{3,}|…",
    "bullet_line_share": r"(?m)^[^\S\n]*[•‣⁃◦●○▪▫■□◆*-]",  # noqa: RUF001
    "ellipsis_line_share": r"(?m)(?:\.{3,}|…)(?=[^\S\n]*$)",
    "brace_count": r"\{",
    "lorem_ipsum_count": r"(?i)\blorem ipsum\b",
    "javascript_line_share": r"(?i)\bjavascript\b",
    "policy_line_share": r"(?i)\b(?:terms of use|(?:privacy|cookie) policy|use(s| of)? cookies)\b",
    "long_word_count": r"\w{1001,}",
    "digit_share": r"\d+",
    "upper_case_share": r"[^\W\d_a-z]{2,}",
}


def places(text: str, rule: str) -> list[Place]:
    """Return the places of a text that a rule is about, in order; none where all of it is meant.

    They are found by plain patterns, so that a sign which the signal counts otherwise may be
    missing or too much: they show where to look, the stored value is what was measured.

    Args:
        text: The text.
        rule: Name of the rule, as `brace_count` or `c4.brace_count`.
    """
    signal = rule.rpartition(".")[2]
    if signal in _PATTERNS:
        return [found.span() for found in re.finditer(_PATTERNS[signal], text)]
    if signal == "short_line_share":
        spans = (found.span() for found in _LINE.finditer(text))
        return [(first, end) for first, end in spans if end - first <= _SHORT_LINE]
    if signal.startswith("duplicate_line"):
        return _again(text, _LINE)
    if signal.startswith("duplicate_paragraph"):
        return _again(text, _PARAGRAPH)
    if grams := re.match(r"(top|duplicate)_(\d+)_gram", signal):
        chosen = _most_frequent if grams[1] == "top" else _repeated
        return _joined(_grams(text, int(grams[2]), chosen))
    return []


def _again(text: str, unit: re.Pattern[str]) -> list[Place]:
    """Return the lines or paragraphs that came before."""
    seen: set[str] = set()
    found = []
    for one in unit.finditer(text):
        if one[0] in seen:
            found.append(one.span())
        seen.add(one[0])
    return found


Chosen = Callable[[Counter[tuple[str, ...]]], set[tuple[str, ...]]]


def _most_frequent(counts: Counter[tuple[str, ...]]) -> set[tuple[str, ...]]:
    return {gram for gram, often in counts.most_common(1) if often > 1}


def _repeated(counts: Counter[tuple[str, ...]]) -> set[tuple[str, ...]]:
    return {gram for gram, often in counts.items() if often > 1}


def _grams(text: str, size: int, chosen: Chosen) -> Iterator[Place]:
    """Yield the places of the n-grams that are chosen by how often they come."""
    words = list(_WORD.finditer(text))
    lower = [word[0].lower() for word in words]
    grams = [tuple(lower[n : n + size]) for n in range(len(words) - size + 1)]
    wanted = chosen(Counter(grams))
    for n, gram in enumerate(grams):
        if gram in wanted:
            yield words[n].start(), words[n + size - 1].end()


def _joined(found: Iterator[Place]) -> list[Place]:
    """Return places of which those that overlap are one."""
    joined: list[Place] = []
    for first, end in found:
        if joined and first <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((first, end))
    return joined
