"""Settings of evaluation."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Literal, Self

from pydantic import Field, model_validator

from pipelines.settings import JobConfig, Outputs, Settings, StageSettings


class EvaluationOutputs(Outputs):
    """Tables of the evaluating jobs."""

    quality_metrics: str
    """One row per measure; each space and job replaces its own part."""
    run_counts: str
    """Rows in and out."""


class VectorEvaluationSettings(StageSettings):
    """Settings of the measures of word vectors."""

    similarity_files: list[str] = Field(default_factory=list)
    """Pairs of words with a score, laid out as WordSim-353, MEN or SimLex-999."""
    analogy_files: list[str] = Field(default_factory=list)
    """Analogies in the format of questions-words."""
    analogy_vocabulary: int = Field(default=30_000, ge=4)
    """Number of most frequent words that analogies are limited to, given a vocabulary."""
    is_lowercase: bool = True
    """Whether the files' words are lower-cased, as those of the corpus were."""

    @model_validator(mode="after")
    def _distinct_stems(self) -> Self:
        for files in (self.similarity_files, self.analogy_files):
            twice = _repeated([PurePosixPath(file).stem for file in files])
            if twice:
                raise ValueError(f"two files are named {twice!r}, as metrics are; rename one")
        return self


def _repeated(names: Sequence[str]) -> str | None:
    return next((name for name in names if names.count(name) > 1), None)


class VectorInputs(Settings):
    """What `evaluate_vectors` reads."""

    vectors: str
    """Staged vectors of any number of spaces."""
    embedding_spaces: str
    """Registry of the spaces."""
    vocabulary: str | None = None
    """Tokens by frequency, to limit analogies to frequent words; without it all words are used."""


class EvaluateVectorsConfig(VectorEvaluationSettings, JobConfig):
    """Settings of `evaluate_vectors`, with its tables."""

    inputs: VectorInputs
    """Staged vectors."""
    outputs: EvaluationOutputs
    """Tables written."""
    space_name: str = "word"
    """Name of the spaces whose newest one is evaluated."""
    space_id: str | None = None
    """Space to evaluate instead of the newest."""


class RecommendationEvaluationSettings(StageSettings):
    """Settings of the measures of recommendations."""

    k: int = Field(default=20, ge=1, le=1_000)
    """Items recommended to each user."""
    split: Literal["valid", "test"] = "test"
    """Held-out part: `valid` to tune on, `test` to report once."""
    item_knn_neighbours: int = Field(default=0, ge=0, le=1_000)
    """Neighbours per item of the item-KNN baseline; 0 leaves the baseline out. It costs a join of
    each user's items with each other."""
    sampled_items: int = Field(default=0, ge=0)
    """Unseen items per user for additional metrics named `sampled_…`, which rank the held-out items
    among these only, as some papers do; 0 leaves them out."""
    max_catalogue_megabytes: int = Field(default=1_024, ge=1)
    """Largest matrix of item vectors sent to each executor, in MiB."""


class RecommendationInputs(Settings):
    """What `evaluate_recommendations` reads."""

    vectors: str
    """Staged vectors of any number of spaces."""
    embedding_spaces: str
    """Registry of the spaces."""
    interactions: str
    """Pairs of user and item with their split."""
    user_ids: str
    """Dense ids of the users."""
    item_ids: str
    """Dense ids of the items."""


class EvaluateRecommendationsConfig(RecommendationEvaluationSettings, JobConfig):
    """Settings of `evaluate_recommendations`, with its tables."""

    inputs: RecommendationInputs
    """Staged vectors and interactions."""
    outputs: EvaluationOutputs
    """Tables written."""
    space_name: str = "recommender"
    """Name of the spaces whose newest one is evaluated."""
    space_id: str | None = None
    """Space to evaluate instead of the newest."""
