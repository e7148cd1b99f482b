"""The names that a notebook imports, and what workers import before they are used."""

import os
import subprocess
import sys

import pytest

import pipelines.als


def test_every_public_name_is_found():
    for name in pipelines.als.__all__:
        assert callable(getattr(pipelines.als, name))
    with pytest.raises(AttributeError, match="train_all"):
        _ = pipelines.als.train_all


@pytest.mark.parametrize(
    "module",
    ["kernels.row_kernel", "fit", "layouts.packed_fit", "layouts.half_sweeps", "fold_in.solving"],
)
def test_modules_of_tasks_import_neither_settings_nor_mllib(module):
    script = (
        f"import sys, pipelines.als.{module}; "
        "print({'pydantic', 'pyspark.ml'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.strip() == "set()"
