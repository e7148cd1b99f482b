"""Settings of ALS training, under Spark's names: `AlsSettings`, and with its tables the job's."""

from typing import Literal, Self

from pydantic import Field, model_validator

from pipelines.als.objective import Objective
from pipelines.settings import JobConfig, Outputs, Settings, StageSettings

NATIVE_ONLY = "inputs.initial_vectors, early_stopping and evaluation_split need engine: native"


class AlsInputs(Settings):
    """What `train_als` reads."""

    interactions: str
    """User and item pairs; those of the split `train` are used."""
    user_ids: str
    """Keys of the users."""
    item_ids: str
    """Keys of the items."""
    initial_vectors: str | None = None
    """Vectors of an earlier space to begin from (native)."""


class AlsOutputs(Outputs):
    """Tables of `train_als`."""

    vectors: str
    """Staged vectors of all spaces."""
    training_history: str
    """Measures per sweep."""
    embedding_spaces: str
    """Registry of spaces."""


class AlsSettings(StageSettings):
    """Settings of a fit; they name no table and no folder."""

    engine: Literal["native", "mllib"] = "native"
    """Trainer: `native` is vectormill's own, `mllib` Spark's."""
    objective: Literal["ials", "hu2008", "explicit"] = "ials"
    """`ials` weighs observed and all cells separately (Rendle et al. 2021, native), `hu2008` takes
    weights as confidence (MLlib's and `implicit`'s), `explicit` as ratings."""
    rank: int = Field(default=64, ge=1)
    """Components per vector."""
    max_iter: int = Field(default=10, ge=1)
    """Sweeps: each solves all items, then all users."""
    reg_param: float = Field(default=0.003, gt=0)
    """Regularisation. A row of n cells has reg_param x n^frequency_exponent; `ials` adds
    unobserved_weight x the number of opposite rows to n."""
    frequency_exponent: float | None = Field(default=None, ge=0, le=2)
    """Where not given, 1 for `ials` and `explicit`, 0 for `hu2008` (native; MLlib has 1)."""
    unobserved_weight: float = Field(default=0.1, gt=0)
    """Weight of every cell's squared prediction; observed cells add their own weight (ials)."""
    alpha: float = Field(default=10.0, gt=0)
    """Confidence is 1 + alpha x weight (hu2008)."""
    has_biases: bool = True
    """Whether users and items have a bias (explicit, native)."""
    is_nonnegative: bool = False
    """Whether components must not be negative; biases may."""
    solver: Literal["auto", "cholesky", "dual", "conjugate_gradients"] = "auto"
    """How rows are solved: exactly by `cholesky` or `dual` (faster for short rows), or improved by
    a few steps of `conjugate_gradients`; `auto` takes the last, and `dual` for ratings (native)."""
    cg_steps: int = Field(default=3, ge=1)
    """Steps of conjugate gradients per row and sweep; a row whose last step still lowers the loss,
    as where weights differ greatly, takes up to eight times as many (native)."""
    layout: Literal["auto", "packed", "blocked"] = "auto"
    """Where it runs: `packed` in one task with all threads of an executor, `blocked` in half-sweeps
    over blocks of rows on all executors; `auto` takes packed if it fits and says why (native)."""
    num_blocks: int | None = Field(default=None, ge=1, le=8192)
    """Blocks of each side's rows; one per 250,000 interactions where not given (native)."""
    threads: int | None = Field(default=None, ge=1)
    """Threads of a task. Where not given, all cores of an executor in layout packed, and in blocked
    if tasks of one thread could not hold all factors of a side; else one (native)."""
    early_stopping: float | None = Field(default=None, ge=0, lt=1)
    """Stop after a sweep that lowers the loss by less than this share (native)."""
    evaluation_split: Literal["valid", "test"] | None = None
    """Split whose pairs are ranked after each sweep: recall and NDCG in the history (native)."""
    evaluation_k: int = Field(default=20, ge=1, le=1_000)
    """Items ranked per user (native)."""

    @model_validator(mode="after")
    def _is_what_the_engine_has(self) -> Self:
        if self.engine == "mllib":
            if self.objective == "ials":
                raise ValueError("objective: ials needs engine: native; MLlib has hu2008")
            if self.early_stopping is not None or self.evaluation_split is not None:
                raise ValueError(NATIVE_ONLY)
        return self

    def to_objective(self, mean: float) -> Objective:
        """Return the objective that is minimised; `mean` is the mean of all ratings."""
        exponent = self.frequency_exponent
        if exponent is None:
            exponent = 0.0 if self.objective == "hu2008" else 1.0
        has_biases = self.objective == "explicit" and self.has_biases
        return Objective(
            name=self.objective,
            reg_param=self.reg_param,
            frequency_exponent=exponent,
            alpha=self.alpha,
            unobserved_weight=self.unobserved_weight,
            mean=mean if has_biases else 0.0,
            has_biases=has_biases,
        )


class TrainAlsConfig(AlsSettings, JobConfig):
    """Settings of `train_als`."""

    inputs: AlsInputs
    """Interactions and ids."""
    outputs: AlsOutputs
    """Tables written."""
    work: str | None = None
    """Folder for a fit's state while it runs; `work` beside the vectors where not given."""
    space_name: str = Field(default="recommender", pattern=r"^\w+$")
    """Line of spaces that replace each other."""
    initial_space_id: str | None = None
    """Space of `inputs.initial_vectors` to begin from, where they hold several (native)."""

    @model_validator(mode="after")
    def _has_the_inputs_it_needs(self) -> Self:
        if self.initial_space_id and not self.inputs.initial_vectors:
            raise ValueError("initial_space_id chooses among inputs.initial_vectors: name these")
        if self.engine == "mllib" and self.inputs.initial_vectors is not None:
            raise ValueError(NATIVE_ONLY)
        return self
