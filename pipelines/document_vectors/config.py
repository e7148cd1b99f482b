"""Settings of `embed_documents`."""

from typing import Literal

from pydantic import Field

from pipelines.settings import JobConfig, Outputs, Settings, StageSettings


class EmbedInputs(Settings):
    """What `embed_documents` reads."""

    sentences: str
    """Sentences (or sessions) as token ids."""
    vocabulary: str
    """Tokens, or item ids where `entity` is item, with their counts: those of the sentences."""
    vectors: str
    """Staged vectors of any number of spaces, or a published table."""
    embedding_spaces: str | None = None
    """Registry of the spaces; not needed where `vectors` is a published table."""


class EmbedOutputs(Outputs):
    """Tables of `embed_documents`."""

    document_vectors: str
    """One row per document."""
    run_counts: str
    """Documents in, out and without a known token."""


class DocumentsSettings(StageSettings):
    """How documents are embedded."""

    entity: Literal["word", "item"] = "word"
    """Kind of the vectors that are averaged: `item` where sessions are embedded."""
    vectors_per: Literal["document", "sentence"] = "document"
    """What one vector is for: all sentences of a document, or each sentence (session)."""
    weighting: Literal["mean", "idf", "sif"] = "sif"
    """Weight of a token: `mean` 1; `idf` log((1 + N) / (1 + n)) + 1, n of N documents having it;
    `sif` a / (a + p)."""
    sif_a: float = Field(default=0.001, gt=0)
    """The `a` of `sif`; `p` is the token's share of all counts of the vocabulary."""
    remove_components: int | None = Field(default=None, ge=0)
    """First principal components removed from all vectors; null means 1 for `sif`, else 0."""
    max_matrix_megabytes: int = Field(default=1_024, ge=1)
    """Largest matrix of word vectors sent to each executor, in MiB."""

    @property
    def component_count(self) -> int:
        """Number of principal components that are removed."""
        if self.remove_components is None:
            return 1 if self.weighting == "sif" else 0
        return self.remove_components


class EmbedDocumentsConfig(DocumentsSettings, JobConfig):
    """Settings of `embed_documents`."""

    inputs: EmbedInputs
    """Sentences, vocabulary and word vectors."""
    outputs: EmbedOutputs
    """Tables written."""
    space_name: str = "word"
    """Name of the spaces whose newest one is used, given a registry."""
    space_id: str | None = None
    """Space to use instead of the newest; without a registry, instead of the table's only one."""
