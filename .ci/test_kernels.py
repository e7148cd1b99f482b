"""Run the kernels' tests once for each processor that Numba is told to compile for.

Usage: test_kernels.py [arguments of pytest]. A processor that this machine cannot run is skipped,
with the reason.
"""

import os
import subprocess
import sys

from llvmlite import binding

_TESTS = ("word2vec", "als", "kernels", "ranking")  # folders of tests/unit
_AVX2 = ("avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe", "popcnt")
_AVX512 = ("adx", "avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl")
_PROCESSORS: dict[str, tuple[str, ...]] = {
    "generic": (),
    "haswell": _AVX2,
    "skylake-avx512": _AVX2 + _AVX512,
    "": (),
}
"""LLVM's names of processors, "" for the machine's own; the features that code for each uses."""


def lacking(processor: str) -> list[str]:
    """Return the features that code for a processor uses and this machine does not have."""
    own = binding.get_host_cpu_features()
    return [feature for feature in _PROCESSORS[processor] if not own.get(feature)]


def run_tests(processor: str, arguments: list[str]) -> int:
    """Run the tests with kernels compiled for a processor; return pytest's exit code.

    Numba would add the machine's own features to a named processor's: no features are named, so
    that LLVM takes those of the processor. Numba keeps machine code by name and features, so that
    code for several processors lies in one cache.
    """
    own = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_CPU_")}
    named = {"NUMBA_CPU_NAME": processor, "NUMBA_CPU_FEATURES": ""} if processor else {}
    tests = [f"tests/unit/{folder}" for folder in _TESTS]
    command = [sys.executable, "-m", "pytest", *tests, *arguments]
    return subprocess.run(command, env=own | named, check=False).returncode  # noqa: S603


def main(arguments: list[str]) -> int:
    """Run the tests for every processor; return 1 where those of any fail."""
    failed = []
    for processor in _PROCESSORS:
        name = processor or f"{binding.get_host_cpu_name()}, the machine's own"
        if missing := lacking(processor):
            told = f"skipped: this machine lacks {', '.join(missing)}"
        else:
            told = "the tests of kernels"
        sys.stdout.write(f"\nNUMBA_CPU_NAME {name}: {told}\n")
        sys.stdout.flush()
        if not missing and run_tests(processor, arguments):
            failed.append(name)
    sys.stdout.writelines(f"failed with kernels for {name}\n" for name in failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
