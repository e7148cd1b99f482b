"""Packages with public functions: each listed name is there, and is imported when first used."""

import importlib
import subprocess
import sys

import pytest

PACKAGES = ("documents", "serving", "spaces")


@pytest.mark.parametrize("name", PACKAGES)
def test_every_listed_name_is_there(name):
    package = importlib.import_module(f"pipelines.{name}")
    assert package.__all__ == sorted(package.__all__)
    for public in package.__all__:
        assert getattr(package, public).__name__ == public
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = package.nothing


def test_a_package_imports_none_of_its_modules():
    names = ", ".join(f"pipelines.{name}" for name in PACKAGES)
    code = f"import sys, {names}; print(*[m for m in sys.modules if m.startswith('pipelines.')])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    inner = tuple(f"pipelines.{name}." for name in PACKAGES)
    assert [module for module in told.stdout.split() if module.startswith(inner)] == []
