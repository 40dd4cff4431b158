#!/usr/bin/env bash
# The main job on the built-in sandbox: installs what it needs, builds, starts `reeld --sandbox`,
# submits jobs as rows, over the socket and with `reel`, and shows what came of them. Three of the
# jobs meet trouble on purpose.
#
#   daemon/demo.sh [FOLDER]     state and files go there; without it, to a fresh temporary folder
#
# No key is needed and nothing is billed. Exits non-zero when anything fails. The daemon is stopped
# at the end; the folder stays.
set -euo pipefail
here=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source daemon/packages.sh

bold='' plain=''
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then bold=$'\033[1m' plain=$'\033[0m'; fi
say() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
fail() {
    echo "demo: $*" >&2
    exit 1
}

if (($# > 1)) || [[ ${1:-} == -* ]]; then
    echo "usage: daemon/demo.sh [FOLDER]" >&2
    exit 2
fi
folder=${1:-$(mktemp -d "${TMPDIR:-/tmp}/reeld-demo-XXXXXX")}
[[ $folder == /* ]] || folder=$here/$folder
# The simulated provider forgets its jobs when it ends; those of an earlier run would wait for ever.
[[ ! -e $folder/state/reel.db ]] || fail "$folder holds an earlier run; name another folder"
bin=build/release/bin
model=fal-ai/minimax/hailuo-02/standard/text-to-video

say "what it needs"
install_packages "${build_packages[@]}" sqlite3 curl ca-certificates
echo "all there"

# A compiler takes up to 1.5 GB for the largest files.
jobs=$(awk -v cores="$(nproc)" '/^MemAvailable/ {
    fit = int($2 / 1500000); print fit < 1 ? 1 : fit < cores ? fit : cores }' /proc/meminfo)
jobs=${REELD_JOBS:-$jobs}
say "build (the first time takes some minutes; $jobs at once)"
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
build() {
    cmake --preset release >/dev/null &&
        cmake --build --preset release --target reeld reel reel-sandbox -- -j "$jobs" "$@"
}
if [[ -t 1 ]]; then build; else build --quiet; fi
"$bin/reeld" --version

say "start the daemon, with the simulated provider inside"
mkdir -p "$folder"
"$bin/reeld" --sandbox "$folder" >"$folder/reeld.out" 2>"$folder/reeld.log" &
daemon=$!
stop() {
    kill -TERM "$daemon" 2>/dev/null || true
    wait "$daemon" 2>/dev/null || true
}
trap stop EXIT
export REELD_SOCKET=$folder/reeld.sock
for _ in $(seq 100); do
    grep -q '^reeld is ready' "$folder/reeld.out" && break
    if ! kill -0 "$daemon" 2>/dev/null; then
        cat "$folder/reeld.log" >&2
        fail "reeld did not start"
    fi
    sleep 0.1
done
grep '^  ' "$folder/reeld.out" || fail "reeld is not ready after 10 s; its log is $folder/reeld.log"
sandbox=$(awk '$1 == "sandbox" { print $2 }' "$folder/reeld.out")

say "three rows into the inbox, by another program"
sqlite3 "$folder/state/inbox.db" "
    INSERT INTO jobs (id, model, input, batch) VALUES
      ('boat', '$model', json_object('prompt', 'a paper boat drifts down a rainy street'), 'demo'),
      ('fog', '$model', json_object('prompt', 'a lighthouse turns in the fog'), 'demo'),
      ('fox', '$model', json_object('prompt',
          'a fox runs through fresh snow [sandbox:media_truncated]'), 'demo');"
echo "boat, fog; fox, whose download will break off half way"

say "two jobs over the socket"
curl -sS --fail-with-body --unix-socket "$REELD_SOCKET" http://reeld/v1/jobs \
    -H 'Content-Type: application/json' -d "[
      {\"id\": \"lantern\", \"model\": \"$model\", \"batch\": \"demo\",
       \"input\": {\"prompt\": \"a paper lantern rises over a lake\"}},
      {\"id\": \"train\", \"model\": \"$model\", \"batch\": \"demo\",
       \"input\": {\"prompt\": \"a night train crosses a bridge [sandbox:lost_answer]\"}}]" \
    >"$folder/accepted.json"
echo "lantern; train, whose submit is accepted but the answer gets lost"

say "two jobs with reel, and a look until the whole batch is done"
"$bin/reel" submit "$model" prompt='waves roll in at dusk' --batch demo --id waves
"$bin/reel" submit "$model" prompt='a kite climbs above the dunes [sandbox:submit_429]' \
    --batch demo --id kite
echo "kite will be told to slow down first"
echo
"$bin/reel" watch --batch demo --timeout 5m

# On a terminal `watch` ends with the same table.
if [[ ! -t 1 ]]; then
    say "the jobs"
    "$bin/reel" ls --batch demo
fi

say "what happened to train"
"$bin/reel" events train

say "the files"
count=0
while IFS= read -r file; do
    count=$((count + 1))
    [[ $(head -c 8 "$file" | tail -c 4) == ftyp ]] || fail "not an MP4: $file"
    length=
    if command -v ffprobe >/dev/null; then
        length=$(ffprobe -v error -show_entries format=duration -of csv=p=0 "$file") ||
            fail "ffprobe cannot read $file"
        length=$(printf '%6.2f s  ' "$length")
    fi
    printf '%8d bytes  %s%s\n' "$(stat -c %s "$file")" "$length" "$file"
done < <(find "$folder/outputs" -type f -name '*.mp4' | sort)

say "what the provider saw"
curl -sS --fail "$sandbox/_sandbox/ledger" >"$folder/ledger.json"
read -r posts billed < <(sqlite3 -separator ' ' :memory: "
    SELECT json_extract(l, '\$.posts'), json_extract(l, '\$.billed')
    FROM (SELECT CAST(readfile('$folder/ledger.json') AS TEXT) AS l);")
echo "$posts submits, $billed of them billed, for 7 jobs"

((count == 7)) || fail "expected 7 videos, found $count; the daemon's log is $folder/reeld.log"
((billed == 7)) || fail "expected 7 billed requests, the ledger has $billed: $folder/ledger.json"
say "done: $count videos in $folder/outputs/demo"
echo "The daemon is stopped now; its database and log stay in $folder."
