"""Options of a command: configuration layers, Spark settings, the folder of logs."""

import argparse
import logging
import os
import time
from pathlib import Path
from typing import Any

from jobs.cli import jobs_list
from jobs.cli.console import LOG
from pipelines.errors import ConfigError
from pipelines.settings import Layers, Tree, conf_folder, read_yaml


def add_options(parser: argparse.ArgumentParser, assignment: str) -> None:
    """Add the options that every job and `run` have; `assignment` says what `--set` takes."""
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


def add_overlay(layers: Layers, job: str, arguments: argparse.Namespace) -> Layers:
    """Add the overlay's sections `all` and `<job>`, if there is an overlay, to a job's layers."""
    origin, tree = overlay(arguments)
    unknown = set(tree) - {"all", "spark", *jobs_list.job_names()}
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
        key, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"--conf {text}: write it as key=value")
        settings[key] = value
    return settings


def log_folder(arguments: argparse.Namespace, name: str) -> Path:
    """Return the folder of this run's logs, which is created if missing."""
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
