"""What the end-to-end tests share: the built zip, and spark-submit without the checkout."""

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.cluster import delta_jars
from pipelines.cluster.session import find_java

ROOT = Path(__file__).resolve().parents[2]
# in processes of seconds Java's second compiler takes half the CPU time, and the check of each
# class of Spark's jars two seconds
QUICK = (
    "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 "
    "-XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote"
)
BARE_PYTHON = """#!/bin/sh
# The packages of the environment, but none of its .pth files: no editable installation.
PYTHONPATH="${{PYTHONPATH:+$PYTHONPATH:}}{packages}" exec {python} -S "$@"
"""


@pytest.fixture(scope="session")
def built_zip() -> Path:
    """Return the zip that `make build` makes."""
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    subprocess.run(["make", "build"], cwd=ROOT, env=environment, check=True, timeout=600)
    return ROOT / "dist" / "vectormill.zip"


@pytest.fixture
def bare_python(tmp_path: Path) -> Path:
    """Return a Python that has the packages but not vectormill."""
    script = tmp_path / "bare_python"
    packages = sysconfig.get_paths()["purelib"]
    script.write_text(BARE_PYTHON.format(packages=packages, python=sys.executable))
    script.chmod(0o755)
    return script


@pytest.fixture
def bare_environment(bare_python: Path) -> dict[str, str]:
    """Return the environment of a user without vectormill."""
    kept = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("PYTHON", "PYSPARK", "SPARK", "COV_"))
    }
    return kept | {
        "PYSPARK_PYTHON": str(bare_python),
        "PYSPARK_DRIVER_PYTHON": str(bare_python),
        "JAVA_HOME": find_java() or "",
        "SPARK_LOCAL_IP": "127.0.0.1",
    }


@pytest.fixture
def submit(
    built_zip: Path, bare_environment: dict[str, str], tmp_path: Path
) -> Callable[..., dict[str, Any]]:
    """Return a function that submits a job to two executors and gives its JSON result."""
    jars = delta_jars.remembered()
    delta = ["--jars", jars] if jars else ["--packages", delta_jars.coordinates()]

    def submitted(job: str, *arguments: str) -> dict[str, Any]:
        with delta_jars.resolved_once():  # two resolvers at once break Spark's cache of jars
            told = subprocess.run(
                [
                    Path(sys.executable).with_name("spark-submit"),
                    "--master",
                    "local-cluster[2,1,1024]",
                    *delta,
                    "--py-files",
                    built_zip,
                    "--conf",
                    "spark.driver.memory=1g",
                    "--conf",
                    "spark.executorEnv.PYSPARK_PYTHON=" + bare_environment["PYSPARK_PYTHON"],
                    "--conf",
                    "spark.ui.enabled=false",
                    "--conf",
                    "spark.driver.extraJavaOptions=" + QUICK,
                    "--conf",
                    "spark.executor.extraJavaOptions=" + QUICK,
                    ROOT / "jobs" / f"{job}.py",
                    *arguments,
                    "--json",
                    "--log-dir",
                    tmp_path / "logs",
                ],
                cwd=tmp_path,
                env=bare_environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=400,
            )
        assert told.returncode == 0, told.stdout[-2000:] + told.stderr[-6000:]
        result: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
        return result

    return submitted
