"""Rules of cleaning: the allowed range of each signal, and named sets of such ranges."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from pipelines.settings import Settings, read_yaml


class Bounds(Settings):
    """Allowed range of one signal; a bound that is not set is open."""

    min: float | None = None
    """Smallest value kept."""
    max: float | None = None
    """Largest value kept."""


class Rules(Settings):
    """Bounds per signal; a document outside any of them is rejected with all it broke.

    All signals are of the normalised text. Words are runs of letters, digits and the marks behind
    them, joined by apostrophes or hyphens; each letter of a script without blanks (Han, Kana, Thai,
    Lao, Khmer, Myanmar and others) is a word of its own. Lines and paragraphs have something other
    than white space. The characters of an n-gram are its words with single blanks between them.
    """

    character_count: Bounds = Bounds(max=10_000_000)
    """Length in characters."""
    word_count: Bounds = Bounds(min=5, max=1_000_000)
    """Words of at least one letter or digit."""
    mean_word_length: Bounds = Bounds(min=2, max=12)
    """Mean characters per word of scripts with blanks; not judged where others have a fifth of the
    text or more. Gopher has 3 to 10."""
    alphabetic_word_share: Bounds = Bounds(min=0.5)
    """Share of words with a letter; Gopher has 0.8."""
    symbol_word_ratio: Bounds = Bounds(max=0.2)
    """Hash signs and ellipses per word; Gopher has 0.1."""
    duplicate_line_share: Bounds = Bounds(max=0.3)
    """Share of lines that repeat an earlier one, as Gopher has it."""
    blankless_share: Bounds | None = None
    """Share of words' characters that are of scripts without blanks."""
    hash_word_ratio: Bounds | None = None
    """Hash signs per word."""
    ellipsis_word_ratio: Bounds | None = None
    """Ellipses (three full stops or the sign) per word."""
    bullet_line_share: Bounds | None = None
    """Share of lines that begin with a bullet, an asterisk or a hyphen."""
    ellipsis_line_share: Bounds | None = None
    """Share of lines that end with an ellipsis."""
    stop_word_count: Bounds | None = None
    """How many of the, be, to, of, and, that, have, with the text has."""
    duplicate_line_character_share: Bounds | None = None
    """Characters of lines that repeat an earlier one, per character."""
    duplicate_paragraph_share: Bounds | None = None
    """Share of paragraphs that repeat an earlier one; blank lines separate them."""
    duplicate_paragraph_character_share: Bounds | None = None
    """Characters of paragraphs that repeat an earlier one, per character."""
    top_2_gram_character_share: Bounds | None = None
    """Characters of all occurrences of the most frequent pair of words, per character; 0 if none
    comes twice."""
    top_3_gram_character_share: Bounds | None = None
    """The same of three words."""
    top_4_gram_character_share: Bounds | None = None
    """The same of four words."""
    duplicate_5_gram_character_share: Bounds | None = None
    """Characters of five words that came before, none of which overlap, per character."""
    duplicate_6_gram_character_share: Bounds | None = None
    """The same of six words."""
    duplicate_7_gram_character_share: Bounds | None = None
    """The same of seven words."""
    duplicate_8_gram_character_share: Bounds | None = None
    """The same of eight words."""
    duplicate_9_gram_character_share: Bounds | None = None
    """The same of nine words."""
    duplicate_10_gram_character_share: Bounds | None = None
    """The same of ten words."""
    sentence_count: Bounds | None = None
    """Pieces of lines with a word, cut at stops that a blank follows and at full stops of scripts
    that need no blank."""
    line_count: Bounds | None = None
    """Lines that have something other than white space."""
    brace_count: Bounds | None = None
    """Opening braces."""
    lorem_ipsum_count: Bounds | None = None
    """Occurrences of lorem ipsum."""
    javascript_line_share: Bounds | None = None
    """Share of lines with the word javascript."""
    policy_line_share: Bounds | None = None
    """Share of lines with a phrase of C4's: terms of use, privacy policy, cookie policy, uses
    cookies, use of cookies, use cookies."""
    long_word_count: Bounds | None = None
    """Words of more than 1,000 characters."""
    terminal_line_share: Bounds | None = None
    """Share of lines that end with a stop or a quotation mark."""
    short_line_share: Bounds | None = None
    """Share of lines of at most 30 characters."""
    line_word_ratio: Bounds | None = None
    """Line ends per word."""
    punctuation_share: Bounds | None = None
    """Share of characters that are punctuation or symbols."""
    digit_share: Bounds | None = None
    """Share of characters that are digits or other numbers."""
    upper_case_share: Bounds | None = None
    """Share of characters in upper case."""
    white_space_share: Bounds | None = None
    """Share of characters that are white space."""


RuleSet = Literal["gopher_quality", "gopher_repetition", "c4", "fineweb"]


@dataclass(frozen=True)
class Rule:
    """One bound of one signal.

    Args:
        name: As it stands in reasons.
        signal: Name of the signal.
        bound: The bound itself.
        is_least: Whether smaller values are rejected, else larger ones.
    """

    name: str
    signal: str
    bound: float
    is_least: bool

    @property
    def threshold(self) -> str:
        """What is allowed, as it stands in reasons."""
        return f"{'>=' if self.is_least else '<='} {self.bound:g}"


def all_rules(rules: Rules, rule_sets: list[RuleSet]) -> list[Rule]:
    """Return all bounds: those of the settings by the signals' names, then those of named sets.

    The rules of a set are named `<set>.<signal>`.
    """
    found = list(_bounds(rules, ""))
    for name in rule_sets:
        found += _bounds(named_rules()[name], f"{name}.")
    return found


def _bounds(rules: Rules, prefix: str) -> Iterator[Rule]:
    for signal, bounds in rules:
        if bounds is not None and bounds.min is not None:
            yield Rule(prefix + signal, signal, bounds.min, is_least=True)
        if bounds is not None and bounds.max is not None:
            yield Rule(prefix + signal, signal, bounds.max, is_least=False)


@cache
def named_rules() -> dict[str, Rules]:
    """Return the named sets of rules, which bound only the signals that they name."""
    tree = read_yaml(files("pipelines.corpus") / "rule_sets.yaml")
    unset: dict[str, Any] = {
        name: {} for name, field in Rules.model_fields.items() if field.default is not None
    }
    return {name: Rules.model_validate({**unset, **bounds}) for name, bounds in tree.items()}
