"""Jobs on two executors of one core and 1 GiB each, by processes of their own."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def on_a_cluster(job: str, folder: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Run a job as users do, and return its result.

    Args:
        job: Name of the job.
        folder: Where it logs.
        settings: Its settings by dotted names.
    """
    given = [f"--set={name}={json.dumps(value)}" for name, value in settings.items()]
    conf = ["--conf=spark.driver.memory=1g", "--conf=spark.sql.shuffle.partitions=4"]
    master = ["--master=local-cluster[2,1,1024]", "--json", f"--log-dir={folder}/logs"]
    command = [sys.executable, str(ROOT / "jobs" / f"{job}.py"), *master, *conf, *given]
    told = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=900
    )
    assert told.returncode == 0, told.stdout[-2000:] + told.stderr[-6000:]
    result: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    return result
