"""Settings of corpus cleaning and tokenizing."""

from pydantic import Field

from pipelines.settings import GatedJobConfig, Outputs, Settings, StageSettings
from pipelines.sources.config import SourceSettings


class Bounds(Settings):
    """Allowed range of one signal; a bound that is not set is open."""

    min: float | None = None
    """Smallest value kept."""
    max: float | None = None
    """Largest value kept."""


class Rules(Settings):
    """Bounds per signal; a document outside any of them is rejected with all it broke."""

    character_count: Bounds = Bounds(max=10_000_000)
    """Length in characters."""
    word_count: Bounds = Bounds(min=5, max=1_000_000)
    """Words of at least one letter or digit."""
    mean_word_length: Bounds = Bounds(min=2, max=12)
    """Mean characters per word; Gopher has 3 to 10."""
    alphabetic_word_share: Bounds = Bounds(min=0.5)
    """Share of words with a letter; Gopher has 0.8."""
    symbol_word_ratio: Bounds = Bounds(max=0.2)
    """Hash signs and ellipses per word; Gopher has 0.1."""
    duplicate_line_share: Bounds = Bounds(max=0.3)
    """Share of lines that repeat an earlier one, as Gopher has it."""


class CleaningSettings(SourceSettings):
    """Settings of cleaning documents."""

    text_column: str = "text"
    """Column that holds the text; dots lead into nested ones."""
    id_column: str | None = None
    """Column that identifies a document; where not set, ids come from file and position."""
    max_rejected_share: float = Field(default=1.0, ge=0, le=1)
    """Largest share of rejected documents before the job fails: an alarm for wrong thresholds."""
    rules: Rules = Rules()
    """Bounds per signal."""


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


class TokenizeSettings(StageSettings):
    """Settings of tokenizing."""

    is_lowercase: bool = True
    """Whether tokens are lower-cased."""
    number_token: str | None = "<number>"  # noqa: S105  (a word, not a secret)
    """Token that stands for every number; null keeps numbers as they are."""
    min_count: int = Field(default=5, ge=1)
    """Occurrences a token needs to be kept."""
    max_vocabulary_size: int = Field(default=1_000_000, ge=1, le=10_000_000)
    """Most tokens kept, the most frequent first; the vocabulary is sent to every executor."""
    max_sentence_length: int = Field(default=1_000, ge=2)
    """Longest sentence in tokens; a longer one is cut into several."""


class TokenizeInputs(Settings):
    """What `tokenize_corpus` reads."""

    documents: str
    """Kept documents."""


class TokenizeOutputs(Outputs):
    """Tables of `tokenize_corpus`."""

    sentences: str
    """Sentences as token ids."""
    vocabulary: str
    """Tokens with their counts."""
    run_counts: str
    """Rows in and out."""


class TokenizeCorpusConfig(TokenizeSettings, GatedJobConfig):
    """Settings of `tokenize_corpus`, with its tables."""

    inputs: TokenizeInputs
    """Documents."""
    outputs: TokenizeOutputs
    """Tables written."""
