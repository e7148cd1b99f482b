"""Settings of validating and publishing spaces."""

from pydantic import Field

from pipelines.settings import JobConfig, Outputs, Settings


class Limits(Settings):
    """Limits that the measures of a space must keep; null sets no limit."""

    min_vectors: int = Field(default=1, ge=1)
    """Fewest vectors per entity."""
    max_zero_vector_share: float = Field(default=0.0, ge=0, le=1)
    """Largest share of vectors that are all zero."""
    max_mean_cosine: float | None = 0.9
    """Largest mean cosine over all pairs: above it the space has collapsed to one direction."""
    min_coverage: float = Field(default=1.0, ge=0, le=1)
    """Smallest share of the entity's keys (vocabulary, ids) that have a vector."""
    min_metrics: dict[str, float] = {}
    """Smallest value of metrics that earlier evaluation jobs measured, by `<job>.<metric>`."""


class ValidateInputs(Settings):
    """What `validate_vectors` reads."""

    vectors: str
    """Staged vectors."""
    vocabulary: str | None = None
    """Tokens that must have a vector of entity `word`; null does not check them."""
    user_ids: str | None = None
    """Users that must have a vector of entity `user`; null does not check them."""
    item_ids: str | None = None
    """Items that must have a vector of entity `item`; null does not check them."""


class ValidateOutputs(Outputs):
    """Tables of `validate_vectors`."""

    quality_metrics: str
    """Measures, and the outcome of each expectation."""
    embedding_spaces: str
    """Registry, in which the space's state becomes `passed` or `failed`."""


class ValidateVectorsConfig(JobConfig):
    """Settings of `validate_vectors`."""

    inputs: ValidateInputs
    """Staged vectors and the keys they must cover."""
    outputs: ValidateOutputs
    """Tables written."""
    space_name: str = "word"
    """Name of the spaces whose newest one is validated."""
    space_id: str | None = None
    """Space to validate instead of the newest."""
    limits: Limits = Limits()
    """Limits of the gate."""


class PublishInputs(Settings):
    """What `publish_vectors` reads."""

    vectors: str
    """Staged vectors."""


class PublishOutputs(Settings):
    """Tables of `publish_vectors`."""

    published: str
    """The published table, which holds exactly one space."""
    embedding_spaces: str
    """Registry, in which the space's state becomes `publishing`, then `published`."""
    quality_metrics: str | None = None
    """Measures that the manifest lists."""


class PublishVectorsConfig(JobConfig):
    """Settings of `publish_vectors`."""

    inputs: PublishInputs
    """Staged vectors."""
    outputs: PublishOutputs
    """Tables written."""
    space_name: str = "word"
    """Name of the spaces whose newest one is published."""
    space_id: str | None = None
    """Space to publish instead of the newest, for example to roll back."""
