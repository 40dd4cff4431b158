#!/usr/bin/env bash
# Others at the same files: a second daemon, shells that sit in transactions, scripts that replace the
# inbox, readers that never end; and a daemon that is stopped for a while.
source "$(dirname "${BASH_SOURCE[0]}")/harness.bash"

said() { contains "$(cat "$log")" "$1"; }
# refused_start CODE PART options…: it ends at once with the code and says why.
refused_start() {
    local code=$1 part=$2
    shift 2
    exits "$code" timeout 20 "$bin/reeld" "$@" || return 1
    contains "$(cat "$scratch/exits.out" "$scratch/exits.err")" "$part"
}
# with_paths FILE STATE SOCKET: the configuration with other paths.
with_paths() {
    sed -e "s|^state = .*|state = \"$2\"|" -e "s|^socket = .*|socket = \"$3\"|" "$config" >"$1"
}
answers() { equal 200 "$(api_status /v1/status)"; }
status() { api /v1/status | json "\$.$1"; }
status_has() { contains "$(status "$1")" "$2"; }
is_null() { equal '' "$(status "$1")"; }
completes() { eventually 60 is_in_state "$1" completed; }
submit() { reel submit "$model" prompt="waves of $1" --id "$1" >/dev/null; }

# sit_in DATABASE SQL: a shell that does this and then sits there; sets $sitter.
sit_in() {
    rm -f "$scratch/sitter.in"
    mkfifo "$scratch/sitter.in"
    sqlite3 -batch -cmd '.timeout 10000' "$1" <"$scratch/sitter.in" >"$scratch/sitter.out" 2>&1 &
    sitter=$!
    processes+=("$sitter")
    exec 9>"$scratch/sitter.in"
    printf "%s\nSELECT 'sits';\n" "$2" >&9
    eventually 15 has_line "$scratch/sitter.out" sits
}
leave() {
    kill -KILL "$sitter" 2>/dev/null
    wait "$sitter" 2>/dev/null
    exec 9>&-
}
# Of 40 calls at most 4 take longer than a quarter of a second.
calls_are_fast() {
    local n slow=0
    for ((n = 0; n < 40; n++)); do
        api /v1/status -o /dev/null -w '%{time_total}\n'
        sleep 0.05
    done >"$scratch/times"
    slow=$(awk '$1 > 0.25' "$scratch/times" | wc -l)
    ((slow <= 4)) || { sort -n "$scratch/times" | tail -n 5; return 1; }
}

export FAL_KEY=e2e-key:of-locks
check "the sandbox starts" start_sandbox --seed 9 --key "$FAL_KEY" --speed 8 --concurrency 8
write_config 'concurrency = 4'
check "the daemon starts" start_daemon --config "$config"
first=$daemon

# --- a second daemon on the same state
with_paths "$scratch/second.toml" "$state" "$scratch/second.sock"
second() { refused_start 1 'another reeld works on this database' --config "$scratch/second.toml"; }
check "a second daemon is refused" second
check "… with the process of the first" contains "$(cat "$scratch/exits.err")" "pid $first"
check "… and the folder" contains "$(cat "$scratch/exits.err")" "$state"
ln -s "$state" "$scratch/link"
with_paths "$scratch/second.toml" "$scratch/link" "$scratch/second.sock"
check "… through a symbolic link of the folder as well" second
with_paths "$scratch/second.toml" "$state" "$scratch/second.sock"
rm "$state/reel.db.lock"
check "… when its lock file was deleted" second
check "… still with the process of the first" contains "$(cat "$scratch/exits.err")" "pid $first"
mkdir "$scratch/linked"
ln "$state/reel.db" "$scratch/linked/reel.db"
with_paths "$scratch/second.toml" "$scratch/linked" "$scratch/second.sock"
check "… through a hard link of the database" second
rm -r "$scratch/linked"
mkdir "$scratch/bound"
if mount --bind "$state" "$scratch/bound" 2>/dev/null; then
    with_paths "$scratch/second.toml" "$scratch/bound" "$scratch/second.sock"
    check "… through a bind mount" second
    umount "$scratch/bound"
fi
check "--check-config beside it is fine" exits 0 "$bin/reeld" --check-config --config "$config"
check "the first one is not disturbed" answers

# --- a second daemon on the same socket or port
with_paths "$scratch/other.toml" "$scratch/other-state" "$socket"
check "a socket in use is not taken away" refused_start 1 "$socket" --config "$scratch/other.toml"
check "… and still answers" answers
sandbox_port=${sandbox##*:}
with_paths "$scratch/port.toml" "$scratch/port-state" "$scratch/port.sock"
printf '[webhook]\nlisten = "127.0.0.1:%s"\npublic_url = "http://127.0.0.1:%s"\n' \
    "$sandbox_port" "$sandbox_port" >>"$scratch/port.toml"
check "a port in use is named" refused_start 1 "127.0.0.1:$sandbox_port" \
    --config "$scratch/port.toml"
"$bin/reeld" --sandbox "$scratch/box" >"$scratch/box.out" 2>"$scratch/box.log" &
box=$!
processes+=("$box")
check "a sandbox daemon starts" eventually 20 has_line "$scratch/box.out" 'is ready'
check "a second one in its folder is refused" refused_start 1 "pid $box" --sandbox "$scratch/box"
check "… and the first one answers" equal 200 \
    "$(curl -sS --unix-socket "$scratch/box/reeld.sock" -o /dev/null -w '%{http_code}' http://r/v1/status)"
kill -KILL "$box"
wait "$box" 2>/dev/null
check "after a kill its lock is not in the way" exits 0 bash -c "
    '$bin/reeld' --sandbox '$scratch/box' >'$scratch/box.out' 2>&1 & p=\$!
    for n in {1..200}; do grep -q 'is ready' '$scratch/box.out' && break; sleep 0.1; done
    kill -TERM \$p; wait \$p"

# --- both at the same moment
# race ROUNDS CONFIG-A CONFIG-B: of two started together exactly one runs, every time.
race() {
    local round a b alive
    for ((round = 0; round < $1; round++)); do
        : >"$scratch/race.log"
        "$bin/reeld" --config "$2" 2>>"$scratch/race.log" &
        a=$!
        "$bin/reeld" --config "$3" 2>>"$scratch/race.log" &
        b=$!
        processes+=("$a" "$b")
        eventually 20 has_line "$scratch/race.log" 'info reeld: ready' || { cat "$scratch/race.log"; return 1; }
        eventually 20 one_is_gone "$a" "$b" || { cat "$scratch/race.log"; return 1; }
        alive=0
        for process in "$a" "$b"; do is_gone "$process" || alive=$((alive + 1)); done
        equal 1 "$alive" || return 1
        if [[ -n ${4:-} ]]; then
            equal 200 "$(curl -sS --unix-socket "$4" -o /dev/null -w '%{http_code}' \
                http://r/v1/status)" || return 1
        fi
        kill -KILL "$a" "$b" 2>/dev/null
        wait "$a" "$b" 2>/dev/null
    done
    return 0
}
one_is_gone() { is_gone "$1" || is_gone "$2"; }
with_paths "$scratch/race-a.toml" "$scratch/race-state" "$scratch/race-a.sock"
with_paths "$scratch/race-b.toml" "$scratch/race-state" "$scratch/race-b.sock"
check "of two on one state that start together one runs" \
    race 8 "$scratch/race-a.toml" "$scratch/race-b.toml"
with_paths "$scratch/race-a.toml" "$scratch/race-state-a" "$scratch/race.sock"
with_paths "$scratch/race-b.toml" "$scratch/race-state-b" "$scratch/race.sock"
check "of two on one socket that start together one runs, and answers" \
    race 8 "$scratch/race-a.toml" "$scratch/race-b.toml" "$scratch/race.sock"

# --- a shell in a transaction on the inbox
for how in IMMEDIATE EXCLUSIVE; do
    drop "before-$how" "before $how"
    completes "before-$how"
    sit_in "$state/inbox.db" "BEGIN $how;
        INSERT INTO jobs (id, model, input) VALUES ('in-$how', '$model', '{\"prompt\": \"in $how\"}');"
    check "BEGIN $how on the inbox: socket calls are answered at once" calls_are_fast
    check "… a job by the socket is done" submit "beside-$how"
    completes "beside-$how"
    # Beside BEGIN IMMEDIATE the inbox can be read, and nothing waits in it.
    if [[ $how == EXCLUSIVE ]]; then
        check "… status says who holds it" eventually 15 status_has inbox_trouble.message \
            "pid $sitter"
        check "… and doctor" contains "$(reel doctor 2>&1)" "sqlite3 (pid $sitter)"
        check "… and the log" said "sqlite3 (pid $sitter)"
        check "… and the metrics" contains "$(api /metrics)" $'\nreeld_inbox_trouble 1'
    fi
    echo 'COMMIT;' >&9
    check "after its end the row comes in" completes "in-$how"
    check "… once" equal 1 "$(ledger "SELECT count(*) FROM accepted
        WHERE json_extract(j, '\$.input.prompt') = 'in $how'")"
    check "… and nothing is wrong any more" eventually 10 is_null inbox_trouble
    leave
done

sit_in "$state/inbox.db" 'BEGIN; SELECT count(*) FROM jobs;'
sqlite3 -batch "$state/inbox.db" '.timeout 100' "BEGIN IMMEDIATE; INSERT INTO jobs (id, model, input)
    VALUES ('nobody', '$model', '{}'); COMMIT;" 2>/dev/null
check "a reader that stays keeps droppers out, as SQLite wants it" inbox_holds 0
leave
drop during 'dropped before the reader'
sit_in "$state/inbox.db" 'BEGIN; SELECT count(*) FROM jobs;'
check "a row beside a reader that stays becomes a job" completes during
check "… the socket answers at once meanwhile" calls_are_fast
leave
check "… and the row goes when the reader has gone" eventually 15 inbox_holds 0
check "… having been submitted once" equal 1 "$(ledger "SELECT count(*) FROM accepted
    WHERE json_extract(j, '\$.input.prompt') = 'dropped before the reader'")"

# --- a writer that dies in the middle
sit_in "$state/inbox.db" "PRAGMA cache_size = 1; BEGIN IMMEDIATE;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
    INSERT INTO jobs (id, model, input) SELECT 'half-' || i, '$model', '{\"prompt\": \"half\"}' FROM n;"
check "a dying writer leaves its journal" test -s "$state/inbox.db-journal"
leave
check "a row after it becomes a job" drop after-crash 'after the crash'
completes after-crash
check "… and nothing of the half transaction" equal 0 \
    "$(reel_db "SELECT count(*) FROM jobs WHERE id LIKE 'half-%'")"

# --- an inbox that is changed under the daemon
sqlite3 "$state/inbox.db" 'PRAGMA journal_mode = WAL' >/dev/null
check "an inbox in WAL mode works" drop wal-1 'in wal mode'
check "… its row becomes a job" completes wal-1
sqlite3 -batch -cmd '.timeout 5000' "$state/inbox.db" 'DROP TABLE jobs'
eventually 20 inbox_holds 0
check "a dropped table is made anew" drop table-1 'after the drop of the table'
check "… and taken from" completes table-1
sqlite3 -batch -cmd '.timeout 5000' "$state/inbox.db" 'ALTER TABLE jobs RENAME TO tasks'
eventually 20 inbox_holds 0
check "a renamed one as well" drop table-2 'after the renaming'
check "… and taken from" completes table-2
rm -f "$state/inbox.db" "$state/inbox.db-wal" "$state/inbox.db-shm" "$state/inbox.db-journal"
eventually 20 inbox_holds 0
check "a deleted inbox is made anew" drop file-1 'after the deletion'
check "… and taken from" completes file-1
head -c 20000 /dev/urandom >"$scratch/noise"
cp "$scratch/noise" "$state/noise" && mv "$state/noise" "$state/inbox.db"
check "a broken inbox is told with what to do" eventually 20 status_has inbox_trouble.message \
    'move the file away'
check "… by doctor" contains "$(reel doctor 2>&1)" 'move the file away'
check "… the socket works on" submit beside-noise
completes beside-noise
mv "$state/inbox.db" "$scratch/moved"
check "once it is moved away" eventually 20 inbox_holds 0
check "… rows are taken again" drop file-2 'after the noise'
completes file-2
check "… and nothing is wrong any more" eventually 10 is_null inbox_trouble

# --- readers and writers at reel.db
pile() {
    local n
    for ((n = 0; n < $1; n++)); do
        sqlite3 -batch :memory: "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
            WHERE i < 20) SELECT json_group_array(json_object('model', '$model', 'unchecked', json('true'), 'not_before',
            '2099-01-01T00:00:00Z', 'input', json_object('prompt', hex(zeroblob(12000)),
            'n', '$2-$n-' || i))) FROM n" >"$scratch/pile.json"
        api /v1/jobs -H 'Content-Type: application/json' --fail -o /dev/null \
            --data-binary "@$scratch/pile.json" || return 1
    done
}
wal_bytes() { stat -c %s "$state/reel.db-wal"; }
sit_in "$state/reel.db" 'BEGIN; SELECT count(*) FROM jobs;'
check "beside a reader that never ends jobs are taken" pile 66 one
check "… the socket answers at once" calls_are_fast
check "… the log has grown" test "$(wal_bytes)" -gt 16000000
check "… status says because of whom" eventually 70 status_has store_trouble.message \
    "sqlite3 (pid $sitter) does not end its read"
check "… and doctor" contains "$(reel doctor 2>&1)" "pid $sitter"
check "… and the metrics" contains "$(api /metrics)" 'reeld_store_trouble 1'
leave
check "after its end the work goes on" pile 34 two
# SQLite cuts it when the next commit starts it over.
ticks=0
log_is_small() {
    submit "tick-$((++ticks))"
    (($(wal_bytes) < 8000000))
}
check "… and the log shrinks" eventually 70 log_is_small
check "… with nothing wrong any more" eventually 70 is_null store_trouble

for n in 1 2 3; do submit "hand-$n"; done
sit_in "$state/reel.db" "BEGIN IMMEDIATE; UPDATE jobs SET priority = priority WHERE seq = 1;"
check "beside a foreign writer the socket reads" eventually 10 answers
check "… at once" calls_are_fast
check "… a submit is refused, not half taken" not submit refused-1
check "… status says because of whom" eventually 10 status_has store_trouble.message \
    "sqlite3 (pid $sitter) holds reel.db"
leave
for n in 1 2 3; do completes "hand-$n"; done
check "after its end all goes on" submit after-writer
check "… to the end" completes after-writer
check "… with nothing wrong any more" eventually 70 is_null store_trouble
check "the jobs in hand were kept" equal 3 \
    "$(reel_db "SELECT count(*) FROM jobs WHERE id LIKE 'hand-%' AND state = 'completed'")"

# --- a process that is stopped for a while, with everything in flight
for n in 1 2 3 4 5 6; do submit "stopped-$n"; done
in_hand() { (($(api /v1/status | json '$.providers[0].in_hand') >= "$1")); }
eventually 20 in_hand 2
kill -STOP "$first"
sleep 6
kill -CONT "$first"
for n in 1 2 3 4 5 6; do completes "stopped-$n"; done
check "a stopped process goes on where it was" equal 6 \
    "$(reel_db "SELECT count(*) FROM jobs WHERE id LIKE 'stopped-%' AND state = 'completed'")"
check "nothing was paid for twice" billed_once
check "the files are whole" outputs_are_whole

# --- the database taken away
mv "$state/reel.db" "$state/reel.db.away"
check "a database taken away is told" eventually 10 status_has store_trouble.message 'put the file back'
mv "$state/reel.db.away" "$state/reel.db"
check "… until it is back" eventually 10 is_null store_trouble
check "the daemon ends with 0" stop_daemon
check "the database is sound" database_is_sound
finish
