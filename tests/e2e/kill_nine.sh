#!/usr/bin/env bash
# kill -9 at random moments of a night full of faults: every accepted job ends whole, none is paid
# for twice. KILL_SEED repeats the moments of a run.
source "$(dirname "${BASH_SOURCE[0]}")/harness.bash"

kills=7
seed=${KILL_SEED:-$((SRANDOM % 100000))}
RANDOM=$seed
echo "seed $seed"

cat >"$scratch/faults.json" <<'JSON'
{"lost_answer": 0.1, "lost_request": 0.05, "truncated_answer": 0.05, "submit_429": 0.05,
 "submit_5xx_json": 0.05, "status_5xx": 0.1, "server_retry": 0.1, "media_truncated": 0.2,
 "media_corrupt": 0.1, "media_404_once": 0.05, "range_ignored": 0.2, "webhook_dropped": 0.2,
 "webhook_duplicate": 0.3, "webhook_late": 0.1, "webhook_early": 0.1, "webhook_forged": 0.2,
 "webhook_payload_error": 0.1}
JSON
check "the sandbox starts" start_sandbox --seed "$seed" --faults "$scratch/faults.json" \
    --key e2e-key:of-kill-nine --speed 2 --concurrency 4
hooks=$(free_port)
write_config 'concurrency = 6
submit_timeout = "3s"
submit_unknown_wait = "6s"
on_submit_unknown = "resubmit"' "
[webhook]
listen = \"127.0.0.1:$hooks\"
public_url = \"http://127.0.0.1:$hooks\""
export FAL_KEY=e2e-key:of-kill-nine
check "the daemon starts" start_daemon --config "$config"

accepted=$scratch/accepted
: >"$accepted"
# A job counts as accepted only when the daemon, or SQLite, said so.
add_row() { drop "$1" "prompt of $1" night 2>/dev/null && echo "$1" >>"$accepted"; }
add_by_socket() {
    post '[{"id": "'"$1"'", "model": "'$model'", "batch": "night", "input": {"prompt": "prompt of '"$1"'"}}]' \
        -o /dev/null --fail 2>/dev/null && echo "$1" >>"$accepted"
}
add_by_command() {
    reel submit "$model" prompt="prompt of $1" --batch night --id "$1" >/dev/null 2>&1 &&
        echo "$1" >>"$accepted"
}
# Asks again until the daemon said yes: the id makes it the same job.
feed() {
    local n way
    for ((n = 1; n <= 42; n++)); do
        case $((n % 3)) in
            0) way=add_row ;;
            1) way=add_by_socket ;;
            2) way=add_by_command ;;
        esac
        eventually 60 "$way" "night-$n"
        sleep 0.15
    done
}
feed &
feeder=$!
processes+=("$feeder")

starts=0
for ((kill = 1; kill <= kills; kill++)); do
    # The random moment is the test.
    sleep "$((RANDOM % 2)).$((RANDOM % 10))$((RANDOM % 10))"
    kill_daemon
    start_daemon --config "$config" && starts=$((starts + 1))
done
check "it started again after each of $kills kills" equal "$kills" "$starts"
wait "$feeder"
check "42 jobs were accepted" equal 42 "$(sort -u "$accepted" | wc -l)"
check "all of them end" exits 0 reel wait --batch night --timeout 60s
check "no accepted job is missing" equal '' "$(comm -23 <(sort -u "$accepted") \
    <(reel_db "SELECT id FROM jobs WHERE state = 'completed'" | sort))"
check "no other job was made" equal 42 "$(reel_db 'SELECT count(*) FROM jobs')"
check "the inbox is empty" eventually 10 inbox_holds 0
check "no submit's token was accepted twice, no job paid for twice" billed_once
check "every job was paid for" equal 42 "$(ledger "SELECT count(DISTINCT json_extract(j, '\$.input'))
    FROM accepted WHERE json_extract(j, '\$.billed')")"
check "each paid request is an attempt that the trail knows" equal '' "$(comm -23 \
    <(ledger "SELECT json_extract(j, '\$.request_id') FROM accepted
              WHERE json_extract(j, '\$.billed')" | sort) \
    <(reel_db 'SELECT request_id FROM attempts' | sort))"
check "the faults did happen" equal 1 "$(curl -sS "$sandbox_url/_sandbox/ledger" | rows "SELECT
    sum(e.value) > 30 AND count(*) > 8 FROM doc, json_each(doc.j, '\$.faults') AS e")"
check "every file is a whole video of the told size and sum" outputs_are_whole
check "there is one file for each job" equal 42 "$(find "$outputs" -type f -name '*.mp4' | wc -l)"
check "no part of a download is left" equal '' "$(find "$scratch" -name '*.part*')"
check "the database is sound" database_is_sound
check "every attempt has a token of its own and the trail of its intent" equal 0 "$(reel_db "SELECT
    (SELECT count(*) FROM attempts) - (SELECT count(*) FROM events WHERE event = 'admitted')")"
check "the last stop ends with 0" stop_daemon
check "the database is sound after it" database_is_sound
check "the key stands in no log, database or answer" not grep -rqa 'of-kill-nine' \
    "$log" "$state" "$scratch/reeld.out" "$outputs"
finish
