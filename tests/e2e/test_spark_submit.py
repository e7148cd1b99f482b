"""The built zip through spark-submit on a multi-process cluster gives what local mode gives.

The driver and the workers run without the checkout or its installation: `pipelines` can only come
from the zip.
"""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from jobs.clean_corpus import CONFIG as CLEAN
from jobs.clean_corpus import run as clean
from jobs.tokenize_corpus import CONFIG as TOKENIZE
from jobs.tokenize_corpus import run as tokenize
from pipelines.session import _remembered_jars, delta_coordinates, find_java
from pipelines.settings import Layers, build, conf_folder, read_yaml

ROOT = Path(__file__).resolve().parents[2]
TEXT = "the mean of a sample is its sum divided by the number of its values"
BARE_PYTHON = """#!/bin/sh
# The packages of the environment, but none of its .pth files: no editable installation.
PYTHONPATH="${{PYTHONPATH:+$PYTHONPATH:}}{packages}" exec {python} -S "$@"
"""


@pytest.fixture(scope="module")
def built() -> Path:
    """Return the zip that `make build` makes."""
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    subprocess.run(["make", "build"], cwd=ROOT, env=environment, check=True, timeout=600)
    return ROOT / "dist" / "vectormill.zip"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return three files of documents: good, duplicate, too short, and not UTF-8."""
    folder = tmp_path_factory.mktemp("corpus")
    for part in range(3):
        texts = [f"{TEXT[n % 5 * 4 :]} word{n} {n}" for n in range(20)]
        lines = [json.dumps({"text": text}).encode() for text in [*texts, "too short"]]
        (folder / f"part{part}.jsonl").write_bytes(b"\n".join([*lines, b'{"text": "\xff"}']))
    return folder


def _bare_python(folder: Path) -> Path:
    script = folder / "bare_python"
    packages = sysconfig.get_paths()["purelib"]
    script.write_text(BARE_PYTHON.format(packages=packages, python=sys.executable))
    script.chmod(0o755)
    return script


def _environment(python: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith(("PYTHON", "PYSPARK", "SPARK", "COV_"))}  # fmt: skip
    return kept | {
        "PYSPARK_PYTHON": str(python), "PYSPARK_DRIVER_PYTHON": str(python),
        "JAVA_HOME": find_java() or "", "SPARK_LOCAL_IP": "127.0.0.1",
    }  # fmt: skip


def _submit(job: str, zipped: Path, folder: Path, *assignments: str) -> dict[str, object]:
    jars = _remembered_jars()
    delta = ["--jars", jars] if jars else ["--packages", delta_coordinates()]
    sets = [part for text in assignments for part in ("--set", text)]
    python = _bare_python(folder)
    told = subprocess.run(
        [Path(sys.executable).with_name("spark-submit"), "--master", "local-cluster[2,1,1024]",
         *delta, "--py-files", zipped, "--conf", "spark.driver.memory=1g",
         "--conf", "spark.executorEnv.PYSPARK_PYTHON=" + str(python),
         "--conf", "spark.ui.enabled=false", ROOT / "jobs" / f"{job}.py", "--json",
         "--log-dir", folder / "logs", *sets],
        cwd=folder, env=_environment(python), capture_output=True, text=True, check=False,
        timeout=400,
    )  # fmt: skip
    assert told.returncode == 0, told.stdout[-2000:] + told.stderr[-6000:]
    result: dict[str, object] = json.loads(told.stdout.splitlines()[-1])
    return result


def _locally(spark: SparkSession, corpus: Path, folder: Path) -> None:
    """Run the same two jobs in this process."""
    for job, model, run, inputs, output in (
        ("clean_corpus", CLEAN, clean, {"corpus": str(corpus)}, "documents"),
        ("tokenize_corpus", TOKENIZE, tokenize, {"documents": str(folder / "documents")},
         "sentences"),
    ):  # fmt: skip
        layers = Layers().add(read_yaml(conf_folder() / "base" / f"{job}.yaml"), job)
        layers.tree |= {"inputs": inputs, "outputs": {output: str(folder / output)}}
        run(spark, build(model, layers.add({"min_count": 1} if output == "sentences" else {}, "")))


def test_the_bare_python_knows_the_packages_but_not_vectormill(tmp_path: Path) -> None:
    script = (
        "import pyspark, numba, pydantic\n"
        "try:\n import pipelines\nexcept ImportError: print('none')"
    )
    told = subprocess.run(
        [_bare_python(tmp_path), "-c", script], cwd=tmp_path, env=_environment(tmp_path),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.strip() == "none", "the test below would prove nothing"


def test_the_zip_on_a_cluster_gives_what_local_mode_gives(
    spark: SparkSession, built: Path, corpus: Path, tmp_path: Path
) -> None:
    there, here = tmp_path / "cluster", tmp_path / "local"
    there.mkdir()
    cleaned = _submit("clean_corpus", built, there, f"inputs.corpus={corpus}",
                      f"outputs.documents={there / 'documents'}")  # fmt: skip
    # 60 of 66 records are sound, and each file repeats the first one's
    assert cleaned["rows_in"] == {"corpus": 66}
    rows_out = cleaned["rows_out"]
    assert isinstance(rows_out, dict)
    assert (rows_out["documents"], rows_out["duplicate_documents"]) == (20, 40)
    assert rows_out["rejected_documents"] == 6
    _submit("tokenize_corpus", built, there, f"inputs.documents={there / 'documents'}",
            f"outputs.sentences={there / 'sentences'}", "min_count=1")  # fmt: skip
    _locally(spark, corpus, here)
    for table, key in (("documents", "doc_id"), ("rejected_documents", "doc_id"),
                       ("duplicate_documents", "doc_id"), ("sentences", "sentence_id"),
                       ("vocabulary", "token_id")):  # fmt: skip
        ours, theirs = (pl.read_delta(str(f / table)).sort(key) for f in (there, here))
        assert ours.height > 0
        assert ours.equals(theirs), table
    versions = [_fingerprint(folder / "sentences") for folder in (there, here)]
    assert versions[0] == versions[1]


def _fingerprint(table: Path) -> str:
    recorded = DeltaTable(table).history(1)[0]["userMetadata"]
    return str(json.loads(recorded)["fingerprint"])
