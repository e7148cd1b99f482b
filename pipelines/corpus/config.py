"""Settings of corpus cleaning."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from pipelines.corpus.languages.detectors import DetectorName, default_detector
from pipelines.corpus.normalising.choices import Form, HtmlRemains, Markup, Normalisation
from pipelines.corpus.rules import LanguageRules, LineRule, RuleSet
from pipelines.settings import GatedJobConfig, Outputs, Settings
from pipelines.sources.config import SourceSettings


class CleaningSettings(SourceSettings):
    """Settings of cleaning documents."""

    text_column: str = "text"
    """Column that holds the text; dots lead into nested ones."""
    id_column: str | None = None
    """Column that identifies a document; where not set, ids come from file and position."""
    markup: Markup | None = None
    """Markup of the texts: `wiki` takes the plain text out of MediaWiki's, without templates,
    tables, references, files and categories; where not set, texts have none."""
    repair_encoding: bool = True
    """Whether mojibake, as `schÃ¶n` for `schön`, is repaired line by line, by ftfy's rules."""
    html_remains: HtmlRemains = "unescape"
    """What becomes of HTML in texts: `unescape` resolves entities, as `&amp;`, of texts without
    tags; `strip` takes out tags, comments, scripts and styles too; `keep` leaves all."""
    normalisation: Form = "NFC"
    """Normal form of Unicode; NFKC also makes one of ligatures, full-width and other variants."""
    max_rejected_share: float = Field(default=1.0, ge=0, le=1)
    """Largest share of rejected documents before the job fails: an alarm for wrong thresholds."""
    language_detector: DetectorName | Literal["none"] | None = None
    """What tells the language of a document: `eldc` (60 languages, fastest), `py3langid` (139),
    `pycld2` (160; both of the extra `languages`), or `none`. Where it is not set, eldc, and
    py3langid on machines for which eldc has no wheel."""
    min_language_score: float | None = Field(default=None, ge=0, le=1)
    """Score below which the language is `und`; where it is not set, the detector's own: eldc 0.65,
    py3langid and pycld2 0.5."""
    languages: list[str] = []
    """Languages that are kept, as `[en, de]`, by ISO 639-1 codes, or 639-3 where there is no other;
    `und` is a document in none. Empty keeps all."""
    line_rules: list[LineRule] = []
    """What is taken out of normalised texts before signals are measured, as C4 does: lines with the
    word `javascript`, lines with a phrase of `policy`, lines without a `terminal` stop or quotation
    mark, `short` ones, and marks of `citation` as [1]. Kept documents are stored without them."""
    min_line_words: int = Field(default=5, ge=1)
    """Fewest words of a line that is not `short`; datatrove has 3."""
    rules: LanguageRules = LanguageRules()
    """Bounds per signal, and per language."""
    rule_sets: list[RuleSet] = []
    """Named sets of rules, with the bounds of their papers, that are judged too."""

    @property
    def how_normalised(self) -> Normalisation:
        """How texts are repaired and normalised, as tasks are told."""
        return Normalisation(
            self.normalisation, self.repair_encoding, self.html_remains, self.markup
        )

    @model_validator(mode="before")
    @classmethod
    def _choose_detector(cls, given: Any) -> Any:
        """Name the detector, so that settings on record say which one it was."""
        if isinstance(given, Mapping) and given.get("language_detector") is None:
            return {**given, "language_detector": default_detector()}
        return given

    @field_validator("languages", mode="before")
    @classmethod
    def _read_norwegian(cls, given: Any) -> Any:
        """Take the `no` of YAML, which is false, as Norwegian."""
        return ["no" if code is False else code for code in given] if given else given


class CorpusInput(Settings):
    """What `clean_corpus` reads."""

    corpus: str | list[str]
    """Files, folders or a Delta table with raw text: a path, or a list of them."""


class CorpusOutputs(Outputs):
    """Tables of `clean_corpus`."""

    documents: str
    """Kept documents."""
    rejected_documents: str
    """Rejected documents with every reason."""
    duplicate_documents: str
    """Documents whose text another one has."""
    rejected_files: str
    """Files that could not be read to their end."""
    run_counts: str
    """Rows in, out and rejected by reason."""


class CleanCorpusConfig(CleaningSettings, GatedJobConfig):
    """Settings of `clean_corpus`, with its tables."""

    inputs: CorpusInput
    """Raw text."""
    outputs: CorpusOutputs
    """Tables written."""
