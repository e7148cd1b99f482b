"""The built zip through spark-submit on a multi-process cluster.

The driver and the workers run without the checkout or its installation: `pipelines` can only come
from the zip.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

TEXT = "the mean of a sample is its sum divided by the number of its values"


def test_the_bare_python_knows_the_packages_but_not_vectormill(
    bare_python: Path, bare_environment: dict[str, str], tmp_path: Path
) -> None:
    script = (
        "import pyspark, numba, pydantic\n"
        "try:\n import pipelines\nexcept ImportError: print('none')"
    )
    told = subprocess.run(
        [bare_python, "-c", script],
        cwd=tmp_path,
        env=bare_environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "none", "the tests with the cluster would prove nothing"


def test_a_job_file_is_submitted_with_the_zip_alone(
    submit: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for part in range(3):  # good, duplicate, too short, and not UTF-8
        # as CSV: each executor compiles its own copy of the kernel, and that of JSON takes longest
        texts = [f"{TEXT[n % 5 * 4 :]} word{n} {n}" for n in range(20)]
        lines = [f"{n},{text}".encode() for n, text in enumerate([*texts, "too short"])]
        (corpus / f"part{part}.csv").write_bytes(b"\n".join([b"n,text", *lines, b"21,\xff", b""]))
    documents = tmp_path / "documents"
    cleaned = submit(
        "clean_corpus",
        "--set",
        f"inputs.corpus={corpus}",
        "--set",
        f"outputs.documents={documents}",
    )
    # 60 of 66 records are sound, and each file repeats the first one's
    assert cleaned["rows_in"] == {"corpus": 66}
    rows_out = cleaned["rows_out"]
    assert (rows_out["documents"], rows_out["duplicate_documents"]) == (20, 40)
    assert rows_out["rejected_documents"] == 6
    assert pl.read_delta(str(documents)).height == 20
