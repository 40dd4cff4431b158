# What the end-to-end tests share; sourced by them, it runs nothing.
#
# The programs come from REELD_BIN, else from the release build, else from the dev build. Every test
# has a fresh folder ($scratch) and ports that the kernel chose; nothing survives its end. A test
# is `check "sentence" command…`, waiting is `eventually SECONDS command…`; the last line, printed
# by `finish`, counts.
# shellcheck shell=bash
set -uo pipefail
# Children speak UTF-8 and none of them reads the tester's own set-up.
export LC_ALL=C.UTF-8
unset REELD_SOCKET FAL_KEY FAL_KEY_ID FAL_KEY_SECRET EACHLABS_API_KEY CREDENTIALS_DIRECTORY NO_COLOR

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=${REELD_BIN:-$root/build/release/bin}
if [[ -z ${REELD_BIN:-} && ! -x $bin/reeld ]]; then bin=$root/build/dev/bin; fi
scratch=$(mktemp -d "${TMPDIR:-/tmp}/reeld-e2e-XXXXXX")
model=fal-ai/minimax/hailuo-02/standard/text-to-video
passed=0
failed=0
processes=()
daemon=
config=$scratch/reeld.toml
state=$scratch/state
outputs=$scratch/outputs
socket=$scratch/reeld.sock
log=$scratch/reeld.log
: >"$log"

clean_up() {
    local process
    for process in "${processes[@]}"; do kill -KILL "$process" 2>/dev/null; done
    wait 2>/dev/null
    if [[ -n ${REELD_E2E_KEEP:-} ]]; then
        echo "kept: $scratch" >&2
    else
        rm -rf "$scratch"
    fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM

if [[ ! -x $bin/reeld || ! -x $bin/reel || ! -x $bin/reel-sandbox ]]; then
    echo "no reeld, reel and reel-sandbox in $bin: build them, or set REELD_BIN"
    echo "0 passed, 1 failed"
    exit 1
fi

# check "sentence" command…: one test; the command's words are shown when it fails.
check() {
    local sentence=$1
    shift
    # In this shell, so that what a command sets stays set.
    if "$@" >"$scratch/check.out" 2>&1; then
        passed=$((passed + 1))
        echo "ok      $sentence"
    else
        failed=$((failed + 1))
        echo "FAILED  $sentence"
        echo "        $*" | head -c 600
        printf "\n"
        tail -n 20 "$scratch/check.out" | sed "s/^/        /"
    fi
}

finish() {
    if ((failed > 0)); then
        echo "--- the daemon's last words"
        tail -n 60 "$log"
    fi
    echo "$passed passed, $failed failed"
    ((failed == 0))
    exit
}

# eventually SECONDS command…: until it succeeds, or the time is up.
eventually() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        if ((SECONDS >= end)); then
            "$@"
            return
        fi
        sleep 0.1
    done
}

not() { ! "$@"; }

# equal WANTED GOT
equal() {
    [[ $1 == "$2" ]] || {
        printf 'wanted: %s\ngot:    %s\n' "$1" "$2"
        return 1
    }
}

# contains TEXT PART
contains() {
    [[ $1 == *"$2"* ]] || {
        printf 'no "%s" in: %s\n' "$2" "$1"
        return 1
    }
}

# exits CODE command…
exits() {
    local wanted=$1 got=0
    shift
    "$@" >"$scratch/exits.out" 2>"$scratch/exits.err" || got=$?
    equal "$wanted" "$got" || {
        cat "$scratch/exits.out" "$scratch/exits.err"
        return 1
    }
}

# json PATH: one value of the document on stdin, as SQLite's json_extract gives it.
json() {
    local file
    file=$(mktemp "$scratch/json-XXXXXX")
    cat >"$file"
    sqlite3 -batch :memory: "SELECT json_extract(CAST(readfile('$file') AS TEXT), '$1')"
    rm -f "$file"
}

# rows SQL: asks the document on stdin, bound as the table doc(j).
rows() {
    local file
    file=$(mktemp "$scratch/json-XXXXXX")
    cat >"$file"
    sqlite3 -batch :memory: "WITH doc(j) AS (SELECT CAST(readfile('$file') AS TEXT)) $1"
    rm -f "$file"
}

start_process() {
    "$@" &
    processes+=("$!")
}

has_line() { grep -q "$2" "$1"; }

# start_sandbox options…: sets $sandbox (host:port) and $sandbox_url.
start_sandbox() {
    : >"$scratch/sandbox.out"
    "$bin/reel-sandbox" --listen 127.0.0.1:0 "$@" >"$scratch/sandbox.out" 2>"$scratch/sandbox.log" &
    processes+=("$!")
    eventually 10 has_line "$scratch/sandbox.out" ':' || return 1
    sandbox=$(head -n 1 "$scratch/sandbox.out")
    sandbox=${sandbox#http://}
    sandbox_url=http://$sandbox
}

# A port that the kernel just chose and nobody has used yet.
free_port() {
    local process line=$scratch/port.out
    : >"$line"
    "$bin/reel-sandbox" --listen 127.0.0.1:0 >"$line" 2>/dev/null &
    process=$!
    eventually 10 has_line "$line" ':'
    kill -KILL "$process"
    wait "$process" 2>/dev/null
    sed -n '1s/.*://p' "$line"
}

control() { curl -sS --fail-with-body "$sandbox_url/_sandbox/control" -d "$1"; }

# ledger SQL: asks the sandbox's book; its accepted submits are the table accepted(j).
ledger() {
    curl -sS "$sandbox_url/_sandbox/ledger" | rows ", accepted(j) AS
        (SELECT e.value FROM doc, json_each(doc.j, '\$.accepted') AS e) $1"
}

# write_config [lines for [providers.fal]] [other sections]
write_config() {
    cat >"$config" <<TOML
[paths]
state = "$state"
outputs = "$outputs"
socket = "$socket"
[providers.fal]
queue_url = "$sandbox_url"
rest_url = "$sandbox_url"
platform_url = "$sandbox_url/v1"
poll_interval = "500ms"
retry = { base = "100ms", max = "1s" }
requests_per_minute = 6000
${1:-}
${2:-}
TOML
}

is_gone() { ! kill -0 "$1" 2>/dev/null; }

is_ready() {
    is_gone "$daemon" && return
    (($(grep -c ' info reeld: ready ' "$log") > ready_before))
}

# start_daemon options…: returns when it is ready; its log goes to $log, what it prints to reeld.out.
start_daemon() {
    ready_before=$(grep -c ' info reeld: ready ' "$log")
    "$bin/reeld" "$@" >>"$scratch/reeld.out" 2>>"$log" &
    daemon=$!
    processes+=("$daemon")
    eventually 20 is_ready
    ! is_gone "$daemon"
}

# stop_daemon: the polite way; sets $daemon_exit.
stop_daemon() {
    kill -TERM "$daemon"
    eventually 20 is_gone "$daemon" || kill -KILL "$daemon"
    wait "$daemon" 2>/dev/null
    daemon_exit=$?
    return "$daemon_exit"
}

kill_daemon() {
    kill -KILL "$daemon"
    wait "$daemon" 2>/dev/null
    return 0
}

reel() { "$bin/reel" --socket "$socket" "$@"; }

# api PATH [curl options…]: the body of the answer.
api() {
    local path=$1
    shift
    curl -sS --max-time 30 --unix-socket "$socket" "http://reeld$path" "$@"
}

# api_status PATH [curl options…]: its status.
api_status() { api "$@" -o "$scratch/api.body" -w '%{http_code}'; }

# post JOBS: submits over the socket.
post() { api /v1/jobs -H 'Content-Type: application/json' -d "$1"; }

# drop ID PROMPT [BATCH]: a row by another program.
drop() {
    sqlite3 -batch -cmd '.timeout 10000' "$state/inbox.db" "INSERT INTO jobs (id, model, input, batch)
        VALUES ('$1', '$model', json_object('prompt', '$2'), nullif('${3:-}', ''))"
}

inbox() { sqlite3 -batch -cmd '.timeout 10000' "$state/inbox.db" "$1"; }
inbox_holds() { equal "$1" "$(inbox "SELECT count(*) FROM jobs ${2:-}")"; }
# reel.db as a reader that changes nothing.
reel_db() { sqlite3 -batch -cmd '.timeout 10000' "file:$state/reel.db?mode=ro" "$1"; }

job_field() { api "/v1/jobs/$1" | json "\$.$2"; }
is_in_state() { equal "$2" "$(job_field "$1" state)"; }
has_reason() { equal "$2" "$(job_field "$1" reason)"; }

# is_video FILE: an MP4 from its first box; decoded where ffprobe is there.
is_video() {
    local kind
    kind=$(head -c 8 "$1" | tail -c 4)
    equal ftyp "$kind" || return 1
    if command -v ffprobe >/dev/null; then
        ffprobe -v error -count_frames -select_streams v -show_entries stream=nb_read_frames \
            -of csv=p=0 "$1" | grep -q '[1-9]'
    fi
}

# outputs_are_whole: every stored output is a video, of the size and sum that the API tells.
outputs_are_whole() {
    local path bytes sum bad=0
    while IFS='|' read -r path bytes sum; do
        equal "$bytes" "$(stat -c %s "$path")" || bad=1
        equal "$sum  $path" "$(sha256sum "$path")" || bad=1
        is_video "$path" || { echo "not a video: $path"; bad=1; }
    done < <(api '/v1/jobs?limit=500&state=completed' | rows \
        "SELECT json_extract(o.value, '\$.path'), json_extract(o.value, '\$.bytes'),
                json_extract(o.value, '\$.sha256')
         FROM doc, json_each(doc.j, '\$.jobs') AS job, json_each(job.value, '\$.outputs') AS o")
    return "$bad"
}

# database_is_sound: what must hold of reel.db whenever nothing writes to it.
database_is_sound() {
    equal ok "$(reel_db 'PRAGMA integrity_check')" || return 1
    equal '' "$(reel_db 'PRAGMA foreign_key_check')" || return 1
    equal '' "$(reel_db 'SELECT job_seq, count(*), max(number) FROM events
                         GROUP BY job_seq HAVING count(*) <> max(number) OR min(number) <> 1')" ||
        return 1
    equal '' "$(reel_db "SELECT e.job_seq, e.number FROM events AS e JOIN events AS before
                         ON before.job_seq = e.job_seq AND before.number = e.number - 1
                         WHERE e.from_state IS NOT before.to_state")" || return 1
    equal '' "$(reel_db "SELECT id FROM jobs AS j WHERE state IS NOT
                         (SELECT to_state FROM events WHERE job_seq = j.seq
                          ORDER BY number DESC LIMIT 1)")" || return 1
    equal '' "$(reel_db "SELECT id FROM jobs WHERE due_at IS NULL
                         AND state NOT IN ('completed', 'failed', 'cancelled')")"
}

# billed_once: nothing in the sandbox's book was accepted under one token twice, or paid twice for
# one input. Every test gives each of its jobs an input of its own.
billed_once() {
    equal '' "$(ledger "SELECT json_extract(j, '\$.webhook'), count(*) FROM accepted
                        WHERE json_extract(j, '\$.webhook') IS NOT NULL GROUP BY 1
                        HAVING count(*) > 1")" || return 1
    equal '' "$(ledger "SELECT json_extract(j, '\$.input'), count(*) FROM accepted
                        WHERE json_extract(j, '\$.billed') GROUP BY 1 HAVING count(*) > 1")"
}
