"""How kernels are compiled, and what their machine code, kept from run to run, depends on."""

import hashlib
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any

from numba import njit


def compiled(**options: Any) -> Callable[[Any], Any]:
    """Return a decorator of functions that Numba compiles once on a machine, and again when needed.

    Numba looks for changes in the file of the function alone, but its machine code is also that of
    all it calls: after an upgrade it would go on with kernels of the version before.

    Functions with `fastmath` that others call want `forceinline`: else the process that compiles
    them may call a copy of its own, and those after it another, whose sums end in other digits.

    Args:
        options: Numba's own, as `nogil`.
    """

    def decorate(function: Any) -> Any:
        made = njit(cache=True, **options)(function)
        if hasattr(made, "_cache"):  # else Numba was told to compile nothing
            made._cache._cache_file._source_stamp = _sources(function.__module__.split(".")[1])
        return made

    return decorate


@cache
def _sources(stage: str) -> str:
    """Return a digest of what a stage's functions may be compiled from."""
    digest = hashlib.sha256()
    for folder in (stage, "training"):
        files = resources.files("pipelines").joinpath(folder).iterdir()
        for file in sorted(files, key=lambda file: file.name):
            source = file.read_bytes() if file.name.endswith(".py") else b""
            if b"numba" in source or b"compiling" in source:  # others are never compiled
                digest.update(source)
    return digest.hexdigest()


inner = compiled(nogil=True, fastmath=True, error_model="numpy", _nrt=False)
"""Decorator of functions that allocate nothing and return no array.

Numba counts references to arrays by atomic operations; those of the calls for one chunk of 64
tokens, each with a dozen arrays, took 6 % of CBOW's time. Whoever calls owns the arrays.
"""
