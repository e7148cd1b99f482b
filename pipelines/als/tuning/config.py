"""Settings of the search for settings: `TuningSettings`, and with its tables the job's."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipelines.settings import JobConfig, Outputs, Settings, StageSettings

Positive = Annotated[float, Field(gt=0)]


class TuningInputs(Settings):
    """What `tune_als` reads."""

    interactions: str
    """User and item pairs: `train` is fitted, `evaluation_split` ranked."""


class TuningOutputs(Outputs):
    """Tables of `tune_als`."""

    tuning_results: str
    """One row per candidate and sweep."""
    run_counts: str
    """Candidates."""


class TuningSettings(StageSettings):
    """Settings of the search; they name no table and no folder."""

    reg_params: list[Positive] = Field(default=[0.001, 0.003, 0.01], min_length=1)
    """Regularisations tried at the first rank."""
    unobserved_weights: list[Positive] = Field(default=[0.01, 0.03, 0.1, 0.3], min_length=1)
    """Values of unobserved_weight tried with each of them."""
    first_rank: int = Field(default=32, ge=1)
    """Rank of the grid."""
    max_rank: int = Field(default=128, ge=1)
    """The rank is doubled up to this; at each, the best so far and its neighbours are tried."""
    neighbour_factor: float = Field(default=2.0, gt=1)
    """Factor between the best and a neighbour's regularisation or weight."""
    max_iter: int = Field(default=16, ge=1)
    """Most sweeps of a candidate."""
    patience: int = Field(default=3, ge=1)
    """A candidate ends after so many sweeps without a better ranking."""
    solver: Literal["cholesky", "dual", "conjugate_gradients"] = "conjugate_gradients"
    """How rows are solved."""
    cg_steps: int = Field(default=3, ge=1)
    """Steps of conjugate gradients per row and sweep."""
    metric: Literal["recall", "ndcg"] = "ndcg"
    """Metric by which candidates are compared."""
    k: int = Field(default=20, ge=1, le=1_000)
    """Items ranked per user."""
    evaluation_split: Literal["valid", "test"] = "valid"
    """Split that is ranked; leave `test` for one last look."""
    evaluation_users: int = Field(default=5_000, ge=1)
    """Users ranked, chosen by a hash of their ids; all where there are fewer."""

    @model_validator(mode="after")
    def _ranks_in_order(self) -> Self:
        if self.max_rank < self.first_rank:
            raise ValueError("max_rank must not be below first_rank")
        return self


class TuneAlsConfig(TuningSettings, JobConfig):
    """Settings of `tune_als`."""

    inputs: TuningInputs
    """Interactions."""
    outputs: TuningOutputs
    """Tables written."""
    work: str | None = None
    """Folder for the search's state while it runs; `work` beside the results where not given."""
