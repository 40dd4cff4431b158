#!/usr/bin/env bash
# A month of nights in minutes, in the real programs: does anything grow that should not?
#   tests/soak.sh [NIGHTS [JOBS]]        30 nights of 300 jobs by default; needs a release build
# In the first third nothing is removed, and the daemon is reloaded, stopped and killed; from then on
# one process lives through the rest with retention, reloads and backups. After each night its memory,
# descriptors, threads, log and database are measured. The medians of the last third are judged
# against those of the second. SOAK_SEED repeats a run, SOAK_TABLE keeps the table, SOAK_KEEP is
# how long a record is kept (15s: some nights).
source "$(dirname "${BASH_SOURCE[0]}")/e2e/harness.bash"

nights=${1:-30}
per_night=${2:-300}
seed=${SOAK_SEED:-11}
third=$((nights / 3))
((third >= 1)) || third=1
keep=${SOAK_KEEP:-15s}
table=${SOAK_TABLE:-$scratch/table.tsv}
RANDOM=$seed
echo "seed $seed: $nights nights of $per_night jobs, programs from $bin"

# Without the faults after which a file is waited for a minute.
cat >"$scratch/faults.json" <<'JSON'
{"lost_answer": 0.01, "lost_request": 0.003, "truncated_answer": 0.01, "submit_429": 0.01,
 "submit_5xx_json": 0.02, "status_5xx": 0.02, "server_retry": 0.02, "media_truncated": 0.02,
 "range_ignored": 0.02, "webhook_dropped": 0.1, "webhook_duplicate": 0.1, "webhook_late": 0.05,
 "webhook_early": 0.05, "webhook_forged": 0.05, "webhook_payload_error": 0.02}
JSON
check "the sandbox starts" start_sandbox --seed "$seed" --faults "$scratch/faults.json" \
    --key e2e-key:of-the-soak --speed 50 --concurrency 64
hooks=$(free_port)
retention=
concurrency=48
configure() {
    write_config "concurrency = $concurrency
submit_timeout = \"3s\"
submit_unknown_wait = \"4s\"
on_submit_unknown = \"resubmit\"" "
[webhook]
listen = \"127.0.0.1:$hooks\"
public_url = \"http://127.0.0.1:$hooks\"
[downloads]
concurrency = 16
$retention
[log]
level = \"warning\""
}
# The log is silent about "ready"; the socket tells.
answers() { is_gone "$daemon" || reel status; }
start() {
    "$bin/reeld" --config "$config" >>"$scratch/reeld.out" 2>>"$log" &
    daemon=$!
    processes+=("$daemon")
    eventually 30 answers
    ! is_gone "$daemon"
}
reload() {
    concurrency=$((40 + RANDOM % 16))
    configure
    kill -HUP "$daemon"
}

jobs_as_json() {
    local n text=
    for ((n = $2; n <= $3; n++)); do
        text+="${text:+,}{\"id\":\"n$1-$n\",\"model\":\"$model\",\"batch\":\"night-$1\",\"input\":{\"prompt\":\"n$1-$n\"},\"labels\":{\"night\":\"$1\"}}"
    done
    echo "[$text]"
}
# A tenth by rows, the rest over the socket; asked again until the daemon said yes.
submit_night() {
    local rows=$((per_night / 10)) from to
    sqlite3 -batch -cmd '.timeout 10000' "$state/inbox.db" "WITH RECURSIVE n(i) AS
        (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $rows)
        INSERT INTO jobs (id, model, input, batch)
        SELECT 'n$1-' || i, '$model', json_object('prompt', 'n$1-' || i), 'night-$1' FROM n"
    for ((from = rows + 1; from <= per_night; from = to + 1)); do
        to=$((from + 199 < per_night ? from + 199 : per_night))
        jobs_as_json "$1" "$from" "$to" >"$scratch/jobs.json"
        eventually 30 api /v1/jobs -H 'Content-Type: application/json' --fail -o /dev/null \
            -d "@$scratch/jobs.json"
    done
}
# Retention may be quicker than the question, so the counts are asked, not the batch.
is_idle() {
    equal 0 "$(inbox 'SELECT count(*) FROM jobs')" &&
        equal 0 "$(api /v1/status | rows "SELECT sum(value) FROM doc, json_each(doc.j, '\$.counts')
            WHERE key NOT IN ('completed', 'failed', 'cancelled')")"
}
trouble() {
    case $1 in
        kill) sleep "0.$((RANDOM % 9))"; kill_daemon; start ;;
        stop) sleep "0.$((RANDOM % 9))"; stop_daemon; start ;;
        reload) reload ;;
    esac
}
back_up() {
    reel backup "$scratch/night-$1.db" >/dev/null &&
        equal ok "$(sqlite3 "$scratch/night-$1.db" 'PRAGMA quick_check')" &&
        rm -f "$scratch/night-$1.db" "$scratch/night-$1.db.inbox"
}
can_verify() { "$bin/reel" --help | grep -q '^ *verify '; }

size_of() { stat -c %s "$1" 2>/dev/null || echo 0; }
status_line() { sed -n "s/^$1:[[:space:]]*\([0-9]*\).*/\1/p" "/proc/$daemon/status"; }
measure() {
    local descriptors=(/proc/"$daemon"/fd/*)
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$(status_line VmRSS)" \
        "${#descriptors[@]}" "$(status_line Threads)" "$(size_of "$state/reel.db-wal")" \
        "$(size_of "$state/reel.db")" "$(reel_db 'PRAGMA freelist_count')" \
        "$(reel_db 'SELECT count(*) FROM jobs')" "$(reel_db 'SELECT count(*) FROM retired_jobs')" \
        >>"$table"
    tail -n 1 "$table"
}

configure
export FAL_KEY=e2e-key:of-the-soak
check "the daemon starts" start
printf 'night\tms\trss_kib\tfds\tthreads\twal\tdatabase\tfree_pages\tjobs\tretired\n' >"$table"
head -n 1 "$table"
started=$SECONDS
for ((night = 1; night <= nights; night++)); do
    begun=$(date +%s%3N)
    submit_night "$night"
    if ((night <= third)); then
        case $((night % 3)) in
            0) trouble kill ;;
            1) trouble reload ;;
            2) trouble stop ;;
        esac
    fi
    if ((night % 4 == 1)); then
        check "night $night: a backup under load" back_up "$night"
        ((night > third)) && reload
    fi
    eventually 120 is_idle || check "night $night ends" is_idle
    if ((night % 5 == 0)) && can_verify; then
        check "night $night: the trail verifies" exits 0 reel verify
    fi
    measure "$night" $(($(date +%s%3N) - begun))
    if ((night == third)); then
        grown=$(($(size_of "$state/reel.db") / (night * per_night)))
        echo "without retention: $grown bytes of database for each job"
        # From here on one process lives to the end.
        retention="[retention]
completed = { max_age = \"$keep\" }
failed = { max_age = \"$keep\" }
evidence = \"$keep\""
        configure
        check "the daemon starts with retention" eval 'stop_daemon && start'
    fi
done
echo "took $((SECONDS - started)) s"

# judge COLUMN PERCENT SLACK: the median of the last third against that of the second.
median() {
    awk -F '\t' -v c="$1" -v from="$2" -v to="$3" 'NR > 1 && $1 > from && $1 <= to { print $c }' \
        "$table" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}
judge() {
    local second last
    second=$(median "$1" "$third" $((2 * third)))
    last=$(median "$1" $((2 * third)) "$nights")
    echo "second third $second, last third $last"
    ((last <= second * (100 + $2) / 100 + $3))
}
if ((nights >= 9)); then
    check "memory is flat" judge 3 10 1024
    # Idle connections come and go.
    check "descriptors are flat" judge 4 20 32
    check "threads are flat" judge 5 0 0
    check "the write-ahead log is flat" judge 6 20 65536
    check "the database is flat under retention" judge 7 5 65536
    for column in 3 4 5 6 7; do
        head -n 1 "$table" | cut -f "$column" | tr '\n' ' '
        judge "$column" 0 0 || true
    done
fi
check "the log never went beyond 16 MiB" equal '' "$(awk -F '\t' 'NR > 1 && $6 > 16777216' "$table")"

total=$((nights * per_night))
known="SELECT id FROM jobs UNION SELECT id FROM retired_jobs"
check "no job is lost" equal "$total" "$(reel_db "SELECT count(*) FROM ($known)")"
check "all of them have ended" equal 0 "$(reel_db "SELECT count(*) FROM jobs
    WHERE state NOT IN ('completed', 'failed', 'cancelled')")"
# Both are one attempt's bad luck several times over, not a job's loss.
check "hardly any failed" eval "(($(reel_db "SELECT count(*) FROM
    (SELECT state FROM jobs UNION ALL SELECT state FROM retired_jobs) WHERE state <> 'completed'") * 100 <= total))"
check "nothing was paid twice" billed_once
is_retired() { equal 1 "$(reel_db "SELECT count(*) FROM retired_jobs WHERE id = '$1'")"; }
check "retention removes the record of the first job" eventually 60 is_retired n1-1
cat "$state"/exports/*.jsonl >"$scratch/exported.jsonl"
check "every record was exported before it was removed" equal '' "$(comm -23 \
    <(reel_db 'SELECT id FROM retired_jobs' | sort) \
    <(sed -n 's/^{"reeld":"record 1","removed_at":[0-9]*,"id":"\([^"]*\)".*/\1/p' \
        "$scratch/exported.jsonl" | sort -u))"
check "the same id is not made and paid again" exits 6 reel submit "$model" prompt=n1-1 --id n1-1 \
    --batch night-1
check "the files of removed records stay" eval "(($(find "$outputs" -name '*.mp4' | wc -l) * 100 >= total * 99))"
check "the database is sound" equal ok "$(reel_db 'PRAGMA integrity_check')"
check "the daemon stops" stop_daemon
finish
