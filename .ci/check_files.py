"""Check a commit's files: YAML, TOML, JSON parse, none is large, notebooks hold no output."""

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import yaml

_MAX_BYTES = 500_000


def problems(path: Path) -> list[str]:
    """Say what is wrong with one file."""
    size = path.stat().st_size
    found = [f"{size:,} bytes, more than {_MAX_BYTES:,}"] if size > _MAX_BYTES else []
    try:
        content = _parsed(path)
    except (ValueError, yaml.YAMLError) as error:
        return [*found, f"does not parse: {error}"]
    if path.suffix == ".ipynb" and any(_has_output(cell) for cell in content["cells"]):
        found.append("holds outputs; strip them: .venv/bin/nbstripout " + str(path))
    return found


def _parsed(path: Path) -> Any:
    if path.suffix in (".yaml", ".yml"):
        return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    if path.suffix == ".toml":
        return tomllib.loads(path.read_text(encoding="utf-8"))
    if path.suffix in (".json", ".ipynb"):
        return json.loads(path.read_text(encoding="utf-8"))
    return None


def _has_output(cell: dict[str, Any]) -> bool:
    return bool(cell.get("outputs")) or cell.get("execution_count") is not None


def main(names: list[str]) -> int:
    """Print each problem of the named files; return 1 where there is one."""
    lines = [f"{name}: {problem}" for name in names for problem in problems(Path(name))]
    sys.stderr.writelines(f"{line}\n" for line in lines)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
