"""Output of the command line: plans, results, and errors with the place of their log."""

import argparse
import json
import logging
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

import yaml
from rich.console import Console
from rich.table import Table

from pipelines.errors import VectormillError, from_spark
from pipelines.results import JobResult
from pipelines.settings import JobConfig

StepOutcome = tuple[str, float, JobResult | None]
"""State, seconds and result of one step of a workflow."""

LOG = logging.getLogger("vectormill")
LOG.addHandler(logging.NullHandler())  # without a handler Python prints the log on the screen
LOG.propagate = False


def print_plan(name: str, config: JobConfig) -> None:
    """Print a resolved configuration as YAML, with each local input's presence."""
    tree = config.model_dump(mode="json")
    print(f"# {name}")
    print(yaml.safe_dump(tree, sort_keys=False, allow_unicode=True), end="")
    for key, uri in (tree.get("inputs") or {}).items():
        is_local = isinstance(uri, str) and "://" not in uri
        state = (
            ("is there" if Path(uri).exists() else "is NOT there") if is_local else "not checked"
        )
        print(f"# would read inputs.{key}: {uri} ({state})")


def guarded(action: Callable[[], int], arguments: argparse.Namespace) -> int:
    """Run an action; print an error's message and the place of its log; return the exit code."""
    try:
        return action()
    except VectormillError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # the reader, for example `head`, has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("stopped; run the same command again to continue", file=sys.stderr)
        return 130
    except Exception as error:
        return failed(error, getattr(arguments, "log_dir", None))


def failed(error: Exception, folder: Path | None) -> int:
    """Print an error in one line with the place of its log; return the exit code."""
    known = error if isinstance(error, VectormillError) else from_spark(error)
    LOG.error("%s", "".join(traceback.format_exception(error)))
    text = str(known or error).strip()
    message = (text if known else _cause(text)) or repr(error)
    print(f"error: {message}", file=sys.stderr)
    if folder is not None:
        print(f"log: {folder}", file=sys.stderr)
    else:
        traceback.print_exception(error)
    return known.exit_code if known else 1


def _cause(text: str) -> str:
    """Return the line with the cause: Python's last one, or the exception of a JVM call."""
    _, is_raised, trace = text.rpartition("Traceback (most recent call last):")
    if is_raised:
        raised = (line for line in trace.splitlines() if line and not line[0].isspace())
        return next(raised, "") or text.splitlines()[0]
    lines = text.splitlines()
    is_call = len(lines) > 1 and lines[0].startswith("An error occurred while calling")
    return lines[1].removeprefix(": ") if is_call else "".join(lines[:1])


def summary(name: str, result: JobResult, seconds: float, *, is_json: bool = False) -> None:
    """Print a job's result: rows in and out, reasons, measures, lines; or all of it as JSON."""
    if is_json:
        print(json.dumps({"job": name, **result.as_dict()}))
        return
    console = Console(highlight=False)
    console.print(f"[bold]{name}[/bold]: {result.status} in {seconds:.1f} s")
    for side, counts in (
        ("in", result.rows_in),
        ("out", result.rows_out),
        ("rejected for", result.rejected),
        ("measured", result.measured),
    ):
        for what, rows in counts.items():
            console.print(f"  {side:>12}  {what:<28} {rows:>12,}")
    for what, value in result.measures.items():
        shown = (
            f"{value:,.4g}"
            if isinstance(value, float)
            else f"{value:,}"
            if isinstance(value, int)
            else value
        )
        console.print(f"  {'':>12}  {what:<28} {shown:>12}")
    if result.space_id:
        console.print(f"  {'space':>12}  {result.space_id}")
    for line in result.lines:
        console.print(f"  {line}", markup=False)


def closing(outcomes: Mapping[str, StepOutcome], console: Console, *, is_json: bool) -> None:
    """Print the outcome of each step of a workflow, as a table or as JSON."""
    if is_json:
        steps = [
            {"step": name, "outcome": state, "seconds": round(seconds, 2)}
            | (result.as_dict() if result else {})
            for name, (state, seconds, result) in outcomes.items()
        ]
        print(json.dumps(steps))
        return
    table = Table("step", "outcome", "rows in", "rows out", "rejected", "seconds", box=None)
    for name, (state, seconds, result) in outcomes.items():
        done = result or JobResult()
        counts = (sum(c.values()) for c in (done.rows_in, done.rows_out, done.rejected))
        table.add_row(name, state, *(f"{n:,}" if n else "" for n in counts), f"{seconds:.1f}")
    console.print(table)
