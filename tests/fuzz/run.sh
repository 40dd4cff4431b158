#!/usr/bin/env bash
# Builds the fuzz targets with clang's libFuzzer and both sanitizers, and runs all of them.
#
#   tests/fuzz/run.sh [MINUTES] [TARGET…]     10 minutes for all targets together when not told
#
# Starts from tests/fuzz/corpus and keeps what it learns in build/fuzz/corpus. An input that breaks
# something is kept in build/fuzz/finds/TARGET: mend the cause, then put the input (made smaller with
# REELD_FUZZ_TARGET=TARGET build/fuzz/bin/fuzz -minimize_crash=1 FILE) into tests/fuzz/corpus/TARGET,
# where every test run looks at it again. The exit code is 0 only when nothing was found. REELD_JOBS
# says how many run at once. Installs what it needs on Debian 12.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
source daemon/packages.sh

minutes=${1:-10}
[[ $minutes =~ ^[0-9]+$ ]] || { echo "usage: tests/fuzz/run.sh [MINUTES] [TARGET…]" >&2; exit 2; }
shift $(($# > 0 ? 1 : 0))
jobs=${REELD_JOBS:-2}
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

install_packages "${build_packages[@]}" clang-14 libclang-rt-14-dev || exit 1
cmake --preset fuzz >/dev/null && cmake --build --preset fuzz --target fuzz -- -j "$jobs" || exit 1
fuzz=$PWD/build/fuzz/bin/fuzz
if (($# > 0)); then targets=("$@"); else mapfile -t targets < <("$fuzz" --targets); fi
seconds=$((minutes * 60 * jobs / ${#targets[@]}))
((seconds > 0)) || seconds=1
work=$PWD/build/fuzz
mkdir -p "$work/logs" "$work/finds"

run_target() {
    local target=$1 known=$work/corpus/$1 finds=$work/finds/$1 seeds=tests/fuzz/corpus/$1
    local options=(-max_total_time="$seconds" -max_len=4096 -timeout=20 -rss_limit_mb=2048
        -print_final_stats=1 -artifact_prefix="$finds/")
    mkdir -p "$known" "$finds"
    [[ -f tests/fuzz/$target.dict ]] && options+=(-dict="tests/fuzz/$target.dict")
    REELD_FUZZ_TARGET=$target "$fuzz" "${options[@]}" "$known" "$seeds" >"$work/logs/$target" 2>&1
    echo "$?" >"$work/logs/$target.exit"
}

echo "${#targets[@]} targets, $seconds s each, $jobs at once"
for target in "${targets[@]}"; do
    while (($(jobs -pr | wc -l) >= jobs)); do wait -n; done
    run_target "$target" &
done
wait

found=0
printf '%-18s %12s %10s %8s %6s\n' target executions exec/s paths finds
for target in "${targets[@]}"; do
    log=$work/logs/$target
    stat() { awk -v name="stat::$1:" '$1 == name { print $2 }' "$log"; }
    finds=0
    [[ $(cat "$log.exit") == 0 ]] || finds=1
    found=$((found + finds))
    printf '%-18s %12s %10s %8s %6s\n' "$target" "$(stat number_of_executed_units)" \
        "$(stat average_exec_per_sec)" "$(stat new_units_added)" "$finds"
done
for target in "${targets[@]}"; do
    [[ $(cat "$work/logs/$target.exit") == 0 ]] && continue
    printf '\n--- %s\n' "$target"
    grep -aE 'broken property|runtime error|ERROR: |Assertion|^SUMMARY|Test unit written' \
        "$work/logs/$target" | head -n 8
done
echo "$found finds"
((found == 0))
