#!/bin/sh
# Makes .venv and installs a hashed lock into it: sh deploy/venv.sh run|dev
# Does nothing when the lock has not changed since. PYTHON=… chooses the interpreter.
set -eu

wanted=$1
range="import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))"

refuse() {
    echo "viewkeeper: $1" >&2
    exit 1
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        set -- "$PYTHON"
    else
        set -- python3 python3.13 python3.12 python3.11
    fi
    for name in "$@"; do
        if command -v "$name" >/dev/null 2>&1 && "$name" -c "$range" 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    refuse "no Python 3.11 to 3.13 here${PYTHON:+ at $PYTHON}; install one (package python3), or name one: make run PYTHON=…"
}

short_version() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])'
}

make_venv() {
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        refuse "this Python cannot make virtual environments; install the package python$(short_version "$python")-venv"
    fi
    echo "Making .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -m venv .venv || refuse "making .venv failed; is the package python$(short_version "$python")-venv installed?"
}

# One line that grows on a terminal, one in ten elsewhere.
show_progress() {
    total=$(grep -c '^[a-zA-Z0-9]' "$1")
    terminal=0
    if [ -t 1 ]; then terminal=1; fi
    awk -v total="$total" -v terminal="$terminal" '
        /^(Collecting|Processing)/ {
            n++
            if (terminal) printf "\r  %3d of %d packages  %-40s", n, total, $2
            else if (n % 10 == 0) printf "  %3d of %d packages\n", n, total
            fflush()
        }
        /^Installing collected/ { printf "%s  writing files …\n", terminal ? "\r" : ""; fflush() }'
}

install() {
    log=.venv/install.log
    echo "Installing $1"
    {
        code=0
        .venv/bin/python -m pip install --disable-pip-version-check --no-input --require-hashes $2 -r "$1" || code=$?
        echo "$code" >.venv/status
    } 2>&1 | tee "$log" | show_progress "$1"
    if [ "$(cat .venv/status)" != 0 ]; then
        tail -n 5 "$log" >&2
        refuse "installing $1 failed; all of it is in $log"
    fi
}

hash_of() {
    cat "$@" | "$python" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())'
}

began=$(date +%s)
python=$(find_python)
if [ -n "${PYTHON:-}" ] && [ -x .venv/bin/python ] && [ "$(short_version .venv/bin/python)" != "$(short_version "$python")" ]; then
    rm -rf .venv
fi
if ! .venv/bin/python -c "$range" 2>/dev/null || ! .venv/bin/python -c 'import pip' 2>/dev/null; then
    make_venv
fi

run_stamp=.venv/installed-run-$(hash_of deploy/requirements/run.txt)
dev_stamp=.venv/installed-dev-$(hash_of deploy/requirements/dev.txt deploy/requirements/ipycam.txt)
case $wanted in
run)
    if [ -e "$run_stamp" ]; then exit 0; fi
    rm -f .venv/installed-*
    install deploy/requirements/run.txt ""
    ;;
dev)
    if [ -e "$dev_stamp" ]; then exit 0; fi
    rm -f .venv/installed-*
    install deploy/requirements/dev.txt ""
    install deploy/requirements/ipycam.txt --no-deps
    : >"$dev_stamp" # what the tests need includes all that runs
    ;;
esac
: >"$run_stamp"
echo "Installed in $(($(date +%s) - began)) s"
