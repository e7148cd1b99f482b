"""The command line: `vectormill <job>`, `run`, `jobs`, `init`; jobs' own `main` ends here too."""

import argparse
import ast
import importlib
import json
import logging
import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from jobs.cli.console import LOG, guarded, print_plan
from pipelines import __version__
from pipelines.errors import ConfigError
from pipelines.settings import Layers, Tree, build, conf_folder, read_yaml


def job_names() -> list[str]:
    """Return the names of all jobs: the modules of the package `jobs`."""
    modules = [Path(entry.name) for entry in files("jobs").iterdir()]
    return sorted(m.stem for m in modules if m.suffix == ".py" and m.stem != "__init__")


def purpose(job: str) -> str:
    """Return a job's one-line purpose, read without importing the job."""
    source = files("jobs").joinpath(f"{job}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").splitlines()[0]


def tables(job: str) -> dict[str, list[str]]:
    """Return the names of a job's `inputs` and `outputs`."""
    fields = importlib.import_module(f"jobs.{job}").CONFIG.model_fields
    sides = {side: fields.get(side) for side in ("inputs", "outputs")}
    return {
        side: list(field.annotation.model_fields) if field else [] for side, field in sides.items()
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the `vectormill` command and return its exit code."""
    arguments = _parser().parse_args(argv)
    action: Callable[[argparse.Namespace], int] = arguments.action
    return guarded(lambda: action(arguments), arguments)


def run_job(job: str, argv: Sequence[str] | None = None) -> int:
    """Run one job as `spark-submit jobs/<job>.py` does and return its exit code."""
    parser = argparse.ArgumentParser(prog=f"{job}.py", description=purpose(job))
    _add_job_options(parser, job)
    arguments = parser.parse_args(argv)
    return guarded(lambda: _job(arguments), arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vectormill",
        description="Spark jobs from raw text and events to vector tables.",
        epilog="exit codes: 0 ok, 2 configuration, 3 input, 4 quality gate, 5 concurrent run, "
        "6 missing dependency",
    )
    parser.add_argument("--version", action="version", version=f"vectormill {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    run = commands.add_parser("run", help="Run a workflow's jobs in dependency order.")
    run.add_argument("workflow", type=Path, help="workflow file, as conf/workflows/demo.yaml")
    run.add_argument("--only", metavar="STEP[,STEP]", help="run these steps alone")
    run.add_argument("--from", dest="first", metavar="STEP", help="run a step and all after it")
    run.add_argument("--resume", action="store_true", help="skip steps that ended well before")
    _add_common_options(run, "step.key=value or parameters.key=value")
    run.set_defaults(action=_workflow)
    listed = commands.add_parser("jobs", help="List the jobs with their purpose and tables.")
    listed.add_argument("--json", action="store_true", help="print JSON")
    listed.set_defaults(action=_list_jobs)
    init = commands.add_parser("init", help="Copy the configuration to a folder to start from.")
    init.add_argument("folder", type=Path)
    init.set_defaults(action=_init)
    for job in job_names():
        _add_job_options(commands.add_parser(job, help=purpose(job), description=purpose(job)), job)
    return parser


def _add_job_options(parser: argparse.ArgumentParser, job: str) -> None:
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help=f"configuration (default: base/{job}.yaml of the shipped one)",
    )
    _add_common_options(parser, "key.subkey=value")
    parser.set_defaults(action=_job, job=job)


def _add_common_options(parser: argparse.ArgumentParser, assignment: str) -> None:
    add = parser.add_argument
    add(
        "--set",
        dest="assignments",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help=f"set one value: {assignment}; may be repeated",
    )
    add("--env", metavar="NAME", help="overlay environments/NAME.yaml, or a file")
    add("--conf-dir", type=Path, metavar="DIR", help="use this copy of the configuration")
    add("--master", help="Spark master (default: what spark-submit set, else all local cores)")
    add("--conf", action="append", default=[], metavar="KEY=VALUE", help="Spark setting")
    add("--dry-run", action="store_true", help="print the resolved configuration and its inputs")
    add("--json", action="store_true", help="print the result as JSON")
    add("--log-level", default="warning", choices=["debug", "info", "warning", "error"])
    add("--log-dir", type=Path, metavar="DIR", help="folder of the log files")


def configuration(arguments: argparse.Namespace) -> Any:
    """Return the folder of the configuration in use: `--conf-dir`, else the shipped one."""
    return arguments.conf_dir or conf_folder()


def overlay(arguments: argparse.Namespace) -> tuple[str, Tree]:
    """Return the environment overlay's name and tree; both empty without `--env`."""
    if not arguments.env:
        return "", {}
    as_path = Path(arguments.env)
    folder = configuration(arguments)
    path = as_path if as_path.suffix else folder / "environments" / f"{arguments.env}.yaml"
    return str(path), read_yaml(path)


def job_layers(job: str, base: Path | Traversable, arguments: argparse.Namespace) -> Layers:
    """Return a job's layers so far: its file, then the overlay's `all` and `<job>` sections."""
    layers = Layers().add(read_yaml(base), str(base))
    origin, tree = overlay(arguments)
    unknown = set(tree) - {"all", "spark", *job_names()}
    if unknown:
        raise ConfigError(
            f"{origin}: unknown section {sorted(unknown)[0]!r}; "
            "an overlay has 'all', 'spark' and job names"
        )
    return layers.add(tree.get("all") or {}, origin).add(tree.get(job) or {}, origin)


def spark_settings(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the Spark settings of the overlay and of `--conf`."""
    settings = {k: str(v) for k, v in (overlay(arguments)[1].get("spark") or {}).items()}
    for text in arguments.conf:
        key, found, value = text.partition("=")
        if not found:
            raise ConfigError(f"--conf {text}: write it as key=value")
        settings[key] = value
    return settings


def log_folder(arguments: argparse.Namespace, name: str) -> Path:
    """Return the folder of this run's logs, made where it is missing."""
    state = Path(os.environ.get("XDG_STATE_HOME", Path.home() / ".local" / "state"))
    stamp = time.strftime("%Y%m%dT%H%M%S")
    folder: Path = arguments.log_dir or state / "vectormill" / "logs" / f"{stamp}-{name}"
    folder.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(folder / "vectormill.log", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    LOG.addHandler(handler)
    LOG.setLevel(arguments.log_level.upper())
    arguments.log_dir = folder
    return folder


def _job(arguments: argparse.Namespace) -> int:
    from jobs.cli.workflow import run_alone

    module = importlib.import_module(f"jobs.{arguments.job}")
    base = arguments.config or configuration(arguments) / "base" / f"{arguments.job}.yaml"
    layers = job_layers(arguments.job, base, arguments).add_assignments(arguments.assignments)
    config = build(module.CONFIG, layers)
    if arguments.dry_run:
        print_plan(arguments.job, config)
        return 0
    return run_alone(arguments, module, config)


def _workflow(arguments: argparse.Namespace) -> int:
    from jobs.cli.workflow import run_workflow

    return run_workflow(arguments)


def _list_jobs(arguments: argparse.Namespace) -> int:
    rows = [{"job": job, "purpose": purpose(job), **tables(job)} for job in job_names()]
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


if __name__ == "__main__":  # spark-submit jobs/command.py run conf/workflows/demo.yaml
    sys.exit(main())
