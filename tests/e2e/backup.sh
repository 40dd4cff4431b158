#!/usr/bin/env bash
# A backup under load, and a new life from it in another folder: nothing that was told is missing,
# nothing is damaged, and nothing that was paid is paid again unless a person says so.
source "$(dirname "${BASH_SOURCE[0]}")/harness.bash"

check "the sandbox starts" start_sandbox --seed 5 --key e2e-key:of-the-backup --speed 4
write_config 'concurrency = 4'
export FAL_KEY=e2e-key:of-the-backup
check "the daemon starts" start_daemon --config "$config"

jobs_as_json() {
    local n text=
    for ((n = $1; n <= $2; n++)); do
        text+="${text:+,}{\"id\":\"night-$n\",\"model\":\"$model\",\"batch\":\"night\",
            \"input\":{\"prompt\":\"prompt of night-$n\"}}"
    done
    echo "[$text]"
}
check "40 jobs are accepted" exits 0 post "$(jobs_as_json 1 40)" --fail -o /dev/null
inbox "INSERT INTO jobs (id, model, input, error) VALUES ('mend-me', '$model', 'oops', 'input: no')"
check "some of them end" eventually 30 eval '(($(reel_db "SELECT count(*) FROM jobs
    WHERE state = '"'completed'"'") >= 4))'

copy=$scratch/copy.db
check "a backup is made while jobs run" exits 0 reel backup "$copy"
read -r told_path told_bytes told_jobs told_events told_sum told_inbox < <(cat "$scratch/exits.out")
check "it tells where it is" equal "$copy $copy.inbox" "$told_path $told_inbox"
check "it tells the size of the file" equal "$told_bytes" "$(stat -c %s "$copy")"
check "it tells the sum of the file" equal "$told_sum  $copy" "$(sha256sum "$copy")"
check "it tells its jobs and events" equal "40 $told_jobs 40" \
    "$told_jobs $(sqlite3 "$copy" 'SELECT count(*) FROM jobs') 40"
check "every event is in it" equal "$told_events" "$(sqlite3 "$copy" 'SELECT count(*) FROM events')"
check "the copy is sound" equal ok "$(sqlite3 "$copy" 'PRAGMA integrity_check')"
check "the row in the inbox is in its copy" equal mend-me "$(sqlite3 "$copy.inbox" \
    'SELECT id FROM jobs')"
check "no unfinished file is left" equal '' "$(find "$scratch" -name '*.copying*')"
check "the status knows it" equal "$copy" "$(api /v1/status | json '$.backup.last_path')"

check "a file is never replaced" exits 6 reel backup "$copy"
check "a missing folder is a mistake of the caller" exits 2 reel backup "$scratch/none/copy.db"
check "it says what to do" contains "$(cat "$scratch/exits.err")" "there is no folder $scratch/none"
check "a relative path of the daemon is refused" equal 422 \
    "$(api_status /v1/backup -d '{"path":"copy.db"}')"
check "the path of reel is taken from where reel stands" exits 0 \
    env -C "$scratch" "$bin/reel" --socket "$socket" backup second.db
check "it lies there" test -s "$scratch/second.db"

check "the rest of the night ends" exits 0 reel wait --batch night --timeout 60s
kill_daemon
check "each job was paid once" billed_once
paid=$(ledger "SELECT count(*) FROM accepted")

# The machine is lost. What was pending in the copy has been made and paid since.
pending=$(sqlite3 "$copy" "SELECT count(*) FROM jobs WHERE state IN ('queued', 'scheduled')")
state=$scratch/restored
mkdir "$state"
cp "$copy" "$state/reel.db"
cp "$copy.inbox" "$state/inbox.db"
write_config 'concurrency = 4'
check "it starts on the copy" start_daemon --config "$config"
check "every job of the backup is there" equal 40 "$(reel_db 'SELECT count(*) FROM jobs')"
check "the inbox's row is there" inbox_holds 1
check "there was something pending" test "$pending" -gt 0
check "every pending job is held and says why" equal "$pending" \
    "$(reel_db "SELECT count(*) FROM jobs WHERE state = 'held' AND reason = 'restored'")"
unended() { reel_db "SELECT count(*) FROM jobs
    WHERE state NOT IN ('held', 'completed', 'failed', 'cancelled')"; }
check "what was at the provider is followed to its end" eventually 40 eval 'equal 0 "$(unended)"'
check "nothing was paid again" equal "$paid" "$(ledger "SELECT count(*) FROM accepted")"
held=$(reel_db "SELECT id FROM jobs WHERE reason = 'restored' LIMIT 1")
check "a restart asks no second time" eval 'stop_daemon && start_daemon --config "$config"'
check "a person lets one go" exits 0 reel release "$held"
check "it is made anew" eventually 30 is_in_state "$held" completed
check "that one alone was paid again" equal $((paid + 1)) "$(ledger "SELECT count(*) FROM accepted")"
check "the others are cancelled" exits 0 eval 'reel cancel $(reel_db "SELECT id FROM jobs
    WHERE reason = '"'restored'"'")'
check "its database is sound" database_is_sound
check "the daemon stops" stop_daemon
finish
