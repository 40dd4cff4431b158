#!/usr/bin/env bash
# Money: estimated at submit, set aside at the intent, settled or released at the end.
source "$(dirname "${BASH_SOURCE[0]}")/harness.bash"

price=0.27  # of six seconds at 768P
figure=0.43 # of one prediction, by Eachlabs' own word
export FAL_KEY=e2e-key:of-money EACHLABS_API_KEY=e2e-key:of-money

money() { api /v1/status | json "\$.money.$1"; }
batch_money() { api "/v1/jobs?batch=$1" | json "\$.money.$2"; }
lose() { reel submit "$model" prompt="[sandbox:lost_answer] $2" --id "$1" --batch doubt >/dev/null; }
is_undecided() { is_in_state "$1" held && has_reason "$1" submit_unknown; }
request_of() {
    ledger "SELECT json_extract(j, '\$.request_id') FROM accepted
        WHERE json_extract(j, '\$.input.prompt') LIKE '%$1' LIMIT 1"
}
billing() { api "/v1/jobs/$1/attempts" | rows "SELECT group_concat(json_extract(a.value, '\$.billing'))
    FROM doc, json_each(doc.j, '\$.attempts') AS a"; }
is_at() { equal "$1" "$(money "$2")"; }
is_gone_from_records() { equal 410 "$(api_status "/v1/jobs/$1")"; }
# write_money_config [retention]
write_money_config() {
    write_config 'submit_timeout = "5s"
submit_unknown_wait = "3s"' "[providers.eachlabs]
base_url = \"$sandbox_url\"
poll_interval = \"500ms\"
requests_per_minute = 6000
${1:-}"
}

check "the sandbox starts" start_sandbox --seed 11 --key "$FAL_KEY" --speed 4
check "its history shows nothing" control '{"history_delay_ms": 1000000000}'
write_money_config
check "the daemon starts" start_daemon --config "$config"

# --- before anything is sent
check "a dry run tells the cost" exits 0 reel submit "$model" prompt='a still lake' --dry-run \
    --id dry-1 --batch night
check "… by the catalogue" has_line "$scratch/exits.out" "\\\$$price"
check "… and where the file would land" has_line "$scratch/exits.out" "$outputs/night/dry-1"
check "… and sends nothing" equal 0 "$(curl -sS "$sandbox_url/_sandbox/ledger" | json '$.posts')"
check "a wrong input is no dry run" exits 2 reel submit "$model" promt='a still lake' --dry-run
check "nothing is spent" is_at 0 today.spent_usd

# --- a result without a figure: by the estimate
check "a job completes" exits 0 reel submit "$model" prompt=done --id done-1 --batch night --wait
for member in cost_usd cost_by_estimate_usd estimated_cost_usd; do
    check "its $member" equal "$price" "$(job_field done-1 $member)"
done
check "nothing stays set aside" equal 0 "$(job_field done-1 reserved_usd)"
check "the submit says how it was settled" equal estimated "$(billing done-1)"
reel events done-1 >"$scratch/events.out"
check "the trail tells what was set aside" has_line "$scratch/events.out" "\\\$$price reserved"
check "… and what was spent" has_line "$scratch/events.out" "\\\$$price by the estimate"
check "reel show tells it" has_line <(reel show done-1) "cost_usd	$price"

# --- a figure of the provider's
check "another provider's job completes" exits 0 reel submit eachlabs/minimax-i2v-01 prompt=told \
    first_frame_image=https://example.com/a.png --id told-1 --batch night --wait --timeout 90s
check "it costs what the provider says" equal "$figure" "$(job_field told-1 cost_usd)"
check "… and nothing of it by estimate" equal 0 "$(job_field told-1 cost_by_estimate_usd)"
check "its submit is settled" equal settled "$(billing told-1)"

# --- what made nothing
control '{"locked": true}' >/dev/null
reel submit "$model" prompt=refused --id refused-1 --batch night >/dev/null
check "an account that is locked refuses" eventually 15 has_reason refused-1 account
check "… and nothing is set aside" equal 0 "$(job_field refused-1 reserved_usd)"
check "… nor possibly billed" equal 0 "$(job_field refused-1 possibly_billed_usd)"
check "the submit gave its money back" equal released "$(billing refused-1)"
check "it is cancelled" exits 0 reel cancel refused-1
check "… for nothing" has_reason refused-1 before_submit
control '{"locked": false}' >/dev/null

# --- cancelled at the provider: fal does not say whether it is billed
reel submit "$model" prompt='[sandbox:slow] stop' --id stop-1 --batch night >/dev/null
check "it waits for the account" eventually 15 has_reason stop-1 account
check "a person knows that it works again" exits 0 reel release stop-1
check "a job is under way" eventually 60 is_in_state stop-1 running
check "its price is set aside" equal "$price" "$(job_field stop-1 reserved_usd)"
check "… in the status too" is_at "$price" reserved_usd
check "it is cancelled" exits 0 reel cancel stop-1
check "… at the provider" eventually 30 is_in_state stop-1 cancelled
check "nothing stays set aside" equal 0 "$(job_field stop-1 reserved_usd)"
possible=$(job_field stop-1 possibly_billed_usd)
billed=$(ledger "SELECT CASE WHEN json_extract(j, '\$.billed') THEN '$price' ELSE '0' END
    FROM accepted WHERE json_extract(j, '\$.input.prompt') LIKE '%stop'")
check "it may be billed exactly where the answer did not rule it out" \
    test "$possible" = "$price" -o "$billed" = 0

# --- outcomes that nobody knows
before=$(money possibly_billed_usd)
lose lost-1 'to be adopted'
check "a lost answer" eventually 15 is_undecided lost-1
check "… may be billed" equal "$price" "$(job_field lost-1 possibly_billed_usd)"
check "… and is not spent" equal '' "$(job_field lost-1 cost_usd)"
check "… but a figure of its own" is_at "$(rows "SELECT $before + $price" </dev/null)" \
    possibly_billed_usd
check "it is adopted" exits 0 reel adopt lost-1 "$(request_of 'to be adopted')"
check "… and completes" exits 0 reel wait lost-1 --timeout 60s
check "what it cost is known now" equal "$price" "$(job_field lost-1 cost_usd)"
check "… and not in doubt any more" equal 0 "$(job_field lost-1 possibly_billed_usd)"
lose again-1 'sent twice'
check "another lost answer" eventually 15 is_undecided again-1
check "a person submits it again" exits 0 reel release again-1
check "… and it completes" exits 0 reel wait again-1 --timeout 60s
check "the second submit is spent" equal "$price" "$(job_field again-1 cost_usd)"
check "… the first may be billed for ever" equal "$price" "$(job_field again-1 possibly_billed_usd)"
check "its submits tell both" equal possible,estimated "$(billing again-1)"

# --- the sums
check "what was spent today is the jobs' cost" is_at \
    "$(reel_db "SELECT sum(cost_micro_usd) / 1e6 FROM jobs")" today.spent_usd
check "… no less than the bill, with what is possible" equal 1 "$(curl -sS "$sandbox_url/_sandbox/ledger" |
    rows "SELECT $(reel_db "SELECT sum(cost_micro_usd + possibly_billed_micro_usd) > 0 FROM jobs")
          AND json_extract(j, '\$.billed') <= $(reel_db "SELECT count(*) FROM attempts
          WHERE billing IN ('settled', 'estimated', 'possible')") FROM doc")"
check "nothing is set aside any more" is_at 0 reserved_usd
check "the day is the machine's" is_at "$(date +%F)" day
check "the batch has a sum of its own" equal 0.54 "$(batch_money doubt spent_usd)"
check "… and its doubts" equal "$price" "$(batch_money doubt possibly_billed_usd)"
reel status >"$scratch/status.out"
check "reel status tells it by model" has_line "$scratch/status.out" "^money.model.$model	0.81"
check "… and by batch" has_line "$scratch/status.out" "^money.batch.doubt	0.54"
reel ls --batch doubt >/dev/null 2>"$scratch/total.err"
check "a listing of a batch ends in its total" has_line "$scratch/total.err" 'doubt: spent \$0.54 in 2 submits'
reel wait --batch doubt >/dev/null 2>"$scratch/total.err"
check "so does the wait for it" has_line "$scratch/total.err" 'possibly billed \$0.27 on top'
check "the metrics have it" has_line <(api /metrics) '^reeld_possibly_billed_usd 0\.'
check "a reader of the database finds it" equal 0.54 \
    "$(reel_db "SELECT sum(spent_usd) FROM daily_money WHERE batch = 'doubt'")"
check "every submit is in the sums" equal 1 "$(reel_db "SELECT
    (SELECT sum(settled_micro_usd + estimated_micro_usd) FROM money_days) =
    (SELECT sum(billed_micro_usd) FROM attempts)")"
check "the record verifies" exits 0 reel verify

# --- retention
spent=$(money today.spent_usd)
write_money_config "$(printf '[retention]\nexport = "%s"\ncompleted = { max_count = 1 }' "$scratch/exports")"
kill -HUP "$daemon"
check "retention removes a record" eventually 60 is_gone_from_records done-1
check "today's figure stays" is_at "$spent" today.spent_usd
check "so does the batch's" equal 0.54 "$(batch_money doubt spent_usd)"
check "the daemon stops" stop_daemon
check "… and starts again" start_daemon --config "$config"
check "the figure is still there" is_at "$spent" today.spent_usd
check "reel.db is sound" database_is_sound

finish
