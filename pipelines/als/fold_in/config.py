"""Settings of fold-in: `FoldInSettings`, and with its tables the job's."""

from typing import Literal

from pydantic import Field

from pipelines.settings import JobConfig, Outputs, Settings, StageSettings

SplitName = Literal["train", "valid", "test"]


class FoldInInputs(Settings):
    """What `fold_in_vectors` reads."""

    vectors: str
    """Vectors of users and items, staged or published."""
    embedding_spaces: str
    """Registry of the spaces: it has the settings that a space was trained with."""
    training_history: str
    """Measures of training: the mean of the ratings is one."""
    interactions: str
    """Pairs of user and item, those of new keys among them."""
    user_ids: str
    """Dense ids of the users."""
    item_ids: str
    """Dense ids of the items."""


class FoldInOutputs(Outputs):
    """Tables of `fold_in_vectors`."""

    folded_vectors: str
    """Vectors of the keys folded in, in the same space: a table of the shape of `vectors`."""
    run_counts: str
    """Keys in, out and those without a usable pair."""


class FoldInSettings(StageSettings):
    """Settings of fold-in; they name no table and no space."""

    entity: Literal["user", "item"] = "user"
    """Side that gets vectors; the other side's stay what they are."""
    only_new: bool = True
    """Whether keys that have a vector in the space are left out; else all that have pairs are
    solved again."""
    splits: list[SplitName] = Field(default=["train", "valid", "test"], min_length=1)
    """Splits whose pairs count."""
    max_opposite_megabytes: int = Field(default=2_048, ge=1)
    """Largest matrix of the other side's vectors sent to each executor, in MiB."""


class FoldInConfig(FoldInSettings, JobConfig):
    """Settings of `fold_in_vectors`."""

    inputs: FoldInInputs
    """A space, and interactions."""
    outputs: FoldInOutputs
    """Tables written."""
    space_name: str = "recommender"
    """Line of spaces whose newest one is folded into."""
    space_id: str | None = None
    """Space to fold into in place of the newest."""
