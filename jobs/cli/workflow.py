"""The runner: the steps of a workflow file in order, in one Spark session."""

import argparse
import json
import time
from pathlib import Path

from pyspark.sql import SparkSession
from rich.console import Console

from jobs.cli.console import StepOutcome, closing, failed, print_plan, summary
from jobs.cli.planning import Planned, load
from jobs.cli.running import session, warn_of_shortages
from pipelines.cluster.progress import Progress
from pipelines.errors import ConfigError
from pipelines.results import JobResult
from pipelines.settings import substitute
from pipelines.storage.hadoop import Files
from pipelines.storage.runs.lease import lease


def chosen(steps: list[Planned], only: str | None, first: str | None) -> list[Planned]:
    """Return the steps that `--only` and `--from` choose, in order."""
    names = [step.name for step in steps]
    chosen_names = [name for text in (only, first) if text for name in text.split(",")]
    unknown = sorted(set(chosen_names) - set(names))
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
    """Run a workflow, but no step that waits for a failed one; return the first failure's code."""
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
    """One run of a workflow: the outcome of each step, stored for `--resume`."""

    def __init__(
        self, spark: SparkSession, files: Files, state: str, arguments: argparse.Namespace
    ) -> None:
        self._spark, self._files, self._state, self._arguments = spark, files, state, arguments
        self._console = Console(stderr=arguments.json, highlight=False)
        self._ended: dict[str, str] = {}
        if arguments.resume and files.exists(state):
            self._ended = json.loads(files.read_text(state))
        self._outcomes: dict[str, StepOutcome] = {}
        self._code = 0

    def steps(self, steps: list[Planned]) -> int:
        """Run the steps and print the closing table; return the first failure's exit code."""
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
        """Remove a step that begins, and all after it, from the steps that `--resume` may skip."""
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
