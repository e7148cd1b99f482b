"""Settings of the report."""

from typing import Self

from pydantic import Field, model_validator

from pipelines.settings import JobConfig, Outputs, Settings
from schemas import TABLES

_CONTRACTS = {  # table by input, where their names differ
    "word_vectors": "vectors",
    "recommender_vectors": "vectors",
    "recommender_neighbours": "neighbours",
}


class ReportInputs(Settings):
    """What `write_report` shows; a section whose table is not set or missing is left out."""

    word_vectors: str | None = None
    """Published vectors of words."""
    recommender_vectors: str | None = None
    """Published vectors of users and items."""
    vocabulary: str | None = None
    """Tokens with their counts."""
    run_counts: str | None = None
    """Rows in, out and rejected by reason."""
    rejected_documents: str | None = None
    """Rejected documents, of which some are shown with what they broke."""
    training_history: str | None = None
    """Measures per round of training."""
    tuning_results: str | None = None
    """Candidates of a search for settings."""
    quality_metrics: str | None = None
    """What the gate and the evaluations measured."""
    embedding_spaces: str | None = None
    """The registry of spaces."""
    neighbours: str | None = None
    """Neighbours of sample words; also those of users and items if they are in the same table."""
    recommender_neighbours: str | None = None
    """Neighbours of users and items, if they are in another table."""
    recommendations: str | None = None
    """Items recommended to users."""

    @model_validator(mode="after")
    def _require_one(self) -> Self:
        if all(uri is None for _, uri in self):
            raise ValueError(f"set at least one of: {', '.join(type(self).model_fields)}")
        return self


class ReportOutputs(Outputs):
    """What `write_report` writes."""

    report: str
    """File of the HTML page."""


class WriteReportConfig(JobConfig):
    """Settings of `write_report`."""

    inputs: ReportInputs
    """Tables shown."""
    outputs: ReportOutputs
    """The page."""
    title: str = "Vector tables"
    """Heading of the page."""
    map_words: int = Field(default=300, ge=10, le=1_000)
    """Most frequent words whose vectors are drawn on the map."""
    sample_count: int = Field(default=10, ge=1, le=100)
    """Examples of each kind: words, users and items."""


CONTRACTS = {name: TABLES[_CONTRACTS.get(name, name)] for name in ReportInputs.model_fields}
"""The contract of each input by its name."""
