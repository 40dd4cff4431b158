#!/usr/bin/env bash
# Lives through many seeded nights on every processor and tells what happened in them.
#
#   tests/nights.sh [NIGHTS [FIRST_SEED]]      10000 nights from seed 1 when not told otherwise
#
# Builds the release simulation first. For every night that goes wrong it prints how to replay it and
# a trace, one line per event (REELD_SHRINK=1: with fewer parts, where that fails too). At the end it
# counts what was done to the nights; a kind that never occurred is a failure too, as it was not
# tested. The exit code is 0 only when nothing failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

nights=${1:-10000}
first=${2:-1}
if ! [[ $nights =~ ^[1-9][0-9]*$ && $first =~ ^[1-9][0-9]*$ ]] || (($# > 2)); then
    echo "usage: tests/nights.sh [NIGHTS [FIRST_SEED]]" >&2
    exit 2
fi

if [[ -z ${REELD_NO_BUILD:-} ]]; then
    cmake --preset release >/dev/null || exit 1
    cmake --build --preset release --target simulation -- -j "${REELD_JOBS:-2}" | tail -n 1
    ((PIPESTATUS[0] == 0)) || exit 1
fi
program=build/release/bin/simulation
processes=$(nproc)
((processes > nights)) && processes=$nights

logs=$(mktemp -d)
pids=()
stop() {
    ((${#pids[@]} > 0)) && kill "${pids[@]}" 2>/dev/null
    rm -rf "$logs"
}
trap stop EXIT
[[ -d /dev/shm && -w /dev/shm ]] && export TMPDIR=/dev/shm

# Disjoint ranges; the first ones take what does not divide.
share=$((nights / processes)) rest=$((nights % processes)) seed=$first
begun=$SECONDS
for ((i = 0; i < processes; i++)); do
    count=$((share + (i < rest ? 1 : 0)))
    REELD_NIGHTS=$count REELD_FIRST_SEED=$seed REELD_COUNTS=1 \
        "$program" -tc='no seeded night*' >"$logs/$i" 2>&1 &
    pids+=($!)
    seed=$((seed + count))
done

lived() {
    local sum=0 i n
    for ((i = 0; i < processes; i++)); do
        n=$(grep -a '^lived ' "$logs/$i" | tail -n 1)
        sum=$((sum + ${n#lived }))
    done 2>/dev/null
    echo "$sum"
}
running() { kill -0 "${pids[@]}" 2>/dev/null; }
shown=$SECONDS
while [[ -n $(jobs -rp) ]]; do
    sleep 1
    ((SECONDS - shown < 15)) && continue
    shown=$SECONDS
    printf '%6d of %d nights in %d s\n' "$(lived)" "$nights" $((SECONDS - begun))
done
took=$((SECONDS - begun))
failed=0
for pid in "${pids[@]}"; do
    wait "$pid" || failed=1
done
pids=()

for ((i = 0; i < processes; i++)); do
    grep -avE '^(lived|count) |^\[doctest\]|^$' "$logs/$i" | grep -av '^=*$'
done

printf '\n%-34s %s\n' "what happened" "times"
cat "$logs"/[0-9]* | awk '/^count / { times[$2] += $3 } END { for (kind in times) print kind, times[kind] }' |
    sort >"$logs/counts"
awk '{ printf "%-34s %d\n", $1, $2 }' "$logs/counts"
never=$(awk '$2 == 0 { print $1 }' "$logs/counts")
if [[ -n $never ]]; then
    echo "never happened: ${never//$'\n'/ }"
    # Few nights cannot hold everything.
    ((nights >= 1000)) && failed=1
fi
((took == 0)) && took=1
bad=$(cat "$logs"/[0-9]* | grep -acE '^night [0-9]+ went wrong')
printf '\n%d nights in %d s (%d.%d a second on %d processes), %d went wrong\n' "$nights" "$took" \
    $((nights / took)) $((nights * 10 / took % 10)) "$processes" "$bad"
((failed == 0 && bad == 0))
