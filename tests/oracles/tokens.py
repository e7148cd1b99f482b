"""The tokenizer by regular expressions, one step after the other: sentences, tokens, counts."""

import re
import unicodedata
from collections import Counter
from functools import cache

from pipelines.corpus.code_points import WITHOUT_BLANKS

SOFT_HYPHEN, NON_JOINER = "\u00ad", "\u200c"
SPACED = ".!?…．"
BLANK = (
    "\t\n\v\f\r\x20\x85\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a"
    "\u2028\u2029\u205f\u3000"
)


@cache
def classes() -> dict[str, str]:
    """Return the letters, marks and numbers of Unicode as what stands in brackets."""
    found: dict[str, list[str]] = {"L": [], "M": [], "N": []}
    for code in range(0x110000):
        kind = unicodedata.category(chr(code))[0]
        if kind in found:
            found[kind].append(re.escape(chr(code)))
    return {kind: "".join(signs) for kind, signs in found.items()}


@cache
def without_blanks() -> str:
    """Return the letters of scripts without blanks as what stands in brackets."""
    return "".join(
        re.escape(chr(code))
        for first, last in WITHOUT_BLANKS
        for code in range(first, last + 1)
        if unicodedata.category(chr(code))[0] == "L"
    )


@cache
def token_pattern(tokenizer: str) -> re.Pattern[str]:
    """Return the pattern of a word, letter or number; a word or letter is the first group."""
    L, M, N = classes().values()  # noqa: N806
    join = "\u200c\u200d\u00ad"
    number, alone = f"[{N}]+(?:[.,][{N}]+)*", f"[{L}][{M}{join}]*"
    if tokenizer == "characters":
        return re.compile(f"({alone})|{number}")
    own = f"(?![{without_blanks()}])"
    word = f"_*{own}[{L}](?:{own}[{L}{M}{N}_{join}])*(?:['’]{own}[{L}](?:{own}[{L}{M}{join}])*)*"
    return re.compile(f"({word}|{alone})|{number}")


def sentence_end(full_stops: str) -> re.Pattern[str]:
    """Return the pattern of what parts two sentences."""
    full, stop = re.escape(full_stops), re.escape(full_stops + SPACED)
    return re.compile(f"(?<=[{full}])(?![{stop}])[{BLANK}]*|(?<=[{stop}])[{BLANK}]+|\n[{BLANK}]*\n")


def tokens_of(
    text: str, *, is_lowercase: bool, number_token: str | None, tokenizer: str
) -> list[str]:
    """Return the tokens of a sentence."""
    if tokenizer == "whitespace":
        cut = [part.strip(NON_JOINER) for part in text.split()]
        return [part.lower() if is_lowercase else part for part in cut if part]
    found = []
    for match in token_pattern(tokenizer).finditer(text):
        token = match.group().replace(SOFT_HYPHEN, "").rstrip(NON_JOINER)
        if match.group(1) is None and number_token is not None:
            token = number_token
        elif is_lowercase:
            token = token.lower()
        found.append(token)
    return found


def pieces(
    text: str,
    full_stops: str,
    *,
    is_lowercase: bool,
    number_token: str | None,
    longest: int,
    tokenizer: str,
) -> dict[tuple[int, int], list[str]]:
    """Return the tokens of each piece of each sentence that has a token."""
    found = {}
    line = re.compile(f"[\n\r]+[{BLANK}]*")
    end = line if tokenizer == "whitespace" else sentence_end(full_stops)
    for sentence, part in enumerate(end.split(text)):
        tokens = tokens_of(
            part, is_lowercase=is_lowercase, number_token=number_token, tokenizer=tokenizer
        )
        for piece in range(-(-len(tokens) // longest)):
            found[sentence, piece] = tokens[piece * longest : (piece + 1) * longest]
    return found


def counts(documents: list[list[str]]) -> dict[str, tuple[int, int]]:
    """Return each token's occurrences, and the documents that hold it."""
    every = Counter(token for tokens in documents for token in tokens)
    holding = Counter(token for tokens in documents for token in set(tokens))
    return {token: (count, holding[token]) for token, count in every.items()}
