"""Reading a workflow file: its steps in order, each with its validated configuration."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import Field, JsonValue

from jobs.cli import jobs_list
from jobs.cli.options import add_overlay, configuration
from jobs.cli.ordering import order, tables_of, waits_of
from pipelines.errors import ConfigError
from pipelines.settings import (
    JobConfig,
    Layers,
    Settings,
    Tree,
    build,
    read_yaml,
    substitute,
)
from pipelines.storage.digests import digest
from schemas import TABLES

_TABLES = TABLES.keys() | {"folded_vectors"}  # names of inputs and outputs that are tables


class Step(Settings):
    """One step: a job, what it waits for, and its configuration over `conf/base/<job>.yaml`."""

    job: str | None = None
    """Job to run; the step's own name where it is not given."""
    after: list[str] = Field(default_factory=list)
    """Steps that must succeed before, besides those that write this step's inputs."""
    config: dict[str, JsonValue] = Field(default_factory=dict)
    """Configuration over the job's base file."""


class Workflow(Settings):
    """A schedule: its parameters, and its steps with their configuration."""

    name: str
    """Name of the workflow."""
    purpose: str
    """Its purpose, in one line."""
    parameters: dict[str, str] = Field(default_factory=dict)
    """Values for `${name}` in the steps' configuration; `${conf}` is the configuration's folder.

    With `root`, a table that a step does not name lies at `${root}/tables/<table>`."""
    work: str
    """Folder of the runner's state, lease and logs."""
    steps: dict[str, Step]
    """The steps by name."""


@dataclass
class Planned:
    """A step with its validated configuration, and the steps it waits for."""

    name: str
    after: list[str]
    module: ModuleType
    config: JobConfig

    @property
    def identity(self) -> str:
        """Hash of job and configuration: a resumed run skips only what is unchanged."""
        return digest([self.module.__name__, self.config.model_dump(mode="json")])


def load(arguments: argparse.Namespace) -> tuple[Workflow, list[Planned]]:
    """Read and validate a workflow and every step's configuration; order its steps.

    Raises:
        ConfigError: A key, a job, a parameter or a dependency is unknown, or steps form a cycle.
    """
    layers = Layers().add(read_yaml(arguments.workflow), str(arguments.workflow))
    parameters = [a for a in arguments.assignments if a.startswith("parameters.")]
    workflow = build(Workflow, layers.add_assignments(parameters))
    assignments = [a for a in arguments.assignments if a not in parameters]
    for text in assignments:
        if text.split(".")[0] not in workflow.steps:
            raise ConfigError(
                f"--set {text}: no step {text.split('.')[0]!r}; "
                f"there are {', '.join(workflow.steps)}"
            )
    planned = {name: _plan(name, workflow, arguments, assignments) for name in workflow.steps}
    waits = waits_of([tables_of(step.name, step.after, step.config) for step in planned.values()])
    for name, step in planned.items():
        step.after = list(waits[name])
    return workflow, [planned[name] for name in order(waits)]


def _plan(
    name: str, workflow: Workflow, arguments: argparse.Namespace, assignments: list[str]
) -> Planned:
    step = workflow.steps[name]
    job = step.job or name
    if job not in jobs_list.job_names():
        raise ConfigError(f"{arguments.workflow}: steps.{name}: no job {job!r}")
    folder = configuration(arguments)
    base = folder / "base" / f"{job}.yaml"
    parameters = {"conf": _conf(arguments, folder), **workflow.parameters}
    own = [a.removeprefix(f"{name}.") for a in assignments if a.startswith(f"{name}.")]
    module = jobs_list.load(job)
    tree, root = read_yaml(base), workflow.parameters.get("root")
    layers = Layers().add(tree, str(base))
    if root is not None:
        layers.add(default_places(module.CONFIG, tree, root), "parameters.root")
    add_overlay(layers, job, arguments)
    layers.add(substitute(step.config, parameters), f"{arguments.workflow} steps.{name}")
    layers.add_assignments(own)
    return Planned(name, step.after, module, build(module.CONFIG, layers))


def default_places(model: type[JobConfig], base: Tree, root: str) -> Tree:
    """Return the places of a job's tables that a step need not name: `<root>/tables/<table>`.

    They are the tables that the job's base file names. A table that is null there stays null, and
    an output that is missing there lies beside the others. All else keeps the base file's place:
    raw text and events, exports, reports, and published vectors, a table for each space.
    """
    places: Tree = {}
    for side in ("inputs", "outputs"):
        named = {name for name, uri in (base.get(side) or {}).items() if uri} & _TABLES
        if side == "inputs":
            named -= _not_tables(model)
        if named:
            places[side] = {name: f"{root.rstrip('/')}/tables/{name}" for name in sorted(named)}
    return places


def _not_tables(model: type[JobConfig]) -> set[str]:
    """Return the inputs that are named like a table and are not that table of the workflow.

    A job's input of its output's name is raw, as `events`. In jobs without `space_name`,
    `vectors` is a published table.
    """
    outputs = model.model_fields.get("outputs")
    written = set(getattr(outputs and outputs.annotation, "model_fields", ()))
    return written if "space_name" in model.model_fields else {*written, "vectors"}


def _conf(arguments: argparse.Namespace, folder: Any) -> str:
    """Return the folder of `${conf}`: that which the workflow lies in, else `folder`."""
    own = Path(arguments.workflow).resolve().parent.parent
    return str(own if (own / "base").is_dir() else folder)
