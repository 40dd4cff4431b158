#!/usr/bin/env bash
# Jobs for Eachlabs: by command, row and socket, through lost answers, 429, 402 and a cancel.
source "$(dirname "${BASH_SOURCE[0]}")/harness.bash"

model=eachlabs/minimax-i2v-01
frame=https://example.com/a.png
export EACHLABS_API_KEY=smk_e2e

provider() { api /v1/status | json "\$.providers[0].$1"; }
health_is() { equal "$1" "$(provider health)"; }
held_for_account() { equal "$1" "$(reel ls --state held | grep -c $'\theld\taccount\t')"; }
bills() {
    ledger "SELECT count(*) FROM accepted
        WHERE json_extract(j, '\$.input.prompt') LIKE '%$1' AND json_extract(j, '\$.billed')"
}
submit() { reel submit "$model" prompt="$2" first_frame_image="$frame" --id "$1" "${@:3}"; }
# write_each_config AUTH: polls rarely where webhooks come.
write_each_config() {
    cat >"$config" <<TOML
[paths]
state = "$state"
outputs = "$outputs"
socket = "$socket"
[webhook]
listen = "127.0.0.1:$hooks_port"
public_url = "http://127.0.0.1:$hooks_port"
[providers.eachlabs]
base_url = "$sandbox_url"
auth = "$1"
poll_interval = "500ms"
submit_timeout = "5s"
submit_unknown_wait = "30s"
retry = { base = "100ms", max = "1s" }
requests_per_minute = 6000
concurrency = 6
TOML
}

check "the sandbox starts" start_sandbox --seed 11 --key "$EACHLABS_API_KEY" --speed 2 --concurrency 6
hooks_port=$(free_port)
write_each_config bearer
check "the configuration is fine" exits 0 "$bin/reeld" --check-config --config "$config"
check "the daemon starts" start_daemon --config "$config"
check "the key is accepted" eventually 10 health_is ok
check "reel doctor finds the key good" contains "$(reel doctor 2>&1)" eachlabs

# --- the three ways in
check "by command" exits 0 submit cli-1 'cli one' --batch ways
inbox "INSERT INTO jobs (id, model, input, batch) VALUES ('row-1', '$model',
    json_object('prompt', 'row one', 'first_frame_image', '$frame'), 'ways')"
check "over the socket" equal 201 "$(api_status /v1/jobs -d '{"id": "sock-1", "model": "'$model'",
    "batch": "ways", "input": {"prompt": "socket one", "first_frame_image": "'$frame'"}}')"
all_there() { equal 3 "$(api '/v1/jobs?batch=ways' | rows "SELECT json_array_length(j, '\$.jobs') FROM doc")"; }
check "all three are there" eventually 10 all_there
check "all of them complete" exits 0 reel wait --batch ways --timeout 60s
check "each tells what it cost" equal 0.43 "$(job_field row-1 cost_usd)"
check "… as the sandbox does" equal 1.29 "$(curl -sS "$sandbox_url/_sandbox/ledger" |
    rows "SELECT round(json_extract(j, '\$.billed_usd'), 2) FROM doc")"
check "reel show tells the cost" contains "$(reel show cli-1)" 0.43
check "a webhook with the secret was taken" test -n \
    "$(reel_db "SELECT 1 FROM evidence WHERE kind = 'webhook' LIMIT 1")"
check "… and the secret is not written down" equal 0 \
    "$(reel_db "SELECT count(*) FROM evidence WHERE lower(head) LIKE '%x-webhook-secret%'")"
check "nobody got in with another secret" equal 401 "$(curl -sS -o /dev/null -w '%{http_code}' \
    -H 'X-Webhook-Secret: guessed' -d '{"exec_id":"x","status":"succeeded"}' \
    "$(ledger "SELECT json_extract(j, '\$.webhook') FROM accepted LIMIT 1")")"

# --- answers that do not come
check "a lost answer" exits 0 submit lost-1 '[sandbox:lost_answer] lost' --batch doubt
check "a server error after the prediction was made, or before" exits 0 \
    submit lost-2 '[sandbox:submit_5xx_json] broken' --batch doubt
check "a body cut short" exits 0 submit lost-3 '[sandbox:truncated_answer] cut' --batch doubt
is_settled() { is_in_state "$1" completed || { is_in_state "$1" held && has_reason "$1" submit_unknown; }; }
for id in lost-1 lost-3; do
    check "$id is found in the list of executions, or by its webhook" \
        exits 0 reel wait "$id" --timeout 60s
done
check "lost-2 is found, or asks a person" eventually 60 is_settled lost-2
check "the lost one was paid for once" equal 1 "$(bills lost)"
check "… and adopted" equal adopted,completed "$(reel_db "SELECT 'adopted,' || group_concat(outcome)
    FROM attempts WHERE job_seq = (SELECT seq FROM jobs WHERE id = 'lost-1')")"
if is_in_state lost-2 held >/dev/null; then
    check "what was never made is submitted again by a person" exits 0 reel release lost-2
    check "… and completes" exits 0 reel wait lost-2 --timeout 60s
fi

# --- 429 and 402
check "a 429 is no failure" exits 0 submit limited-1 '[sandbox:submit_429] limited' --wait --timeout 60s
check "it was paid for once" equal 1 "$(bills limited)"
control '{"in_flight_max": 1}' >/dev/null
for n in 1 2 3; do submit "crowd-$n" "crowd $n" --batch crowd >/dev/null; done
check "more than may run at once wait for each other" exits 0 reel wait --batch crowd --timeout 90s
control '{"in_flight_max": 10, "speed": 1}' >/dev/null
submit slow-1 '[sandbox:slow] slow' >/dev/null
check "a job is under way" eventually 20 is_in_state slow-1 running
check "the balance is used up" control '{"locked": true}'
for n in 1 2 3; do submit "poor-$n" "poor $n" --batch poor >/dev/null; done
check "the queue is paused" eventually 15 held_for_account 3
check "the provider says why" contains "$(provider message)" 'top up your balance'
check "what runs already goes on" is_in_state slow-1 running
check "the balance is topped up" control '{"locked": false, "speed": 2}'
check "the job that ends opens the queue, long before the next look at the account" \
    exits 0 reel wait slow-1 --timeout 60s
check "… and the held ones complete" exits 0 reel wait --batch poor --timeout 30s
check "no refusal counts as paid" equal 1 "$(reel_db "SELECT max(billable_attempts) FROM jobs
    WHERE id LIKE 'poor-%' OR id LIKE 'crowd-%' OR id LIKE 'limited-%'")"

# --- a failure, a cancel, an unknown model
submit bad-1 '[sandbox:input_validation_error] bad' >/dev/null
check "what the model refuses fails" exits 7 reel wait bad-1 --timeout 30s
check "… with its code" equal input_validation_error "$(job_field bad-1 error.code)"
check "… and cost nothing" equal 0 "$(job_field bad-1 cost_usd)"
submit once-1 '[sandbox:provider_failed] once' >/dev/null
check "a failure of the provider is tried once more" exits 7 reel wait once-1 --timeout 60s
check "… and no more" equal 2 "$(job_field once-1 attempt)"
submit stop-1 '[sandbox:slow] stop' >/dev/null
check "a job to cancel is under way" eventually 20 is_in_state stop-1 running
check "it is cancelled" exits 0 reel cancel stop-1
check "… at the provider too" eventually 20 is_in_state stop-1 cancelled
check "… and not billed" equal 0 "$(bills stop)"

# --- the older header
write_each_config x-api-key
kill -HUP "$daemon"
says_reloaded() { has_line "$log" 'config: reloaded'; }
check "the header is changed by a reload" eventually 10 says_reloaded
check "the older header works as well" exits 0 submit old-1 'old header' --wait --timeout 60s

# --- the book
check "nothing was paid for twice" billed_once
check "every file is whole" outputs_are_whole
check "it stops" stop_daemon
check "the database is sound" database_is_sound
finish
