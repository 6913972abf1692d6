#!/bin/sh
# Writes the hashed requirement files that plain pip installs on Python 3.11 to 3.13. No file records where from.
# Extras stay in the names: the pip that comes with Python 3.11 takes `coverage[toml]` for unpinned beside `coverage`.
# sh deploy/lock.sh [anything]: with an argument to the newest releases, else as little as possible changes.
set -eu

upgrade=
if [ -n "${1:-}" ]; then upgrade=--upgrade; fi
compile() {
    .venv/bin/python -m uv pip compile --quiet $upgrade --generate-hashes --universal --python-version 3.11 \
        --no-emit-index-url --no-annotate --no-header --no-strip-extras "$@"
}
folder=deploy/requirements
compile pyproject.toml --extra quickstart -o $folder/run.txt
compile pyproject.toml --extra rtsp -c $folder/run.txt -o $folder/rtsp.txt
compile pyproject.toml --extra quickstart --extra rtsp --extra dev -c $folder/run.txt -o $folder/dev.txt
compile --no-deps $folder/ipycam.in -o $folder/ipycam.txt
if grep -n -i -E '://|^-' $folder/run.txt $folder/rtsp.txt $folder/dev.txt $folder/ipycam.txt; then
    echo "a requirement file names a place to download from" >&2
    exit 1
fi
