"""Settings of looking at rejected documents."""

from pydantic import Field

from pipelines.settings import JobConfig, Settings


class InspectInputs(Settings):
    """What `inspect_corpus` reads."""

    rejected_documents: str
    """Rejected documents with every reason."""


class InspectCorpusConfig(JobConfig):
    """Settings of `inspect_corpus`."""

    inputs: InspectInputs
    """The table."""
    rule: str | None = None
    """Rule that rejected the documents, as it stands in reasons; null takes any."""
    document_count: int = Field(default=5, ge=1, le=1_000)
    """Documents printed, chosen at random by the seed."""
    max_characters: int = Field(default=600, ge=20)
    """Longest piece of a text that is printed, around the first place that is marked."""
