"""Errors a user can act on, each with the exit code its kind ends a job with."""

import re


class VectormillError(Exception):
    """Anything that ends a job with a message in place of a stack trace."""

    exit_code = 1


class ConfigError(VectormillError):
    """The configuration is wrong: exit code 2."""

    exit_code = 2


class InputError(VectormillError):
    """An input is missing, broken or not what its contract says: exit code 3."""

    exit_code = 3


class GateError(VectormillError):
    """A quality gate stopped publication: exit code 4."""

    exit_code = 4


class ConcurrentRunError(VectormillError):
    """Another run owns what this one would write: exit code 5."""

    exit_code = 5


class DependencyError(VectormillError):
    """Java, a jar or a package is missing: exit code 6."""

    exit_code = 6


def from_spark(error: BaseException) -> VectormillError | None:
    """Return the error behind a Spark failure that a user can act on, None where it is unknown.

    An error raised by Python in a worker arrives as text, and is recognised by its class's name;
    one that a query raised, by the error class of `raise_error`.
    """
    text = str(error)
    raised = re.search(r"pipelines\.errors\.(\w+Error): (.+)", text)
    kinds: dict[str, type[VectormillError]] = {
        kind.__name__: kind for kind in VectormillError.__subclasses__()
    }
    if raised and raised.group(1) in kinds:
        return kinds[raised.group(1)](raised.group(2).strip())
    broken = re.search(r"FAILED_READ_FILE[^\]]*\] [^\n]*?(\S+:/\S+?)\.?(?:\s|$)", text)
    if broken:
        return InputError(f"{broken.group(1)}: the file cannot be read; it is truncated or broken")
    refused = re.search(r"\[USER_RAISED_EXCEPTION\] (.+?) SQLSTATE: P0001", text, re.DOTALL)
    return InputError(refused.group(1)) if refused else None
