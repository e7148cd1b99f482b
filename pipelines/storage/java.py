"""Classes of the session's JVM."""

from typing import Any


def java_class(jvm: Any, name: str) -> Any:
    """Return a class by its full name, with one question to the JVM.

    `jvm.org.apache.hadoop.fs.Path` asks at each dot whether the name so far is a class. For a name
    that is none, Java looks into every jar of the class path, once for each package that PySpark
    has imported.
    """
    return getattr(jvm, name)
