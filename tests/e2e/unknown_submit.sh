#!/usr/bin/env bash
# Submits whose answer is lost while the provider's history shows nothing: a person settles them.
source "$(dirname "${BASH_SOURCE[0]}")/harness.bash"

# request_of ENDING: the id that the sandbox gave to the first request whose prompt ends so.
request_of() {
    ledger "SELECT json_extract(j, '\$.request_id') FROM accepted
        WHERE json_extract(j, '\$.input.prompt') LIKE '%$1' LIMIT 1"
}
bills() {
    ledger "SELECT count(*) FROM accepted
        WHERE json_extract(j, '\$.input.prompt') LIKE '%$1' AND json_extract(j, '\$.billed')"
}
attempts_of() { api "/v1/jobs/$1/attempts" | rows "SELECT group_concat(json_extract(a.value, '\$.outcome'))
    FROM doc, json_each(doc.j, '\$.attempts') AS a"; }
lose() { reel submit "$model" prompt="[sandbox:lost_answer] $2" --id "$1" >/dev/null; }
is_undecided() { is_in_state "$1" held && has_reason "$1" submit_unknown; }

export FAL_KEY=e2e-key:of-unknown
check "the sandbox starts" start_sandbox --seed 11 --key "$FAL_KEY" --speed 4
check "its history shows nothing" control '{"history_delay_ms": 1000000000}'
write_config 'submit_timeout = "5s"
submit_unknown_wait = "3s"'
check "the daemon starts" start_daemon --config "$config"

# --- a person knows the request
lose lost-1 'to be adopted'
check "a lost answer is waited for" eventually 10 is_in_state lost-1 submit_unknown
check "… and shown with what comes by itself" contains "$(reel show lost-1)" 'then you decide'
check "without evidence a person is asked" eventually 20 is_undecided lost-1
reel show lost-1 >"$scratch/show.out"
for part in 'attempt 1' 'none that can be used' 'searched ' 'no such request' \
    'reel adopt lost-1 REQUEST_ID' 'reel release lost-1' 'reel cancel lost-1'; do
    check "reel show tells: $part" has_line "$scratch/show.out" "$part"
done
check "the socket tells the same" equal hold "$(job_field lost-1 unknown.policy)"
request=$(request_of 'to be adopted')
check "an id with a slip of the pen is refused" exits 6 reel adopt lost-1 "${request%????}0000"
check "… because the provider does not know it" has_line "$scratch/exits.err" 'knows no request'
check "what is no id is a mistake of usage" exits 2 reel adopt lost-1 'https://fal.ai/x'
check "another job's id is not found" exits 5 reel adopt nobody "$request"
check "the job still waits" is_undecided lost-1
check "the right one is adopted, by a beginning of the job's id" exits 0 reel adopt lost "$request"
check "it completes" exits 0 reel wait lost-1 --timeout 30s
check "… under that request" equal "$request" "$(job_field lost-1 request_id)"
check "one submit is on the bill" equal 1 "$(bills 'to be adopted')"
reel events lost-1 >"$scratch/events.out"
check "the trail names the request and the person" has_line "$scratch/events.out" \
    "a person names request $request (by uid $(id -u) over the socket)"
check "… with the provider's answer as evidence" equal "person|1" "$(reel_db "SELECT v.kind,
    v.head LIKE '%\"uid\":$(id -u)%' AND length(v.body) > 0 FROM events AS e
    JOIN evidence AS v ON v.id = e.evidence WHERE e.event = 'adopted'")"
check "a job that is over takes no other" exits 6 reel adopt lost-1 "$request"

check "its file is whole" outputs_are_whole

# --- a person submits again
lose again-1 'sent twice'
check "another one waits for a person" eventually 20 is_undecided again-1
check "a request of another job is refused" exits 6 reel adopt again-1 "$request"
check "… naming its owner" has_line "$scratch/exits.err" 'bound to job lost-1'
check "reel release submits again" exits 0 reel release again-1
check "it completes" exits 0 reel wait again-1 --timeout 30s
check "two submits are on the bill" equal 2 "$(bills 'sent twice')"
check "both are among the attempts" equal 'unknown,completed' "$(attempts_of again-1)"
reel show again-1 >"$scratch/show.out"
check "reel show tells of the first one" has_line "$scratch/show.out" 'may be billed as well'
reel events again-1 >"$scratch/events.out"
check "the trail says who decided it" has_line "$scratch/events.out" \
    "the earlier submit may be billed (by uid $(id -u) over the socket)"

# --- the provider cannot be asked
lose away-1 'out of reach'
check "a third one waits for a person" eventually 20 is_undecided away-1
request=$(request_of 'out of reach')
kill -KILL "${processes[0]}"
check "an adoption needs the provider" exits 10 reel adopt away-1 "$request"
check "… and changes nothing without it" is_undecided away-1
check "reel cancel gives up" exits 0 reel cancel away-1
check "… as one that may be billed" has_reason away-1 after_submit
check "it stops" stop_daemon
check "the database is sound" database_is_sound
finish
