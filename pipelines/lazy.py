"""Public names of a package, imported at first use."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module


def lazy_names(package: str, names: Mapping[str, Sequence[str]]) -> Callable[[str], object]:
    """Return a package's `__getattr__` (PEP 562), which imports public names from its modules.

    Spark's Python workers import a package to reach one of its modules; eager imports would load
    all its modules.

    Args:
        package: Name of the package.
        names: Public names by the module that defines them.
    """
    modules = {name: module for module, listed in names.items() for name in listed}

    def get(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{modules[name]}"), name)

    return get
