"""Settings of Word2Vec training, under Spark's names."""

from typing import Literal, Self

from pydantic import Field, model_validator

from pipelines.settings import JobConfig, Outputs, Settings, StageSettings


class Word2VecSettings(StageSettings):
    """How vectors are trained: every setting but the tables and folders."""

    engine: Literal["native", "mllib"] = "native"
    """Trainer: `native` is vectormill's own, `mllib` Spark's (skip-gram, hierarchical softmax)."""
    entity: Literal["word", "item"] = "word"
    """Kind of the vectors in the table: `word`, or `item` where sessions are trained on."""
    vector_size: int = Field(default=100, ge=1)
    """Components per vector."""
    window_size: int = Field(default=5, ge=1)
    """Tokens on each side of a token that are its context."""
    step_size: float | None = Field(default=None, gt=0)
    """Learning rate at the start; .025 for skip-gram and .15 for CBOW where not given."""
    max_iter: int = Field(default=3, ge=1)
    """Passes over the sentences."""
    min_step_size: float = Field(default=0.0001, ge=0)
    """Learning rate at the end; it falls in a straight line (native)."""
    architecture: Literal["skip_gram", "cbow"] = "skip_gram"
    """A token predicts its context, or the mean of its context predicts it (native)."""
    negative: int = Field(default=5, ge=1)
    """Negatives per positive pair (native)."""
    sample: float = Field(default=0.001, ge=0, lt=1)
    """Relative frequency above which occurrences are skipped at random; 0 keeps all (native)."""
    ns_exponent: float = Field(default=0.75, ge=-3, le=3)
    """Negatives are drawn in proportion to count to this power; may be negative (native)."""
    held_out_share: float = Field(default=0.001, ge=0, le=0.05)
    """Share of sentences kept apart to measure the loss on (native)."""
    tokens_per_round: int = Field(default=60_000_000, ge=1)
    """Tokens trained between two states that a killed run can go on from (native)."""
    mode: Literal["auto", "packed", "replicated", "rotated"] = "auto"
    """How executors share the work: `packed` trains in one task, `replicated` one copy of the model
    per trainer, merged after each round; `rotated` gives each trainer a part of a model that is
    larger than an executor; `auto` decides and says why (native)."""
    trainers: int | None = Field(default=None, ge=1)
    """Copies of the model in mode replicated, parts of it in mode rotated; one per executor, or as
    many as make a part fit, where not given (native)."""
    rounds: int | None = Field(default=None, ge=1)
    """Merges in all in mode replicated, 16 per epoch where not given, or 32 for more than 16
    trainers; passes of the parts around all trainers in mode rotated, 4 per epoch where not given
    (native)."""
    early_stopping: float | None = Field(default=None, ge=0, lt=1)
    """Stop after an epoch that lowers the held-out loss by less than this share (native)."""
    keep_context_vectors: bool = False
    """Whether output vectors are written too, as entity `<entity>_context` (native)."""
    threads: int | None = Field(default=None, ge=1)
    """Threads of a training task; all cores of one executor where not given (native)."""
    num_partitions: int = Field(default=1, ge=1)
    """Partitions MLlib trains side by side; more are faster and, on a cluster, worse (mllib)."""
    max_sentence_length: int = Field(default=1_000, ge=2)
    """Longer sentences are cut, in tokens (mllib)."""

    @property
    def learning_rate(self) -> float:
        """Return the learning rate at the start: `step_size`, or the architecture's own."""
        return self.step_size or (0.15 if self.architecture == "cbow" else 0.025)

    def refuse_initial_vectors(self) -> None:
        """Raise ValueError where training by these settings cannot begin from earlier vectors."""
        if self.engine == "mllib":
            raise ValueError("inputs.initial_vectors needs engine: native")
        if self.mode == "rotated":
            raise ValueError("mode: rotated cannot begin from inputs.initial_vectors")

    @model_validator(mode="after")
    def _are_possible(self) -> Self:
        if self.engine == "mllib" and self.early_stopping is not None:
            raise ValueError("early_stopping needs engine: native")
        if self.engine == "mllib" and self.keep_context_vectors:
            raise ValueError("keep_context_vectors needs engine: native")
        if self.mode == "rotated" and self.architecture == "cbow":
            raise ValueError(
                "mode: rotated needs architecture: skip_gram; a window's mean has all parts"
            )
        if self.early_stopping is not None and self.held_out_share == 0:
            raise ValueError("early_stopping needs a held_out_share above 0 to measure the loss on")
        return self


class Word2VecInputs(Settings):
    """What `train_word2vec` reads."""

    sentences: str
    """Sentences, or sessions for `entity: item`, as token ids."""
    vocabulary: str
    """Tokens with their counts; for `entity: item` the table `item_ids`."""
    initial_vectors: str | None = None
    """Vectors of an earlier space to begin from; tokens that it lacks begin as new (native)."""


class Word2VecOutputs(Outputs):
    """Tables of `train_word2vec`."""

    vectors: str
    """Staged vectors of all spaces."""
    training_history: str
    """Measures per round."""
    embedding_spaces: str
    """Registry of spaces."""


class TrainWord2VecConfig(Word2VecSettings, JobConfig):
    """Settings of `train_word2vec`."""

    inputs: Word2VecInputs
    """Sentences and vocabulary."""
    outputs: Word2VecOutputs
    """Tables written."""
    work: str | None = None
    """Folder of the rounds' state while it trains; `work` beside the vectors where not given."""
    space_name: str = Field(default="word", pattern=r"^\w+$")
    """Line of spaces that replace each other."""
    initial_space_id: str | None = None
    """Space of `inputs.initial_vectors` to begin from, where they hold several (native)."""

    @model_validator(mode="after")
    def _inputs_fit(self) -> Self:
        if self.initial_space_id and not self.inputs.initial_vectors:
            raise ValueError("initial_space_id chooses among inputs.initial_vectors: name these")
        if self.inputs.initial_vectors is not None:
            self.refuse_initial_vectors()
        return self
