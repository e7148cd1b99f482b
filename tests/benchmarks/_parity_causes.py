"""Why a rule of ours and datatrove's differ on a document, each cause checked by its number.

Each formula of datatrove that is not ours is written out here, plainly. A cause is named only where
that formula, of the same text and words, gives the value that datatrove's filter measured.
"""

from collections import Counter
from collections.abc import Sequence

UNEXPLAINED = "unexplained"
ONCE = "the most frequent n-gram comes once: ours is 0, datatrove's its length"
BLANKS = "blanks between the words of a duplicate n-gram: ours counts them, datatrove's does not"
CASE = "upper and lower case are one to ours"
SIGNS = "ours takes other signs too as the end of a line"
SENTENCES = "spaCy parts sentences otherwise"
LINES = "a line rule keeps other lines"
SYMBOLS = "punctuation counts as words"
PARTED = "spaCy parts words otherwise"

_GOPHER = {"the", "be", "to", "of", "and", "that", "have", "with"}
_ENDS = (".", "'", '"', "!", "?")
_CLOSE = 1e-5


def cause_of_formula(signal: str, text: str, words: Sequence[str], ours: float, its: float) -> str:
    """Return why values differ although both are of the same words."""
    if signal.startswith("top_"):
        return _of_top(int(signal.split("_")[1]), text, words, ours, its)
    if signal.startswith("duplicate_") and "_gram_" in signal:
        return _of_duplicates(int(signal.split("_")[1]), text, words, ours, its)
    if signal == "stop_word_count" and len(_GOPHER.intersection(words)) == round(its):
        return CASE
    if signal == "terminal_line_share":
        lines = [line for line in text.split("\n") if line.strip()]
        return (
            SIGNS if _is_close(sum(n.endswith(_ENDS) for n in lines), lines, its) else UNEXPLAINED
        )
    return UNEXPLAINED


def _is_close(part: float, whole: Sequence[str], value: float) -> bool:
    return abs(part / len(whole) - value) < _CLOSE


def _grams(size: int, words: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(words[n : n + size]) for n in range(len(words) - size + 1)]


def _of_top(size: int, text: str, words: Sequence[str], ours: float, its: float) -> str:
    gram, often = Counter(map(" ".join, _grams(size, words))).most_common(1)[0]
    if not _is_close(len(gram) * often, text, its):
        return UNEXPLAINED
    return ONCE if often == 1 and ours == 0 else CASE


def _of_duplicates(size: int, text: str, words: Sequence[str], ours: float, its: float) -> str:
    if not _is_close(_repeated(size, words, ""), text, its):
        return UNEXPLAINED
    if _is_close(_repeated(size, words, " "), text, ours):
        return BLANKS
    return CASE if _is_close(_repeated(size, _lower(words), " "), text, ours) else UNEXPLAINED


def _lower(words: Sequence[str]) -> list[str]:
    return [word.lower() for word in words]


def _repeated(size: int, words: Sequence[str], between: str) -> int:
    """Return the characters of n-grams that came before, none of which overlap."""
    grams, seen, found, at = _grams(size, words), set(), 0, 0
    while at < len(grams):
        gram = between.join(grams[at])
        is_again = gram in seen
        found += is_again * len(gram)
        seen.add(gram)
        at += size if is_again else 1
    return found
