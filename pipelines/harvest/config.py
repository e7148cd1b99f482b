"""Settings of `harvest_python`."""

from pydantic import Field

from pipelines.settings import JobConfig, Outputs


class HarvestOutputs(Outputs):
    """What `harvest_python` writes: folders of gzipped JSON lines."""

    corpus: str
    """Folder of documents: `id`, `text`."""
    event_log: str
    """Folder of calls: `file`, `name`, `position`."""


class HarvestPythonConfig(JobConfig):
    """Settings of `harvest_python`."""

    outputs: HarvestOutputs
    """Folders written."""
    packages: list[str] = [
        "matplotlib",
        "numpy",
        "pandas",
        "pydantic",
        "pyspark",
        "scipy",
        "sklearn",
    ]
    """Installed packages read beside the standard library; those that are missing are left out."""
    excluded_folders: list[str] = ["test", "tests", "_vendor", "idle_test", "__pycache__"]
    """Folder names whose files are not read."""
    max_files: int | None = Field(default=None, ge=1)
    """Most source files read, in the order of their paths; null reads all."""
