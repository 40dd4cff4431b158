#!/usr/bin/env bash
# The main job on the built-in sandbox: installs what it needs, builds, starts `reeld --sandbox`,
# submits jobs as rows, over the socket and with `reel`, and shows what came of them.
#
#   daemon/demo.sh [FOLDER]     state and files go there; without it, to a fresh temporary folder
#
# No key and no network are needed; nothing is billed. Exits non-zero when anything fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source daemon/packages.sh

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
if [[ ! -t 1 || -n ${NO_COLOR:-} ]]; then say() { printf '\n== %s\n' "$*"; }; fi

folder=${1:-$(mktemp -d "${TMPDIR:-/tmp}/reeld-demo-XXXXXX")}
bin=build/release/bin
model=fal-ai/minimax/hailuo-02/standard/text-to-video

say "what it needs"
install_packages "${build_packages[@]}" sqlite3 curl ca-certificates
echo "all there"

say "build (some minutes the first time)"
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
cmake --preset release >/dev/null
cmake --build --preset release --target reeld reel reel-sandbox

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
        echo "reeld did not start" >&2
        exit 1
    fi
    sleep 0.1
done
cat "$folder/reeld.out"

say "three rows into the inbox, by another program"
sqlite3 "$folder/state/inbox.db" "
    INSERT INTO jobs (model, input, batch) VALUES
      ('$model', json_object('prompt', 'a paper boat drifts down a rainy street'), 'demo'),
      ('$model', json_object('prompt', 'a lighthouse turns in the fog'), 'demo'),
      ('$model', json_object('prompt', 'a fox runs through fresh snow'), 'demo') RETURNING id;"

say "two jobs over the socket"
curl -sS --fail-with-body --unix-socket "$REELD_SOCKET" http://reeld/v1/jobs \
    -H 'Content-Type: application/json' -d "[
      {\"id\": \"demo-lantern\", \"model\": \"$model\", \"batch\": \"demo\",
       \"input\": {\"prompt\": \"a paper lantern rises over a lake\"}},
      {\"id\": \"demo-train\", \"model\": \"$model\", \"batch\": \"demo\",
       \"input\": {\"prompt\": \"a night train crosses a bridge\"}}]" >/dev/null
echo "accepted: demo-lantern, demo-train"

say "two jobs with reel, and a look until the whole batch is done"
"$bin/reel" submit "$model" prompt='waves roll in at dusk' --batch demo --id demo-waves
"$bin/reel" submit "$model" prompt='a kite climbs above the dunes' --batch demo --id demo-kite
"$bin/reel" watch --batch demo

say "the jobs"
"$bin/reel" ls --batch demo

say "the trail of one of them"
"$bin/reel" events demo-waves

say "the files"
failed=0
count=0
while IFS= read -r file; do
    count=$((count + 1))
    kind=$(head -c 12 "$file" | tail -c 8)
    if [[ $kind != ftyp* ]]; then
        echo "not an MP4: $file" >&2
        failed=1
    fi
    if command -v ffprobe >/dev/null; then
        length=$(ffprobe -v error -show_entries format=duration -of csv=p=0 "$file") || failed=1
        printf '%8d bytes  %6.2f s  %s\n' "$(stat -c %s "$file")" "$length" "$file"
    else
        printf '%8d bytes  %s\n' "$(stat -c %s "$file")" "$file"
    fi
done < <(find "$folder/outputs" -type f -name '*.mp4' | sort)

if ((count < 7 || failed)); then
    echo "expected 7 whole videos, found $count; the daemon's log is $folder/reeld.log" >&2
    exit 1
fi
say "done: $count videos in $folder/outputs/demo"
