#!/bin/sh
# Make sure that the session builder finds a Java 17 or 21; install one only as root with apt.
# Usage: ensure_java.sh PYTHON, a Python that can import `pipelines`.
set -eu

is_found() {
    "$1" -c 'import sys; from pipelines.cluster.session import find_java; sys.exit(find_java() is None)'
}

is_found "$1" && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "error: no Java 17 or 21 found; install one (Debian: apt-get install" \
        "openjdk-17-jre-headless, macOS: brew install openjdk@17) or set JAVA_HOME" >&2
    exit 6
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
for package in openjdk-17-jre-headless openjdk-21-jre-headless; do
    if apt-cache show "$package" >/dev/null 2>&1; then
        echo "No Java 17 or 21 found: installing $package with apt-get (running as root)."
        apt-get install -qq -y --no-install-recommends "$package" >/dev/null
        is_found "$1" && exit 0
    fi
done
echo "error: apt-get has no Java 17 or 21; install one by hand and set JAVA_HOME" >&2
exit 6
