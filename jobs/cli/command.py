"""The command line: `vectormill <job>`, `run`, `peek`, `jobs`, `init`."""

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from importlib.resources import as_file
from pathlib import Path
from typing import Any

from jobs.cli import jobs_list
from jobs.cli.console import guarded
from jobs.cli.options import add_options
from jobs.cli.peek import add_peek
from jobs.cli.running import add_job_options
from jobs.cli.workflow import run_workflow
from pipelines import __version__
from pipelines.errors import ConfigError
from pipelines.settings import conf_folder


def main(argv: Sequence[str] | None = None) -> int:
    """Run the `vectormill` command and return its exit code."""
    arguments = _parser().parse_args(argv)
    action: Callable[[argparse.Namespace], int] = arguments.action
    return guarded(lambda: action(arguments), arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vectormill",
        description="Spark jobs from raw text and events to vector tables.",
        epilog="exit codes: 0 ok, 2 configuration, 3 input, 4 quality gate, 5 concurrent run, "
        "6 missing dependency",
    )
    parser.add_argument("--version", action="version", version=f"vectormill {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_run(commands)
    add_peek(commands)
    listed = commands.add_parser("jobs", help="List the jobs with their purpose and tables.")
    listed.add_argument("--json", action="store_true", help="print JSON")
    listed.set_defaults(action=_list_jobs)
    init = commands.add_parser("init", help="Copy the configuration to a folder to start from.")
    init.add_argument("folder", type=Path)
    init.set_defaults(action=_init)
    for job in jobs_list.job_names():
        purpose = jobs_list.purpose(job)
        add_job_options(commands.add_parser(job, help=purpose, description=purpose), job)
    return parser


def _add_run(commands: Any) -> None:
    run = commands.add_parser("run", help="Run a workflow's jobs in dependency order.")
    run.add_argument("workflow", type=Path, help="workflow file, as conf/workflows/demo.yaml")
    run.add_argument("--only", metavar="STEP[,STEP]", help="run these steps alone")
    run.add_argument("--from", dest="first", metavar="STEP", help="run a step and all after it")
    run.add_argument("--resume", action="store_true", help="skip steps that ended well before")
    add_options(run, "step.key=value or parameters.key=value")
    run.set_defaults(action=run_workflow)


def _list_jobs(arguments: argparse.Namespace) -> int:
    rows = [
        {"job": job, "purpose": jobs_list.purpose(job), **jobs_list.tables(job)}
        for job in jobs_list.job_names()
    ]
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return 0
    for row in rows:
        reads, writes = (", ".join(row[side]) or "nothing" for side in ("inputs", "outputs"))
        print(f"{row['job']}\n    {row['purpose']}\n    reads {reads}; writes {writes}")
    return 0


def _init(arguments: argparse.Namespace) -> int:
    if arguments.folder.exists() and any(arguments.folder.iterdir()):
        raise ConfigError(f"{arguments.folder}: is not empty; name a new folder")
    with as_file(conf_folder()) as source:
        shutil.copytree(
            source,
            arguments.folder,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("__pycache__", "__init__.py"),
        )
    print(
        f"Configuration copied to {arguments.folder}. Edit base/<job>.yaml there, then run\n"
        f"  vectormill clean_corpus --conf-dir {arguments.folder}"
    )
    return 0


if __name__ == "__main__":  # spark-submit jobs/cli/command.py run conf/workflows/demo.yaml
    sys.exit(main())
