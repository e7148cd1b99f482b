"""The runner: the steps of a workflow file in dependency order, in one Spark session."""

import argparse
import json
import time
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import Field, JsonValue
from pyspark.sql import SparkSession
from rich.console import Console

from jobs.cli import jobs_list
from jobs.cli.console import Outcome, closing, failed, print_plan, summary
from jobs.cli.options import configuration, job_layers
from jobs.cli.running import session, warn_of_shortages
from pipelines.cluster.progress import Progress
from pipelines.errors import ConfigError
from pipelines.results import JobResult
from pipelines.settings import JobConfig, Layers, Settings, build, read_yaml, substitute
from pipelines.storage.digests import digest
from pipelines.storage.hadoop import Files
from pipelines.storage.lease import lease


class Step(Settings):
    """One step: a job, what it waits for, and its configuration over `conf/base/<job>.yaml`."""

    job: str | None = None
    """Job to run; the step's own name where it is not given."""
    after: list[str] = Field(default_factory=list)
    """Steps that must have ended well."""
    config: dict[str, JsonValue] = Field(default_factory=dict)
    """Configuration over the job's base file."""


class Workflow(Settings):
    """A schedule: its parameters, and its steps with their dependencies."""

    name: str
    """Name of the workflow."""
    purpose: str
    """What it is for, in one line."""
    parameters: dict[str, str] = Field(default_factory=dict)
    """Values for `${name}` in the steps' configuration; `${conf}` is the configuration's folder."""
    work: str
    """Folder of the runner's state, lease and logs."""
    steps: dict[str, Step]
    """The steps by name."""


@dataclass
class Planned:
    """A step with its validated configuration."""

    name: str
    after: list[str]
    module: ModuleType
    config: JobConfig

    @property
    def identity(self) -> str:
        """Hash of job and configuration: a resumed run skips only what is unchanged."""
        return digest([self.module.__name__, self.config.model_dump(mode="json")])


def load(arguments: argparse.Namespace) -> tuple[Workflow, list[Planned]]:
    """Read and validate a workflow and every step's configuration, in dependency order.

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
    return workflow, [planned[name] for name in _order(workflow)]


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
    layers = job_layers(job, base, arguments)
    layers.add(substitute(step.config, parameters), f"{arguments.workflow} steps.{name}")
    layers.add_assignments(own)
    module = jobs_list.load(job)
    return Planned(name, step.after, module, build(module.CONFIG, layers))


def _conf(arguments: argparse.Namespace, folder: Any) -> str:
    """Return the folder that `${conf}` names: the workflow's own, where it lies in one."""
    own = Path(arguments.workflow).resolve().parent.parent
    return str(own if (own / "base").is_dir() else folder)


def _order(workflow: Workflow) -> list[str]:
    for name, step in workflow.steps.items():
        unknown = set(step.after) - set(workflow.steps)
        if unknown:
            raise ConfigError(f"steps.{name}.after: no step {sorted(unknown)[0]!r}")
    try:
        return list(
            TopologicalSorter({n: s.after for n, s in workflow.steps.items()}).static_order()
        )
    except CycleError as error:
        raise ConfigError(f"steps wait for each other: {' → '.join(error.args[1])}") from error


def chosen(steps: list[Planned], only: str | None, first: str | None) -> list[Planned]:
    """Return the steps that `--only` and `--from` leave, in order."""
    names = [step.name for step in steps]
    asked = [name for text in (only, first) if text for name in text.split(",")]
    unknown = sorted(set(asked) - set(names))
    if unknown:
        raise ConfigError(f"no step {unknown[0]!r}; there are {', '.join(names)}")
    if only:
        return [step for step in steps if step.name in only.split(",")]
    kept = {first} if first else set(names)
    for step in steps:
        if kept & set(step.after):
            kept.add(step.name)
    return [step for step in steps if step.name in kept]


def run_workflow(arguments: argparse.Namespace) -> int:
    """Run a workflow; a failed step stops those that wait for it and gives its exit code."""
    workflow, steps = load(arguments)
    steps = chosen(steps, arguments.only, arguments.first)
    if arguments.dry_run:
        for step in steps:
            print_plan(step.name, step.config)
        return 0
    work = substitute(workflow.work, workflow.parameters)
    arguments.log_dir = arguments.log_dir or Path(work) / "logs"
    spark = session(arguments, workflow.name)
    files = Files(spark)
    with lease(files, f"{work}/{workflow.name}"):
        return _WorkflowRun(spark, files, f"{work}/{workflow.name}.state.json", arguments).steps(
            steps
        )


class _WorkflowRun:
    """One run of a workflow: what came of each step, kept on storage for `--resume`."""

    def __init__(
        self, spark: SparkSession, files: Files, state: str, arguments: argparse.Namespace
    ) -> None:
        self._spark, self._files, self._state, self._arguments = spark, files, state, arguments
        self._console = Console(stderr=arguments.json, highlight=False)
        self._ended: dict[str, str] = {}
        if arguments.resume and files.exists(state):
            self._ended = json.loads(files.read_text(state))
        self._outcomes: dict[str, Outcome] = {}
        self._code = 0

    def steps(self, steps: list[Planned]) -> int:
        """Run the steps and print the closing table; return the first failure's code."""
        warn_of_shortages(self._spark, self._console)
        redone: set[str] = set()
        for step in steps:
            stopped = [
                n
                for n in step.after
                if self._outcomes.get(n, ("done",))[0] in ("failed", "stopped")
            ]
            if stopped:
                self._outcomes[step.name] = ("stopped", 0.0, None)
            elif self._ended.get(step.name) == step.identity and not redone & set(step.after):
                self._outcomes[step.name] = ("skipped", 0.0, None)
            else:
                redone.add(step.name)
                self._forget(step.name, steps)
                self._step(step)
        closing(self._outcomes, self._console, is_json=self._arguments.json)
        return self._code

    def _forget(self, name: str, steps: list[Planned]) -> None:
        """Drop a step that begins, and all after it, from what a resumed run may skip."""
        stale = {step.name for step in chosen(steps, None, name)}
        self._ended = {n: identity for n, identity in self._ended.items() if n not in stale}
        self._files.replace_text(self._state, json.dumps(self._ended))

    def _step(self, step: Planned) -> None:
        started = time.monotonic()
        try:
            with Progress(self._console).watch(step.name, self._spark):
                result: JobResult = step.module.run(self._spark, step.config)
        except Exception as error:
            self._outcomes[step.name] = ("failed", time.monotonic() - started, None)
            code = failed(error, self._arguments.log_dir)
            self._code = self._code or code
            self._console.print(f"[red]{step.name} failed[/red]")
            return
        seconds = time.monotonic() - started
        self._outcomes[step.name] = (result.status, seconds, result)
        if not self._arguments.json:
            summary(step.name, result, seconds)
        self._ended[step.name] = step.identity
        self._files.replace_text(self._state, json.dumps(self._ended))
