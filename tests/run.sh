#!/usr/bin/env bash
# Builds reeld in every way and runs every test.
#
#   tests/run.sh          asan and release builds with their tests, the end-to-end runs, the clang build
#   tests/run.sh quick    the dev build and its tests
#
# Installs what it needs on Debian 12 (as root, or with sudo). The last line is "N passed, N failed";
# the exit code is 0 only when nothing failed. A build that fails counts as one failure.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
root=$PWD
source daemon/packages.sh

mode=${1:-all}
if [[ $mode != all && $mode != quick ]] || (($# > 1)); then
    echo "usage: tests/run.sh [quick]" >&2
    exit 2
fi

jobs=${REELD_JOBS:-2}
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
passed=0
failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

say() { printf '\n== %s\n' "$*"; }

fail() {
    failed=$((failed + ${2:-1}))
    echo "FAILED: $1"
}

packages=("${build_packages[@]}" sqlite3 curl ca-certificates procps)
if [[ $mode == all ]]; then
    packages+=(clang-14 ffmpeg)
    # node and npm may come from another source than Debian, so the programs are what counts.
    command -v node >/dev/null || packages+=(nodejs)
    command -v npm >/dev/null || packages+=(npm)
fi

build() {
    local preset=$1
    say "build: $preset"
    if ! cmake --preset "$preset" >"$log" 2>&1; then
        cat "$log"
        fail "configuring $preset"
        return 1
    fi
    if ! cmake --build --preset "$preset" -- -j "$jobs" >"$log" 2>&1; then
        # The compiler's words, not the thousand lines of what went well.
        grep -vE '^\[[0-9]+/[0-9]+\] ' "$log" | tail -n 200
        fail "building $preset"
        return 1
    fi
    tail -n 1 "$log"
}

# Most nights run where they cost least; the other builds look for what only they can see.
nights_of() {
    case $1 in
        release) echo "${REELD_NIGHTS:-150}" ;;
        *) echo "${REELD_NIGHTS:-60}" ;;
    esac
}

# Counts doctest's cases; a program that ends without its summary, by a crash or a timeout, is one
# failure.
run_ctest() {
    local preset=$1 name=0 good=0 bad=0 cuts=2 step=2 stride=20 programs_failed code
    say "tests: $preset"
    [[ $preset == asan ]] && cuts=1 step=8 stride=40
    REELD_NIGHTS=$(nights_of "$preset") REELD_POWER_CUTS=${REELD_POWER_CUTS:-$cuts} \
        REELD_CRASH_STEP=${REELD_CRASH_STEP:-$step} REELD_STRIDE=${REELD_STRIDE:-$stride} \
        ctest --preset "$preset" --verbose --parallel "$jobs" >"$log" 2>&1
    code=$?
    # "1: [doctest] test cases:  12 |  12 passed | 0 failed | 0 skipped"
    read -r name good bad < <(awk '
        /\[doctest\] test cases:/ {
            gsub(/\|/, " ")
            for (i = 2; i <= NF; i++) {
                if ($i == "passed") good += $(i - 1)
                if ($i == "failed") bad += $(i - 1)
            }
            programs++
        }
        END { print programs + 0, good + 0, bad + 0 }' "$log")
    programs_failed=$(grep -cE '^ *[0-9]+/[0-9]+ Test +#[0-9]+: .*(\*\*\*|Not Run)' "$log")
    passed=$((passed + good))
    echo "$name programs, $good cases passed, $bad failed"
    if ((code != 0)); then
        grep -vE '^(Internal ctest|UpdateCTest|Constructing|Done constr|Test command|Working Dir)' \
            "$log" | grep -vE '^[0-9]+: \[doctest\] (doctest version|run with)' | tail -n 400
        # Every failed program counts at least once, whatever its summary said.
        ((bad < programs_failed)) && bad=$programs_failed
        ((bad == 0)) && bad=1
        fail "tests of $preset" "$bad"
    elif ((name == 0)); then
        fail "no test program ran in $preset"
    fi
}

# One script is one test, unless it counts its own and says so at its end; the shell may tell of a
# program that was killed behind that line.
run_script() {
    local script=$1 code counts good bad
    say "end to end: $script"
    bash "$script" >"$log" 2>&1
    code=$?
    counts=$(tail -n 3 "$log" | grep -E '^[0-9]+ passed, [0-9]+ failed$' | tail -n 1)
    if [[ -n $counts ]]; then
        read -r good _ bad _ <<<"$counts"
        passed=$((passed + good))
        ((bad == 0 && code != 0)) && bad=1
    else
        bad=$((code == 0 ? 0 : 1))
        passed=$((passed + 1 - bad))
    fi
    if ((bad > 0)); then
        cat "$log"
        fail "$script (exit code $code)" "$bad"
    else
        echo "${counts:-passed}"
    fi
}

finish() {
    printf '\n%d passed, %d failed\n' "$passed" "$failed"
    ((failed == 0))
    exit
}

if ! install_packages "${packages[@]}"; then
    fail "installing packages"
    finish
fi

if [[ $mode == quick ]]; then
    build dev && run_ctest dev
    finish
fi

# The asan build is the dev build with more eyes, so dev is not built beside it.
build asan && run_ctest asan
# The end-to-end runs take the binaries of the release build.
if build release; then
    run_ctest release
    export REELD_BIN=$root/build/release/bin
    for script in tests/e2e/*.sh tests/e2e/fal_client/run.sh; do
        [[ -f $script ]] && run_script "$script"
    done
fi
build clang
finish
