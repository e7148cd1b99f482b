"""One job from the command line: its options, session and summary; called by each job's `main`."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import SparkSession
from rich.console import Console

from jobs.cli import jobs_list
from jobs.cli.console import guarded, print_plan, summary
from jobs.cli.options import add_options, add_overlay, configuration, log_folder, spark_settings
from pipelines.cluster.progress import Progress
from pipelines.cluster.session import open_session, shortages
from pipelines.results import JobResult
from pipelines.settings import Layers, build, read_yaml


def run_job(job: str, argv: Sequence[str] | None = None) -> int:
    """Run one job as `spark-submit jobs/<job>.py` does and return its exit code."""
    parser = argparse.ArgumentParser(prog=f"{job}.py", description=jobs_list.purpose(job))
    add_job_options(parser, job)
    arguments = parser.parse_args(argv)
    return guarded(lambda: _run(arguments), arguments)


def add_job_options(parser: argparse.ArgumentParser, job: str) -> None:
    """Add a job's options, and the action that runs it."""
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help=f"configuration (default: base/{job}.yaml of the shipped one)",
    )
    if jobs_list.has_trial(job):
        parser.add_argument(
            "--sample",
            type=_share,
            metavar="SHARE",
            help="try the settings on this share of the records, as 0.01; writes nothing",
        )
    add_options(parser, "key.subkey=value")
    parser.set_defaults(action=_run, job=job)


def _share(text: str) -> float:
    share = float(text)
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError("is not above 0 and at most 1")
    return share


def _run(arguments: argparse.Namespace) -> int:
    module = jobs_list.load(arguments.job)
    base = arguments.config or configuration(arguments) / "base" / f"{arguments.job}.yaml"
    layers = add_overlay(Layers().add(read_yaml(base), str(base)), arguments.job, arguments)
    config = build(module.CONFIG, layers.add_assignments(arguments.assignments))
    if arguments.dry_run:
        print_plan(arguments.job, config)
        return 0
    spark = session(arguments, arguments.job)
    console = Console(stderr=True, highlight=False)
    warn_of_shortages(spark, console)
    started = time.monotonic()
    share: float | None = getattr(arguments, "sample", None)
    with Progress(console).watch(arguments.job, spark):
        result: JobResult = (
            module.run(spark, config) if share is None else module.try_sample(spark, config, share)
        )
    summary(arguments.job, result, time.monotonic() - started, is_json=arguments.json)
    return 0


def session(arguments: argparse.Namespace, name: str) -> SparkSession:
    """Return the session that the options ask for, or the running one."""
    return open_session(
        name,
        master=arguments.master,
        settings=spark_settings(arguments),
        log_folder=log_folder(arguments, name),
    )


def warn_of_shortages(spark: SparkSession, console: Console) -> None:
    """Print a warning for each shortage of this machine, as of memory or disk."""
    for warning in shortages(spark, Path.cwd()):
        console.print(f"[yellow]warning:[/yellow] {warning}")
