"""Settings of the jobs that use published vectors: neighbours, recommendations, exports."""

from typing import Literal

from pydantic import Field

from pipelines.settings import JobConfig, Outputs, Settings, StageSettings

Entity = Literal["word", "document", "user", "item"]


class PublishedInputs(Settings):
    """What `find_neighbours` and `export_vectors` read."""

    vectors: str
    """Published vectors: exactly one space."""


class NeighbourOutputs(Outputs):
    """Tables of `find_neighbours`."""

    neighbours: str
    """One row per query with its nearest keys."""
    run_counts: str
    """Queries in, out and unknown."""


class NeighboursSettings(StageSettings):
    """Which vectors are searched, and how they are compared."""

    entity: Entity = "word"
    """Kind of vector, both of the queries and of their neighbours."""
    k: int = Field(default=10, ge=1, le=1_000)
    """Neighbours per query."""
    metric: Literal["cosine", "dot"] = "cosine"
    """How vectors are compared."""


class FindNeighboursConfig(NeighboursSettings, JobConfig):
    """Settings of `find_neighbours`."""

    inputs: PublishedInputs
    """Published vectors."""
    outputs: NeighbourOutputs
    """Tables written."""
    queries: list[str] = Field(min_length=1)
    """Keys to find the neighbours of."""


class RecommendInputs(Settings):
    """What `recommend_items` reads."""

    vectors: str
    """Published vectors of users and items: exactly one space."""
    interactions: str
    """Pairs of user and item, to leave out what a user has seen."""
    user_ids: str
    """Dense ids of the users."""
    item_ids: str
    """Dense ids of the items."""


class RecommendOutputs(Outputs):
    """Tables of `recommend_items`."""

    recommendations: str
    """One row per user with items, best first."""
    similar_entities: str
    """Neighbours of `similar_users` and `similar_items`: a table of the shape of `neighbours`."""
    run_counts: str
    """Users in, out and unknown."""


class RecommendSettings(StageSettings):
    """How items are recommended."""

    users: list[str] = Field(default_factory=list)
    """Keys of the users to recommend to; empty means all."""
    k: int = Field(default=10, ge=1, le=1_000)
    """Items per user, and neighbours per query."""
    metric: Literal["dot", "cosine"] = "dot"
    """How users and items are compared; ALS predicts by `dot`."""
    candidate_items: list[str] = Field(default_factory=list)
    """Keys of the only items to recommend; empty means all that are not retired."""
    excluded_items: list[str] = Field(default_factory=list)
    """Keys of items that are never recommended."""
    popularity_discount: float = Field(default=0.0, ge=0)
    """Each score is lowered by this times log(number of the item's users in train)."""
    exclude_seen: bool = True
    """Whether items of the user's interactions, of any split, are left out."""
    layout: Literal["auto", "packed", "blocked"] = "auto"
    """Where users are ranked: `packed` in one task with all threads of an executor, `blocked` in
    tasks on all executors, after a shuffle; `auto` chooses by memory and time."""
    max_catalogue_megabytes: int = Field(default=1_024, ge=1)
    """Largest matrix of item vectors sent to each executor, in MiB."""


class RecommendItemsConfig(RecommendSettings, JobConfig):
    """Settings of `recommend_items`."""

    inputs: RecommendInputs
    """Published vectors and interactions."""
    outputs: RecommendOutputs
    """Tables written."""
    similar_users: list[str] = Field(default_factory=list)
    """Keys of users to find the nearest users of, by cosine."""
    similar_items: list[str] = Field(default_factory=list)
    """Keys of items to find the nearest items of, by cosine."""
    shown: int = Field(default=5, ge=0)
    """Users whose recommendations are printed."""


class ExportOutputs(Outputs):
    """What `export_vectors` writes."""

    export: str
    """The file, or for `npy` the folder of `vectors.npy` and `keys.txt`."""


class ExportSettings(StageSettings):
    """Which vectors are exported, and in which format."""

    entity: Entity = "word"
    """Kind of vector exported."""
    export_format: Literal["word2vec_text", "word2vec_binary", "npy"] = "word2vec_text"
    """Format of the export; `format`, the storage format of tables, does not affect it."""
    bad_keys: Literal["escape", "reject"] = "escape"
    """Keys that the format cannot hold: `_` replaces white space, or the job ends."""


class ExportVectorsConfig(ExportSettings, JobConfig):
    """Settings of `export_vectors`."""

    inputs: PublishedInputs
    """Published vectors."""
    outputs: ExportOutputs
    """Where the export is written; an earlier one is replaced."""
