#!/bin/sh
# Print a Python that vectormill supports and that can make virtual environments.
set -eu

for name in python3 python3.13 python3.12 python3.11; do
    found=$(command -v "$name") || continue
    if "$found" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
        if "$found" -c 'import ensurepip, venv' 2>/dev/null; then
            echo "$found"
            exit 0
        fi
        unable=$found
    fi
done

if [ -n "${unable:-}" ]; then
    echo "error: $unable lacks the venv module; install it (Debian: apt-get install python3-venv)" >&2
else
    echo "error: no Python 3.11, 3.12 or 3.13 on PATH; install one and run make again" >&2
fi
exit 6
