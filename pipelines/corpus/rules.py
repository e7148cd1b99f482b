"""Rules of cleaning: the allowed range of each signal, and named sets of such ranges."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from pydantic import field_validator

from pipelines.settings import Settings, read_yaml


class Bounds(Settings):
    """Allowed range of one signal; a bound that is not set is open."""

    min: float | None = None
    """Smallest value kept."""
    max: float | None = None
    """Largest value kept."""


class Rules(Settings):
    """Bounds per signal; a document outside any of them is rejected with all it broke.

    All signals, and the hashes that tell duplicates, are of the normalised text without what
    `line_rules` removed; languages are told before, of the normalised text. Words are runs of
    letters, digits and the marks behind them, joined by apostrophes or hyphens; each letter of a
    script without blanks (Han, Kana, Thai, Lao, Khmer and others) is a word of its own. Lines and
    paragraphs have something other than white space. The characters of an n-gram are its words with
    single blanks between them.
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
    """How many frequent words of its language the text has, of a short list: in English Gopher's
    the, be, to, of, and, that, have, with. Not judged in languages without a list."""
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
    """Characters of five words that came before, none of which overlap, per character; this and
    the next five are not judged where scripts without blanks have a fifth of the text or more."""
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


LONG_WORDS = {
    code: {"mean_word_length": Bounds(min=2, max=most)}
    for code, most in (("kn", 20), ("ml", 25), ("ta", 20), ("te", 20))
}
"""The languages, of those that detectors tell, whose prose has words longer than others'."""


class LanguageRules(Rules):
    """Bounds per signal, and others for documents in single languages."""

    languages: dict[str, dict[str, Bounds]] = LONG_WORDS
    """Bounds in place of these by language, as `de: {mean_word_length: {max: 14}}`; `{}` lifts the
    bounds of a signal. Not judged where no detector tells languages."""

    @field_validator("languages", mode="before")
    @classmethod
    def _read_norwegian(cls, given: Any) -> Any:
        """Take the key `no` of YAML, which is false, as Norwegian."""
        if not isinstance(given, Mapping):
            return given
        return {"no" if code in (False, "false") else code: own for code, own in given.items()}

    @field_validator("languages")
    @classmethod
    def _require_signals(cls, given: dict[str, dict[str, Bounds]]) -> dict[str, dict[str, Bounds]]:
        for code, own in given.items():
            for name in own.keys() - Rules.model_fields.keys():
                near = get_close_matches(name, Rules.model_fields, n=1, cutoff=0.4)
                hint = f"did you mean {near[0]!r}?" if near else "signals are the keys of rules"
                raise ValueError(f"{code}: unknown signal {name!r}; {hint}")
        return given


LineRule = Literal["javascript", "policy", "terminal", "short", "citation"]
"""What `line_rules.LineRules` takes out of texts."""
RuleSet = Literal["gopher_quality", "gopher_repetition", "c4", "fineweb"]


@dataclass(frozen=True)
class Rule:
    """One bound of one signal.

    Args:
        name: As it stands in reasons.
        signal: Name of the signal.
        bound: The bound itself.
        is_least: Whether smaller values are rejected, else larger ones.
        language: The one language whose documents are judged; all where it is None.
        others: Languages that have bounds of their own, whose documents are not judged.
    """

    name: str
    signal: str
    bound: float
    is_least: bool
    language: str | None = None
    others: frozenset[str] = frozenset()

    @property
    def threshold(self) -> str:
        """What is allowed, as it stands in reasons."""
        return f"{'>=' if self.is_least else '<='} {self.bound:g}"

    def judges(self, language: str) -> bool:
        """Tell whether documents in a language are judged."""
        return language not in self.others if self.language is None else language == self.language


def all_rules(rules: LanguageRules, rule_sets: list[RuleSet]) -> list[Rule]:
    """Return all bounds: those of the settings by the signals' names, then those of named sets.

    The rules of a set are named `<set>.<signal>`.
    """
    found = list(_rules(rules, ""))
    for name in rule_sets:
        found += _rules(named_rules()[name], f"{name}.")
    return found


def _rules(rules: LanguageRules, prefix: str) -> Iterator[Rule]:
    for signal in Rules.model_fields:
        others = {code: own[signal] for code, own in rules.languages.items() if signal in own}
        yield from _bounds(prefix, signal, getattr(rules, signal), None, others)
        for code, bounds in others.items():
            yield from _bounds(prefix, signal, bounds, code)


def _bounds(
    prefix: str,
    signal: str,
    bounds: Bounds | None,
    language: str | None,
    others: Collection[str] = (),
) -> Iterator[Rule]:
    if bounds is None:
        return
    for bound, is_least in ((bounds.min, True), (bounds.max, False)):
        if bound is not None:
            yield Rule(prefix + signal, signal, bound, is_least, language, frozenset(others))


@cache
def named_rules() -> dict[str, LanguageRules]:
    """Return the named sets of rules, which bound only the signals that they name."""
    tree = read_yaml(files("pipelines.corpus") / "rule_sets.yaml")
    bounded = (name for name, field in Rules.model_fields.items() if field.default is not None)
    unset: dict[str, Any] = {name: {} for name in (*bounded, "languages")}
    return {name: LanguageRules.model_validate(unset | bounds) for name, bounds in tree.items()}
