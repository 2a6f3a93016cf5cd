#!/bin/sh
# Find a Python ≥ 3.11 and let it do the set-up: scripts/setup.sh system|venv|pyqt6
set -eu
cd "$(dirname "$0")/.."

for candidate in ${PYTHON:+"$PYTHON"} python3 python python3.13 python3.12 python3.11 python3.14; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        exec "$candidate" scripts/setup.py "$@"
    fi
done

found=$(python3 --version 2>&1) || found="no Python at all"
echo "error: napari-lesionseg needs Python 3.11 or newer and this machine has $found; install one" \
    "(from Debian 12 or Ubuntu 24.04 on: apt install python3 python3-venv) or name one: make PYTHON=/path/to/python3 …" >&2
exit 1
