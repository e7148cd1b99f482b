"""`vectormill peek`: what raw files hold, and the settings to read them by."""

import argparse
import dataclasses
import json
from collections import Counter
from typing import Any

import yaml

_WIDTH = 44
_ROW_WIDTH = 160


def add_peek(commands: Any) -> None:
    """Add the command."""
    purpose = "Show what raw files hold, and the settings to read them by; without Spark."
    peek = commands.add_parser("peek", help=purpose, description=purpose)
    peek.add_argument("input", metavar="FILE_OR_FOLDER", help="of a folder, its first file")
    peek.add_argument("--json", action="store_true", help="print JSON")
    peek.add_argument("--rows", type=_count, default=5, help="rows and problems to show")
    peek.set_defaults(action=_peek)


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("is below zero")
    return number


def _peek(arguments: argparse.Namespace) -> int:
    from pipelines.sources.peek.peeking import peek

    finding = peek(arguments.input, arguments.rows)
    if arguments.json:
        print(json.dumps(dataclasses.asdict(finding), indent=2))
        return 0
    _print_file(finding)
    _print_columns(finding)
    _print_rows(finding, arguments.rows)
    _print_settings(finding)
    return 0


def _print_file(finding: Any) -> None:
    print(f"{finding.file}")
    if finding.files > 1:
        print(f"  the first of {finding.files:,} files, {finding.bytes:,} bytes together")
    told = {
        "format": f"{finding.format} (by its {finding.told_by})",
        "compression": finding.compression,
        "encoding": finding.encoding,
        "delimiter": finding.delimiter and repr(finding.delimiter),
        "quote": finding.quote and repr(finding.quote),
    }
    print("  " + ", ".join(f"{name} {value}" for name, value in told.items() if value))
    for remark in finding.remarks:
        print(f"  note: {remark}")


def _print_columns(finding: Any) -> None:
    print(f"\ncolumns of the first {finding.rows:,} rows")
    names = max((len(column.name) for column in finding.columns), default=0)
    for column in finding.columns:
        kind = column.type + (f" {column.fitting:.1%}" if column.fitting < 1 else "")
        samples = " | ".join(_short(sample) for sample in column.samples)
        blank = f"{column.blank:>4.0%} blank" if column.type != "list" else ""
        line = f"  {column.name:<{names}}  {kind:<12}  {blank}  {samples}"
        print(line.rstrip())


def _print_rows(finding: Any, rows: int) -> None:
    if finding.first:
        print("\nfirst rows")
    for row in finding.first:
        text = json.dumps(row, ensure_ascii=False)
        print(f"  {text[:_ROW_WIDTH]}{'…' if len(text) > _ROW_WIDTH else ''}")
    counts = Counter(problem.rule for problem in finding.problems)
    told = [f"{rule} {count:,}" for rule, count in counts.items()]
    print(f"\nrefused: {', '.join(told) or 'none'}")
    for problem in finding.problems[:rows]:
        print(f"  {problem.rule} at {problem.position:,}: {_short(problem.record, 100)}")
    for note, count in finding.notes.items():
        print(f"  changed: {note} {count:,}")


def _print_settings(finding: Any) -> None:
    for job, tree in finding.settings.items():
        print(f"\n# settings of {job}")
        print(yaml.safe_dump(tree, sort_keys=False, allow_unicode=True), end="")


def _short(text: str, width: int = _WIDTH) -> str:
    line = " ".join(text.split())
    return line if len(line) <= width else f"{line[: width - 1]}…"
