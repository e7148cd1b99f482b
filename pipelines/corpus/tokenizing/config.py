"""Settings of tokenizing."""

from typing import Literal, Self

from pydantic import Field, model_validator

from pipelines.corpus.phrasing.config import PhraseSettings
from pipelines.settings import GatedJobConfig, Outputs, Settings, StageSettings
from schemas.table import is_catalog_name

SUBWORDS = ("bpe", "wordpiece", "unigram")
"""Tokenizers of the package `tokenizers`."""
_MOST_WORDS, _MOST_SUBWORDS = 1_000_000, 32_000  # tokens where max_vocabulary_size is not set


class TokenizeSettings(StageSettings):
    """Settings of tokenizing."""

    tokenizer: Literal["words", "whitespace", "characters", "bpe", "wordpiece", "unigram"] = "words"
    """What a token is. `words`: words of letters, and numbers; each letter of a script without
    blanks (Han, Kana, Thai, Lao, Khmer, Burmese) is one with its marks. `characters`: each letter
    of every script is one. `whitespace`: what stands between blanks, for texts that another program
    has cut; a sentence is a line, and numbers stay. `bpe`, `wordpiece`, `unigram`: parts of words
    and signs, by the package `tokenizers` (the extra `subwords`), trained on a sample of the
    documents or of `inputs.tokenizer_file`; ids are those of `tokenizer.json`."""
    is_lowercase: bool = True
    """Whether tokens are lower-cased; a tokenizer's file has its own rule."""
    number_token: str | None = "<number>"  # noqa: S105  (a word, not a secret)
    """Token that stands for every number; null keeps numbers as they are, as subwords do."""
    min_count: int = Field(default=5, ge=1)
    """Occurrences a token needs to be kept."""
    min_document_count: int = Field(default=1, ge=1)
    """Documents that must hold a token for it to be kept."""
    stop_words: list[str] = []
    """Tokens that are left out, as if they were rare."""
    max_vocabulary_size: int | None = Field(default=None, ge=1, le=10_000_000)
    """Most tokens kept, the most frequent first; the vocabulary is sent to every executor. Of
    subwords, how many a tokenizer is trained to have. Where it is not set, 1,000,000; of subwords
    32,000."""
    tokenizer_sample_megabytes: int = Field(default=32, ge=1, le=1_000)
    """Megabytes of documents, chosen by a hash of their ids, that a tokenizer is trained on."""
    grow_vocabulary: bool = False
    """Whether tokens that `inputs.vocabulary` lacks are added behind its own, for a warm start of
    `train_word2vec`; what chooses tokens above chooses these alone, and counts are added. Else the
    vocabulary stays as it is."""
    max_sentence_length: int = Field(default=1_000, ge=2)
    """Longest sentence in tokens; a longer one is cut into several."""
    phrases: PhraseSettings | None = None
    """Neighbours that become one token; null finds none."""

    @property
    def is_of_subwords(self) -> bool:
        """Whether tokens are those of the package `tokenizers`."""
        return self.tokenizer in SUBWORDS

    @property
    def most_tokens(self) -> int:
        """Most tokens kept."""
        return self.max_vocabulary_size or (_MOST_SUBWORDS if self.is_of_subwords else _MOST_WORDS)

    @model_validator(mode="after")
    def _refuse_phrases_of_subwords(self) -> Self:
        if self.is_of_subwords and self.phrases is not None:
            raise ValueError(f"phrases are of words, and tokenizer is {self.tokenizer}")
        return self


class TokenizeInputs(Settings):
    """What `tokenize_corpus` reads."""

    documents: str
    """Kept documents."""
    stop_words: str | None = None
    """File of further tokens that are left out, one a line, in UTF-8."""
    vocabulary: str | None = None
    """Vocabulary of an earlier run with the same tokenizer, whose tokens keep their ids."""
    tokenizer_file: str | None = None
    """A `tokenizer.json`, or a folder with one, in place of training; as `outputs.tokenizer`."""


class TokenizeOutputs(Outputs):
    """Tables of `tokenize_corpus`."""

    sentences: str
    """Sentences as token ids."""
    vocabulary: str
    """Tokens with their counts."""
    phrases: str
    """Phrases with their scores, where the setting `phrases` asks for them."""
    tokenizer: str
    """Folder of the `tokenizer.json` that was used, where the tokenizer is one of subwords."""
    run_counts: str
    """Rows in and out."""


class TokenizeCorpusConfig(TokenizeSettings, GatedJobConfig):
    """Settings of `tokenize_corpus`, with its tables."""

    inputs: TokenizeInputs
    """Documents."""
    outputs: TokenizeOutputs
    """Tables written."""

    @model_validator(mode="after")
    def _fit_tokenizer_file(self) -> Self:
        """Refuse a file without the tokenizer for it, and an output that can be no folder."""
        if not self.is_of_subwords:
            if self.inputs.tokenizer_file is not None:
                raise ValueError(f"inputs.tokenizer_file: set tokenizer to one of {SUBWORDS}")
            return self
        if is_catalog_name(self.outputs.tokenizer):
            raise ValueError("outputs.tokenizer: name a folder, for a tokenizer is not a table")
        if self.inputs.vocabulary is not None and self.inputs.tokenizer_file is None:
            raise ValueError("inputs.vocabulary of subwords needs its inputs.tokenizer_file")
        return self

    @model_validator(mode="after")
    def _fit_earlier_vocabulary(self) -> Self:
        """Refuse settings that an earlier vocabulary contradicts, or needs."""
        earlier = self.inputs.vocabulary
        if earlier is None:
            if self.grow_vocabulary:
                raise ValueError("grow_vocabulary: set inputs.vocabulary to the one that grows")
            return self
        if self.phrases is not None:
            raise ValueError("phrases cannot be found with inputs.vocabulary; set phrases: null")
        if earlier.rstrip("/") == self.outputs.vocabulary.rstrip("/"):
            raise ValueError(
                f"outputs.vocabulary is inputs.vocabulary: {earlier}; name another place, as a "
                "second run would count the same documents twice"
            )
        return self
