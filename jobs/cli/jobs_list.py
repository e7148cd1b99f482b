"""The list of jobs: names, purposes, modules and tables."""

import ast
import importlib
from importlib.resources import files
from pathlib import Path
from types import ModuleType


def job_names() -> list[str]:
    """Return the names of all jobs: the modules of the package `jobs`."""
    modules = [Path(entry.name) for entry in files("jobs").iterdir()]
    return sorted(m.stem for m in modules if m.suffix == ".py" and m.stem != "__init__")


def purpose(job: str) -> str:
    """Return a job's one-line purpose, read without importing the job."""
    source = files("jobs").joinpath(f"{job}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").splitlines()[0]


def has_trial(job: str) -> bool:
    """Tell whether a job has `try_sample`, which tries it on a share of its input."""
    source = files("jobs").joinpath(f"{job}.py").read_text(encoding="utf-8")
    return any(getattr(part, "name", "") == "try_sample" for part in ast.parse(source).body)


def load(job: str) -> ModuleType:
    """Return a job's module, with its `CONFIG` and `run`."""
    return importlib.import_module(f"jobs.{job}")


def tables(job: str) -> dict[str, list[str]]:
    """Return the names of a job's `inputs` and `outputs`."""
    fields = load(job).CONFIG.model_fields
    sides = {side: fields.get(side) for side in ("inputs", "outputs")}
    return {
        side: list(field.annotation.model_fields) if field else [] for side, field in sides.items()
    }
