"""Settings of Word2Vec training, under Spark's names."""

from typing import Literal

from pydantic import Field

from pipelines.settings import JobConfig, Outputs, Settings


class Word2VecInputs(Settings):
    """What `train_word2vec` reads."""

    sentences: str
    """Sentences (or sessions) as token ids."""
    vocabulary: str
    """Tokens (or item ids) with their counts."""


class Word2VecOutputs(Outputs):
    """Tables of `train_word2vec`."""

    vectors: str
    """Staged vectors of all spaces."""
    training_history: str
    """Measures per round."""
    embedding_spaces: str
    """Registry of spaces."""


class TrainWord2VecConfig(JobConfig):
    """Settings of `train_word2vec`."""

    inputs: Word2VecInputs
    """Sentences and vocabulary."""
    outputs: Word2VecOutputs
    """Tables written."""
    engine: Literal["mllib"] = "mllib"
    """Trainer: `mllib` is Spark's own skip-gram with hierarchical softmax."""
    space_name: str = Field(default="word", pattern=r"^\w+$")
    """Line of spaces that replace each other."""
    vector_size: int = Field(default=100, ge=1)
    """Components per vector."""
    window_size: int = Field(default=5, ge=1)
    """Tokens on each side of a token that are its context."""
    step_size: float = Field(default=0.025, gt=0)
    """Learning rate at the start."""
    max_iter: int = Field(default=3, ge=1)
    """Passes over the sentences."""
    num_partitions: int = Field(default=1, ge=1)
    """Partitions MLlib trains side by side; more are faster and, on a cluster, worse."""
    max_sentence_length: int = Field(default=1_000, ge=2)
    """Longer sentences are cut, in tokens."""
