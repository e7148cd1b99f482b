"""Our signals of words that another program parted: its tokens, spelled so that each is one word.

The kernels take texts, not words. So a token that is not one word of ours is spelled as one: with
as many characters, with a letter where the token has one, and like others that are equal. The words
of a text are then joined by blanks.
"""

import unicodedata
from collections.abc import Sequence
from itertools import chain, count

import numpy as np
import pyarrow as pa

from pipelines.corpus.signals import counts as at_
from pipelines.corpus.signals.counts import COUNTS
from pipelines.corpus.signals.measuring import Measures, measure

_LETTERS = [chr(code) for code in range(0xAC00, 0xD7A4)]  # Hangul: without case
_DIGITS = [chr(code) for code in range(0x3000) if unicodedata.category(chr(code)) in {"Nd", "No"}]
_OF_WORDS = [at_.WORDS, at_.WORD_CHARACTERS, at_.WORDS_WITH_LETTER, at_.STOP_WORDS]
_OF_WORDS += [at_.BLANKLESS_WORDS, at_.BLANKLESS_CHARACTERS, *range(at_.FIRST_GRAMS, len(COUNTS))]


def with_words(own: Measures, words: Sequence[list[str]]) -> Measures:
    """Return what was counted in texts, with the counts of given words in place of ours.

    Args:
        own: Counts of the texts themselves.
        words: Words by text.

    Raises:
        ValueError: A token's spelling is not one word of ours.
    """
    spelled = _spelling(sorted(set(chain.from_iterable(words))))
    found = measure(pa.array([" ".join(map(spelled.__getitem__, each)) for each in words]))
    lengths = np.array([[len(each), sum(map(len, each))] for each in words])
    if (found.counts[:, [at_.WORDS, at_.WORD_CHARACTERS]] != lengths).any():
        raise ValueError("a token is not spelled as one word")
    counts = own.counts.copy()
    counts[:, _OF_WORDS] = found.counts[:, _OF_WORDS]
    return Measures(counts, own.contents)


def _spelling(tokens: list[str]) -> dict[str, str]:
    """Return the spelling of each token: itself where it is one word of ours."""
    told = measure(pa.array(tokens))
    lengths = np.array(list(map(len, tokens)))
    is_word = (told["words"] == 1) & (told["characters"] == lengths)
    is_word &= (told["word_characters"] == lengths) & (told["blankless_words"] == 0)
    numbers: dict[tuple[int, bool], count[int]] = {}
    found = {}
    for token, is_own in zip(tokens, is_word.tolist(), strict=True):
        kind = len(token), any(map(str.isalpha, token))
        number = 0 if is_own else next(numbers.setdefault(kind, count()))
        found[token] = token if is_own else _spelled(number, *kind)
    return found


def _spelled(number: int, length: int, has_letter: bool) -> str:
    """Return a number in digits of its own, so many of them."""
    signs = _LETTERS if has_letter else _DIGITS
    found = []
    for _ in range(length):
        number, sign = divmod(number, len(signs))
        found.append(signs[sign])
    if number:
        raise ValueError(f"too many tokens of {length} characters")
    return "".join(found)
