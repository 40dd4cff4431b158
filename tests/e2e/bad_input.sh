#!/usr/bin/env bash
# What is wrong is refused by its name and with its remedy, by every way in, and hurts nobody.
source "$(dirname "${BASH_SOURCE[0]}")/harness.bash"

secret=of-bad-input-5d1f
export FAL_KEY=e2e-key:$secret
check "the sandbox starts" start_sandbox --seed 11 --key "$FAL_KEY" --speed 4 --concurrency 4
hooks=$(free_port)
hooks_url=http://127.0.0.1:$hooks
write_config 'submit_unknown_wait = "5s"' "
[webhook]
listen = \"127.0.0.1:$hooks\"
public_url = \"$hooks_url\""
check "the daemon starts" start_daemon --config "$config"

works() {
    reel submit "$model" prompt="still at work after $1" --id "after-$1" --wait --timeout 30s
}

# --- rows
row_error() { inbox "SELECT error FROM jobs WHERE id = '$1'"; }
has_error() { [[ -n $(row_error "$1") ]]; }
# refused_row ID COLUMNS VALUES PART…: the row stays, and its error says every PART.
refused_row() {
    local id=$1 columns=$2 values=$3 part
    shift 3
    inbox "INSERT INTO jobs (id, $columns) VALUES ('$id', $values)"
    eventually 10 has_error "$id" || return 1
    for part in "$@"; do contains "$(row_error "$id")" "$part" || return 1; done
}
good="'$model', json_object('prompt', 'a bad row')"
check "a row without a model" refused_row no-model input "'{}'" 'model: is missing' 'fal-ai/'
check "a row whose model is one word" refused_row one-word 'model, input' "'hailuo', '{}'" 'model:' 'segments'
check "a row of a provider that is not configured" refused_row other 'model, input' \
    "'eachlabs/minimax-i2v-01', '{}'" 'model: no configured provider serves'
check "a row without an input" refused_row no-input model "'$model'" 'input: is missing' 'prompt'
check "a row whose input is no JSON" refused_row no-json 'model, input' "'$model', '{prompt: waves}'" 'input:' 'JSON'
check "a row whose input is a list" refused_row a-list 'model, input' "'$model', '[1]'" 'input: must be a JSON object'
check "a row whose priority is a word" refused_row word 'model, input, priority' "$good, 'urgent'" 'priority: must be a whole number'
check "a row whose time is in seconds" refused_row seconds 'model, input, not_before' "$good, 1764000000" 'not_before:' 'milliseconds'
check "a row whose output leaves the folder" refused_row escape 'model, input, output' "$good, '../../etc/x.mp4'" 'output:'
check "a row whose labels are no object" refused_row labels 'model, input, labels' "$good, '[\"a\"]'" 'labels:'
check "a row with two mistakes names both" refused_row two 'model, input, priority, max_attempts' \
    "$good, 'high', 0" 'priority:' 'max_attempts:'
inbox "INSERT INTO jobs (id, model, input) VALUES ('bad id!', '$model', '{}')"
check "a row with an id that is none" eventually 10 has_error 'bad id!'
check "… names the field" contains "$(row_error 'bad id!')" 'id:'
check "none of them became a job" equal 0 "$(api /v1/jobs | rows "SELECT json_array_length(j, '\$.jobs') FROM doc")"
check "all of them stay in the inbox" inbox_holds 12
inbox "UPDATE jobs SET priority = 3, max_attempts = 2, error = NULL WHERE id = 'two'"
left_inbox() { equal '' "$(inbox "SELECT id FROM jobs WHERE id = '$1'")"; }
check "a mended row is taken" eventually 10 left_inbox two
check "… and its job completes" exits 0 reel wait two --timeout 30s
inbox "UPDATE jobs SET priority = 'higher', error = NULL WHERE id = 'word'"
refused_again() { contains "$(row_error word)" 'priority: must be a whole number'; }
check "a row that is mended badly is refused again" eventually 10 refused_again
inbox "INSERT INTO jobs (id, model, input) VALUES ('two', '$model', json_object('prompt', 'another'))"
check "a row under a used id is a conflict" eventually 10 has_error two
check "… and says so" contains "$(row_error two)" 'another id'
check "the job of that id is untouched" is_in_state two completed

# --- the socket
# refused STATUS PARTS BODY: the problem has the status and says each of the parts.
refused() {
    local status=$1 parts=$2 part
    equal "$status" "$(api_status /v1/jobs --data-binary "$3")" || return 1
    while IFS= read -r -d '|' part; do
        contains "$(cat "$scratch/api.body")" "$part" || return 1
    done <<<"$parts|"
}
head -c 20000000 /dev/zero | tr '\0' 'x' >"$scratch/huge"
printf '[%.0s' {1..5000} >"$scratch/deep"
check "a body that is no JSON" refused 400 '"code"|JSON' '{"model": '
check "an empty body" refused 400 '"code"' ''
check "a number" refused 422 '"code"' '7'
check "an empty array" refused 422 '"code"' '[]'
check "a job without a model" refused 422 '"field":"model"|is missing' '{"input": {}}'
check "an input given as text" refused 422 '"field":"input"|quotes' '{"model": "'$model'", "input": "{\"prompt\": \"x\"}"}'
check "a misspelt member, with the right one" refused 422 'priority' '{"model": "'$model'", "input": {}, "priorty": 1}'
check "a member of the input in the wrong place" refused 422 'prompt|input' '{"model": "'$model'", "input": {}, "prompt": "x"}'
check "a read-only member" refused 422 '"field":"state"' '{"model": "'$model'", "input": {}, "state": "completed"}'
check "a time without a zone" refused 422 '"field":"deadline"' '{"model": "'$model'", "input": {}, "deadline": "2030-01-01 10:00"}'
check "a mistake in an array is named by its place" refused 422 '"index":1|"field":"model"' \
    '[{"id": "whole", "model": "'$model'", "input": {}}, {"input": {}}]'
check "… and nothing of the array is made" equal 404 "$(api_status /v1/jobs/whole)"
check "a huge body" equal 413 "$(api_status /v1/jobs -H 'Expect:' --data-binary "@$scratch/huge")"
check "an endless nesting" equal 400 "$(api_status /v1/jobs --data-binary "@$scratch/deep")"
for pair in '404 /v1/nothing' '404 /v1/jobs/nobody' '400 /v1/jobs?limit=0' '400 /v1/jobs?limit=501' \
    '400 /v1/jobs?cursor=made-up' '400 /v1/jobs?colour=red' '400 /v1/jobs?state=done' '400 /v1/jobs/%zz' \
    '404 /v1/jobs/..%2f..%2fetc'; do
    check "GET ${pair#* } is ${pair% *}" equal "${pair% *}" "$(api_status "${pair#* }" --path-as-is)"
    check "… as a problem document with a code" contains "$(cat "$scratch/api.body")" '"code":"'
done
check "DELETE is 405" equal 405 "$(api_status /v1/jobs -X DELETE)"
check "problems are application/problem+json" equal application/problem+json \
    "$(api /v1/nothing -o /dev/null -w '%{content_type}')"
# raw BYTES: a conversation without any HTTP library.
raw() { printf '%b' "$1" | timeout 10 curl -sS --max-time 5 --unix-socket "$socket" telnet://reeld 2>/dev/null | head -c 300; }
check "garbage is answered 400" contains "$(raw '\x00\x01\x02\xff\r\n\r\n')" ' 400 '
check "two lengths are answered 400" contains \
    "$(raw 'POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd')" ' 400 '
check "a header without an end is refused" contains \
    "$(raw "GET /v1/status HTTP/1.1\r\nX: $(head -c 90000 /dev/zero | tr '\0' 'a')\r\n\r\n")" 'HTTP/1.1 4'
raw 'POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"id": "cut-short"' >/dev/null
check "a request that is cut short makes nothing" equal 404 "$(api_status /v1/jobs/cut-short)"
check "the daemon is at work after all that" works socket

# --- the command
check "a word without = ends with 2" exits 2 reel submit "$model" prompt
check "… and says how to write it" contains "$(cat "$scratch/exits.err")" 'key=value'
check "a missing file ends with 2" exits 2 reel submit "$model" --input "$scratch/none.json"
check "… and names it" contains "$(cat "$scratch/exits.err")" "$scratch/none.json"
echo '[1, 2]' >"$scratch/list.json"
check "an input file with a list ends with 2" exits 2 reel submit "$model" --input "$scratch/list.json"
check "a bad JSON value ends with 2" exits 2 reel submit "$model" 'duration:=six'
check "a bad time ends with 2" exits 2 reel submit "$model" prompt=x --not-before tomorrow
check "a bad id ends with 2" exits 2 reel submit "$model" prompt=x --id 'a b'
check "… and names the field" contains "$(cat "$scratch/exits.err")" 'id: '

# --- webhooks
# deliver PATH [curl options…]: the status of the answer.
deliver() {
    local path=$1
    shift
    curl -sS --max-time 20 -o /dev/null -w '%{http_code}' "$hooks_url$path" "$@" 2>/dev/null
}
reel submit "$model" prompt='[sandbox:slow] hooked' --id hooked-1 >/dev/null
at_provider() { [[ -n $(job_field hooked-1 request_id) ]]; }
check "a job is at the provider" eventually 10 at_provider
hook=$(ledger "SELECT json_extract(j, '\$.webhook') FROM accepted WHERE
    json_extract(j, '\$.input.prompt') LIKE '%hooked'")
path=${hook#"$hooks_url"}
request=$(job_field hooked-1 request_id)
forged='{"request_id": "'$request'", "status": "OK", "error": null,
    "payload": {"video": {"url": "http://127.0.0.1:9/evil.mp4"}}}'
check "an unknown token is 404" equal 404 "$(deliver /hooks/fal/00000000000000000000000000000000 -d "$forged")"
check "an unknown provider is 404" equal 404 "$(deliver "/hooks/nobody/${path##*/}" -d "$forged")"
check "another path is 404" equal 404 "$(deliver /v1/jobs)"
check "GET is 405" equal 405 "$(deliver "$path")"
check "a huge delivery is 413" equal 413 "$(deliver "$path" -H 'Expect:' --data-binary "@$scratch/huge")"
signed=(-H "X-Fal-Webhook-Request-Id: $request" -H 'X-Fal-Webhook-User-Id: sandbox|1'
    -H "X-Fal-Webhook-Timestamp: $(date +%s)"
    -H "X-Fal-Webhook-Signature: $(printf '0%.0s' {1..128})")
check "a delivery without a signature is refused" equal 401 "$(deliver "$path" -d "$forged")"
deliver "$path" "${signed[@]}" -d "$forged" >/dev/null
deliver "$path" "${signed[@]}" --data-binary $'\x01\x02 garbage' >/dev/null
check "forgeries change nothing" not is_in_state hooked-1 fetching
exec 8<>"/dev/tcp/127.0.0.1/$hooks"
printf 'POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{"slow' "$path" >&8
check "a slow delivery holds nobody up" equal 404 "$(deliver /hooks/fal/11111111111111111111111111111111 -d '{}')"
exec 8>&-
printf 'not HTTP at all\r\n\r\n' 2>/dev/null >"/dev/tcp/127.0.0.1/$hooks"
check "the job completes by the true delivery" exits 0 reel wait hooked-1 --timeout 60s
check "… with the true file" outputs_are_whole
check "the forgeries stand in its trail" contains "$(reel events hooked-1)" webhook_refused

# --- bad results
reel submit "$model" prompt='[sandbox:html] a page' --id page-1 --max-attempts 2 >/dev/null
reel submit "$model" prompt='[sandbox:content_policy] no' --id refused-1 >/dev/null
check "a refusal for its content fails" exits 7 reel wait refused-1 --timeout 30s
check "… says why" has_reason refused-1 content_policy
check "… with the provider's code" equal content_policy_violation "$(job_field refused-1 'error.code')"
check "… and was tried once" equal 1 "$(job_field refused-1 attempt)"
check "a page instead of a video fails" exits 7 reel wait page-1 --timeout 60s
check "… says what it is" contains "$(job_field page-1 'error.message')" HTML
check "… and leaves no file" equal '' "$(find "$outputs" -name 'page-1*')"
check "… and was paid for once" billed_once

# --- foreign transactions
mkfifo "$scratch/shell"
sqlite3 -batch "$state/inbox.db" <"$scratch/shell" >"$scratch/shell.out" 2>&1 &
processes+=("$!")
exec 9>"$scratch/shell"
for kind in IMMEDIATE EXCLUSIVE; do
    id=held-${kind,,}
    echo "BEGIN $kind; INSERT INTO jobs (id, model, input) VALUES
        ('$id', '$model', json_object('prompt', '$id')); SELECT 'open $kind';" >&9
    check "a shell holds the inbox: BEGIN $kind" eventually 10 has_line "$scratch/shell.out" "open $kind"
    check "the daemon answers meanwhile" equal 200 "$(api_status /v1/status --max-time 2)"
    check "the other ways work meanwhile" works "$kind"
    check "… within a second each" test "$(api /v1/status -o /dev/null -w '%{time_total}' | cut -d . -f 1)" -eq 0
    check "its row is no job before the commit" equal 404 "$(api_status "/v1/jobs/$id")"
    echo 'COMMIT;' >&9
    check "its row is taken after it" eventually 15 is_in_state "$id" completed
done
exec 9>&-
mkfifo "$scratch/reader"
sqlite3 -batch "file:$state/reel.db?mode=ro" <"$scratch/reader" >"$scratch/reader.out" 2>&1 &
processes+=("$!")
exec 9>"$scratch/reader"
echo "BEGIN; SELECT 'reading', count(*) FROM jobs;" >&9
check "a reader holds reel.db" eventually 10 has_line "$scratch/reader.out" reading
check "writes go on meanwhile" works reader
exec 9>&-
mv "$state/inbox.db" "$scratch/aside.db"
head -c 8192 /dev/urandom >"$state/inbox.db"
check "a broken inbox stops nobody" works broken-inbox
sqlite3 -batch "$scratch/aside.db" "INSERT INTO jobs (id, model, input) VALUES
    ('aside-1', '$model', json_object('prompt', 'aside'))"
mv "$scratch/aside.db" "$state/inbox.db"
check "the inbox is read again when it is back" eventually 20 is_in_state aside-1 completed

# --- secrets
check "the key stands in no log, database or file" not grep -rqa "$secret" \
    "$log" "$state" "$scratch/reeld.out" "$outputs"
for call in /v1/status '/v1/jobs?limit=500' /metrics /v1/jobs/hooked-1/events /v1/jobs/hooked-1/attempts; do
    check "… nor in $call" not contains "$(api "$call")" "$secret"
done
check "the token of a webhook is not shown whole" not contains \
    "$(api /v1/jobs/hooked-1/attempts; api /v1/jobs/hooked-1/events; cat "$log")" "${path##*/}"
check "it stops" stop_daemon
check "the database is sound" database_is_sound
finish
