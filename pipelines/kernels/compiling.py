"""How kernels are compiled by Numba, and when their cached machine code is out of date."""

import ast
import hashlib
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec
from typing import Any

from numba import njit

_ROOT = __name__.partition(".")[0]


def compiled(**options: Any) -> Callable[[Any], Any]:
    """Return a decorator of functions that Numba compiles and caches on disk.

    Numba's cache compares only the function's own source file, but the machine code also depends on
    every kernel that the function calls. The digest kept with the code is therefore that of the
    module and of all modules of this package that it imports, directly or through others.

    Functions with `fastmath` that other kernels call need `forceinline`: otherwise the process that
    compiles them and later processes may call different copies, whose sums differ in the last
    digits.

    Args:
        options: Options of `numba.njit`, such as `nogil`.
    """

    def decorate(function: Any) -> Any:
        dispatcher = njit(cache=True, **options)(function)
        if hasattr(dispatcher, "_cache"):  # absent where NUMBA_DISABLE_JIT is set
            dispatcher._cache._cache_file._source_stamp = _sources(function.__module__)
        return dispatcher

    return decorate


@cache
def _sources(module: str) -> str:
    """Return a digest of the sources of a module and of all that it imports of this package."""
    sources: dict[str, str] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in sources and (source := _source(name)) is not None:
            sources[name] = source
            waiting += _imported(source)
    digest = hashlib.sha256()
    for name in sorted(sources):
        digest.update(f"{name}\0{sources[name]}\0".encode())
    return digest.hexdigest()


@cache
def _source(module: str) -> str | None:
    """Return a module's source, from a folder or a zip; None where there is no such module."""
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:  # `package.name` is a function, not a module
        return None
    loader: Any = spec and spec.loader
    return str(loader.get_source(module)) if loader else None


def _imported(source: str) -> Iterator[str]:
    """Yield the names of this package's modules that a source may import."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name.startswith(f"{_ROOT}."))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{_ROOT}."):
            yield str(node.module)
            yield from (f"{node.module}.{each.name}" for each in node.names)


inner = compiled(nogil=True, fastmath=True, error_model="numpy", _nrt=False)
"""Decorator of functions that allocate nothing and return no array; the caller owns the arrays.

`_nrt=False` turns off Numba's reference counting of arrays, which is atomic: at a dozen arrays per
call it took 6 % of CBOW's time.
"""
