#!/usr/bin/env bash
# A locked account, a provider that asks to slow down, and the limit of jobs in hand.
source "$(dirname "${BASH_SOURCE[0]}")/harness.bash"

posts() { curl -sS "$sandbox_url/_sandbox/ledger" | json '$.posts'; }
provider() { api /v1/status | json "\$.providers[0].$1"; }
health_is() { equal "$1" "$(provider health)"; }
concurrency_is() { equal "$1" "$(provider concurrency)"; }
held_for() { equal "$2" "$(reel ls --state held | grep -c $'\theld\t'"$1"$'\t')"; }
pile() {
    local n jobs=
    for ((n = 1; n <= $2; n++)); do
        jobs+="${jobs:+,}{\"id\": \"$1-$n\", \"model\": \"$model\", \"batch\": \"$1\",
            \"input\": {\"prompt\": \"$1 $n\"}}"
    done
    post "[$jobs]" >/dev/null
}

export FAL_KEY=e2e-key:of-account
check "the sandbox starts" start_sandbox --seed 5 --key "$FAL_KEY" --speed 4 --concurrency 8
write_config 'concurrency = 1'
check "the daemon starts" start_daemon --config "$config"

# --- a locked account
check "the account is locked" control '{"locked": true, "lock_reason": "Exhausted balance"}'
pile locked 6
check "the provider is paused" eventually 15 health_is paused
check "all jobs are held for the account" eventually 15 held_for account 6
check "one refusal was enough" equal 1 "$(posts)"
check "the provider's own words are told" contains "$(provider message)" 'Exhausted balance'
check "… by reel status as well" contains "$(reel status)" 'Exhausted balance'
check "reel doctor ends with 4" exits 4 reel doctor
check "a look again is due later" contains "$(provider probe_at)" T
reel submit "$model" prompt='locked 7' --batch locked --id locked-7 >/dev/null
check "a new job is held as well" eventually 15 held_for account 7
kill_daemon
check "it starts after a kill" start_daemon --config "$config"
check "the pause has outlived it" health_is paused
check "… with its jobs" held_for account 7
check "… without another refusal" equal 1 "$(posts)"
check "reel release lets one try" exits 0 reel release locked-1
check "it is refused again and the pause is back" eventually 15 held_for account 7
check "… which cost one more request at most" test "$(posts)" -le 3
check "the account is unlocked" control '{"locked": false}'
check "releasing one job releases the account" exits 0 reel release locked-2
check "all of them complete" exits 0 reel wait --batch locked --timeout 60s
check "the provider is well" health_is ok
check "each was paid for once" equal 7 "$(ledger "SELECT count(*) FROM accepted WHERE json_extract(j, '\$.billed')")"
check "no refusal counts as an attempt that was paid for" equal 1 \
    "$(reel_db 'SELECT max(billable_attempts) FROM jobs')"

# --- 429
reel submit "$model" prompt='[sandbox:submit_429] first limited' --id limited-1 --batch limited >/dev/null
answered_429() { reel_db "SELECT 1 FROM attempts WHERE outcome = 'refused' AND job_seq =
    (SELECT seq FROM jobs WHERE id = 'limited-1')" | grep -q 1; }
check "a 429 is no failure" eventually 15 answered_429
check "the job completes after it" exits 0 reel wait limited-1 --timeout 30s
check "the 429 was not accepted" equal 1 "$(ledger "SELECT count(*) FROM accepted
    WHERE json_extract(j, '\$.input.prompt') LIKE '%first limited'")"
# Every submit is answered 429 now; half of the answers say Retry-After.
control '{"faults": {"submit_429": 1}}' >/dev/null
pile slow 4
is_limited() { [[ $(provider limited_until) > $(api /v1/status | json '$.now') ]]; }
check "the provider is limited until a time" eventually 20 is_limited
told_retry_after() { reel_db "SELECT 1 FROM evidence WHERE lower(head) LIKE '%retry-after%'" | grep -q 1; }
check "Retry-After has been seen" eventually 30 told_retry_after
eventually 20 is_limited
kill_daemon
killed_ms=$(date +%s%3N)
until_ms=$(reel_db 'SELECT limited_until FROM providers')
check "the limit is durable" test -n "$until_ms"
start_daemon --config "$config"
is_tried_again() { reel_db "SELECT 1 FROM attempts WHERE intent_at >= $until_ms" | grep -q 1; }
check "submits go on after its end" eventually 20 is_tried_again
check "… and none before it" equal '' "$(reel_db "SELECT number, intent_at FROM attempts
    WHERE intent_at > $killed_ms AND intent_at < $until_ms")"
control '{"faults": {"submit_429": 0}}' >/dev/null
check "all of them complete when it is over" exits 0 reel wait --batch slow --timeout 60s
check "no limit has cost an attempt that was paid for" equal 1 \
    "$(reel_db 'SELECT max(billable_attempts) FROM jobs')"

# --- jobs in hand
write_config 'concurrency = 3'
kill -HUP "$daemon"
check "three jobs may be in hand" eventually 10 concurrency_is 3
pile many 15
most=0
over() { equal 15 "$(api '/v1/jobs?batch=many&state=completed' | rows "SELECT json_array_length(j, '\$.jobs') FROM doc")"; }
end=$((SECONDS + 60))
until over >/dev/null || ((SECONDS >= end)); do
    now=$(ledger "SELECT count(*) FROM accepted WHERE json_extract(j, '\$.state') <> 'COMPLETED'")
    ((now > most)) && most=$now
    hand=$(provider in_hand)
    ((hand > most)) && most=$hand
done
check "all complete" over
check "never more than three were in hand, and three were" equal 3 "$most"
check "the provider itself saw no fourth" equal '' "$(ledger "SELECT one.j FROM accepted AS one WHERE 3 <
    (SELECT count(*) FROM accepted AS other
     WHERE json_extract(other.j, '\$.accepted_at') <= json_extract(one.j, '\$.accepted_at')
       AND json_extract(other.j, '\$.finished_at') > json_extract(one.j, '\$.accepted_at'))")"
check "nothing was paid for twice" billed_once
check "every file is whole" outputs_are_whole
check "it stops" stop_daemon
check "the database is sound" database_is_sound
finish
