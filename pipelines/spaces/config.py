"""Settings of validating and publishing spaces."""

from pydantic import Field

from pipelines.settings import JobConfig, Outputs, Settings


class Limits(Settings):
    """MeasureBounds that a space's measures must keep; a bound that is null is open."""

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
    """Tokens that must have a vector of entity `word`; not checked where it is not set."""
    user_ids: str | None = None
    """Users that must have a vector of entity `user`; not checked where it is not set."""
    item_ids: str | None = None
    """Items that must have a vector of entity `item`; not checked where it is not set."""


class ValidateOutputs(Outputs):
    """Tables of `validate_vectors`."""

    quality_metrics: str
    """What was measured, what it was held to and what came of it."""
    embedding_spaces: str
    """Registry whose state turns to `passed` or `failed`."""


class ValidateVectorsConfig(JobConfig):
    """Settings of `validate_vectors`."""

    inputs: ValidateInputs
    """Staged vectors and the keys they must cover."""
    outputs: ValidateOutputs
    """Tables written."""
    space_name: str = "word"
    """Line of spaces whose newest is judged."""
    space_id: str | None = None
    """Space to judge in place of the newest."""
    limits: Limits = Limits()
    """MeasureBounds of the gate."""


class PublishInputs(Settings):
    """What `publish_vectors` reads."""

    vectors: str
    """Staged vectors."""


class PublishOutputs(Settings):
    """Tables of `publish_vectors`."""

    published: str
    """The published table: exactly one space."""
    embedding_spaces: str
    """Registry that records intent and outcome."""
    quality_metrics: str | None = None
    """Measures that go into the manifest."""


class PublishVectorsConfig(JobConfig):
    """Settings of `publish_vectors`."""

    inputs: PublishInputs
    """Staged vectors."""
    outputs: PublishOutputs
    """Tables written."""
    space_name: str = "word"
    """Line of spaces whose newest is published."""
    space_id: str | None = None
    """Space to publish in place of the newest, as for a roll-back."""
