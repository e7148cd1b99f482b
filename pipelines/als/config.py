"""Settings of ALS training, under Spark's names."""

from typing import Literal

from pydantic import Field

from pipelines.settings import JobConfig, Outputs, Settings


class AlsInputs(Settings):
    """What `train_als` reads."""

    interactions: str
    """User and item pairs; those of the split `train` are used."""
    user_ids: str
    """Keys of the users."""
    item_ids: str
    """Keys of the items."""


class AlsOutputs(Outputs):
    """Tables of `train_als`."""

    vectors: str
    """Staged vectors of all spaces."""
    training_history: str
    """Measures per round."""
    embedding_spaces: str
    """Registry of spaces."""


class TrainAlsConfig(JobConfig):
    """Settings of `train_als`."""

    inputs: AlsInputs
    """Interactions and ids."""
    outputs: AlsOutputs
    """Tables written."""
    engine: Literal["mllib"] = "mllib"
    """Trainer: `mllib` is Spark's own."""
    space_name: str = Field(default="recommender", pattern=r"^\w+$")
    """Line of spaces that replace each other."""
    objective: Literal["hu2008", "explicit"] = "hu2008"
    """`hu2008` takes weights as confidence (implicit feedback), `explicit` as ratings."""
    rank: int = Field(default=32, ge=1)
    """Components per vector."""
    max_iter: int = Field(default=10, ge=1)
    """Alternations of both sides."""
    reg_param: float = Field(default=0.1, ge=0)
    """Regularisation, times the number of a row's interactions."""
    alpha: float = Field(default=10.0, ge=0)
    """Confidence is 1 + alpha x weight."""
    is_nonnegative: bool = False
    """Whether components must not be negative."""
