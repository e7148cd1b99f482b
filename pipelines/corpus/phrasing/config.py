"""Settings of phrases."""

from pydantic import Field

from pipelines.settings import Settings


class PhraseSettings(Settings):
    """How neighbours become phrases: word2phrase, scored as `gensim.models.Phrases` does."""

    passes: int = Field(default=1, ge=1, le=8)
    """Passes over the documents; n passes find phrases of up to 2^n words, common ones apart."""
    min_count: int = Field(default=5, ge=1)
    """Subtracted from the count of a candidate, which must be above it."""
    threshold: float = Field(default=10.0, gt=0)
    """Score that a phrase must be above; a lower one makes more phrases."""
    common_words: list[str] = []
    """Tokens that may stand inside a phrase, as `of`, and begin and end none."""
    delimiter: str = Field(default="_", min_length=1)
    """What stands between the words of a phrase."""
