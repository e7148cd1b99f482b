"""Settings of reading raw files, which every job that reads them has."""

from typing import Literal

from pydantic import Field

from pipelines.settings import StageSettings


class SourceSettings(StageSettings):
    """How raw files are found and read."""

    file_format: str | None = None
    """Format of the files, as jsonl, csv, parquet, text; told by endings where it is not set."""
    include: list[str] = Field(default_factory=list)
    """Patterns of file names below the input, as `2024/*.csv`; none takes all files."""
    exclude: list[str] = Field(default_factory=list)
    """Patterns of file names that are left out."""
    keep_columns: list[str] = Field(default_factory=list)
    """Columns of the records that kept rows have too, as text; dots lead into nested ones."""
    bad_files: Literal["fail", "reject"] = "fail"
    """Whether a file that breaks off ends the job or is listed in `rejected_files`."""
    encoding: str | None = None
    """Encoding of text files; where it is not set UTF-8 is tried, then the encoding is detected (of
    JSON, only UTF-16 and UTF-32)."""
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    """Character between fields of CSV; told by the first line where it is not set."""
    quote: str | None = Field(default='"', min_length=1, max_length=1)
    """Character around fields of CSV; null where there is none."""
    escape: str | None = Field(default=None, min_length=1, max_length=1)
    """Character before a quote inside a quoted field; null doubles the quote instead."""
    null_values: list[str] = Field(default_factory=lambda: ["", "\\N"])
    """Unquoted fields of CSV that mean no value."""
    max_record_bytes: int = Field(default=64 << 20, ge=1 << 10)
    """Longest record; a quote that is open for longer is an error of its line."""
    documents_per: Literal["file", "line", "paragraph"] = "file"
    """Whether a text file is one record, one per line, or one per paragraph."""
    extractor: Literal["resiliparse", "trafilatura"] = "resiliparse"
    """What takes the main content out of HTML: the first for volume, the second for quality."""
