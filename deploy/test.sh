#!/bin/sh
# All checks and tests, in the order in which they are cheap: sh deploy/test.sh
# VIEWKEEPER_NEED_BROWSER=1 makes a browser journey that cannot run a failure. Goes on after a failed check, so that one
# run tells everything; exits 1 if anything failed.
set -u

bin=.venv/bin
failed=
began=$(date +%s)

check() {
    name=$1
    shift
    started=$(date +%s)
    if "$@"; then word=ok; else word=FAILED; failed="$failed $name,"; fi
    printf '== %-22s %s (%d s)\n' "$name" "$word" $(($(date +%s) - started))
}

has_chromium() {
    command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null
}

install_chromium() {
    echo "Chromium is missing: installing Debian's (apt-get install chromium)"
    apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null
}

if ! has_chromium && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then install_chromium; fi

check "ruff" $bin/ruff check .
check "ruff format" $bin/ruff format --check .
check "mypy" env DJANGO_SETTINGS_MODULE=tests.settings $bin/mypy
check "import contracts" $bin/lint-imports
check "missing migrations" env DJANGO_SETTINGS_MODULE=tests.settings $bin/python manage.py makemigrations --check --dry-run
check "templates" $bin/djlint templates --lint --quiet
rm -f .coverage .coverage.*
check "tests" $bin/python -m pytest -n 2 -m "not browser" --cov --cov-report= --cov-fail-under=0
if has_chromium; then
    check "browser journey" $bin/python -m pytest -m browser --cov --cov-append --cov-report= --cov-fail-under=0
else
    echo "SKIPPED: the browser journey, as there is no Chromium (install the package chromium)"
    if [ -n "${VIEWKEEPER_NEED_BROWSER:-}" ]; then failed="$failed browser journey (skipped),"; fi
fi
check "coverage" $bin/python -m coverage report

echo "All of it took $(($(date +%s) - began)) s"
if [ -n "$failed" ]; then
    echo "FAILED:${failed%,}" >&2
    exit 1
fi
