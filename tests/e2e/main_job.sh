#!/usr/bin/env bash
# The main job: jobs by row, over the socket and by command become files, each paid for once.
source "$(dirname "${BASH_SOURCE[0]}")/harness.bash"

mkdir "$scratch/s"
state=$scratch/s/state outputs=$scratch/s/outputs socket=$scratch/s/reeld.sock
export REELD_SOCKET=$socket
check "reeld --sandbox is ready without a configuration" start_daemon --sandbox "$scratch/s" --speed 2
sandbox_url=$(awk '$1 == "sandbox" { print $2 }' "$scratch/reeld.out")

# --- the three ways in
inbox "INSERT INTO jobs (id, model, input, batch, labels) VALUES
    ('row-1', '$model', json_object('prompt', 'row one'), 'night', json_object('scene', '1')),
    ('row-2', '$model', json_object('prompt', 'row two'), 'night', NULL)"
unnamed=$(inbox "INSERT INTO jobs (model, input, batch)
    VALUES ('$model', json_object('prompt', 'row three'), 'night') RETURNING id")
check "a row without an id is given one" contains "$unnamed" -
single='{"id": "sock-1", "model": "'$model'", "batch": "night", "input": {"prompt": "socket one"}}'
check "one job object is created with 201" equal 201 "$(api_status /v1/jobs -d "$single")"
check "the answer is the job" equal sock-1 "$(json '$.id' <"$scratch/api.body")"
check "an array is created as a whole" equal 201 "$(api_status /v1/jobs -d '[
    {"id": "sock-2", "model": "'$model'", "batch": "night", "input": {"prompt": "socket two"}},
    {"id": "sock-3", "model": "'$model'", "batch": "night", "input": {"prompt": "socket three"}}]')"
check "the array's answer lists its jobs" equal 'sock-2|sock-3' "$(rows "SELECT
    json_extract(j, '\$.jobs[0].id'), json_extract(j, '\$.jobs[1].id') FROM doc" <"$scratch/api.body")"
check "reel submit prints the id alone on stdout" equal cli-1 \
    "$(reel submit "$model" prompt='cli one' --batch night --id cli-1 --output '{batch}/by-{id}.{ext}')"
reel submit "$model" prompt='cli two' --batch night --id cli-2 --wait --timeout 60s \
    >"$scratch/wait.out" 2>"$scratch/wait.err"
check "reel submit --wait ends with 0" equal 0 $?
check "it prints id, state, reason and file, separated by tabs" equal \
    $'cli-2\tcompleted\t\t'"$(job_field cli-2 'outputs[0].path')" "$(cat "$scratch/wait.out")"
check "what is said meanwhile goes to stderr" contains "$(cat "$scratch/wait.err")" cli-2
check "reel wait --batch waits for all of them" exits 0 reel wait --batch night --timeout 60s
check "it printed a line for each" equal 8 "$(wc -l <"$scratch/exits.out")"
check "all eight jobs are completed" equal 8 \
    "$(api '/v1/jobs?batch=night&state=completed' | rows "SELECT json_array_length(j, '\$.jobs') FROM doc")"
check "the rows have left the inbox" eventually 10 inbox_holds 0

# --- what came of them
check "every file is a whole video of the told size and sum" outputs_are_whole
check "the file's name follows the template" equal "$outputs/night/by-cli-1.mp4" \
    "$(job_field cli-1 'outputs[0].path')"
check "no part of a download is left" equal '' "$(find "$scratch/s" -name '*.part*')"
check "the sandbox accepted one submit for each job" equal 8 "$(ledger 'SELECT count(*) FROM accepted')"
check "every job was paid for once" equal 8 "$(ledger "SELECT count(DISTINCT json_extract(j, '\$.input'))
    FROM accepted WHERE json_extract(j, '\$.billed')")"
check "nothing was paid for twice" billed_once
check "the trail tells each step in its order" equal \
    'created admitted submit_accepted result_seen output_stored' \
    "$(api /v1/jobs/sock-1/events | rows "SELECT group_concat(json_extract(e.value, '\$.event'), ' ')
       FROM doc, json_each(doc.j, '\$.events') AS e
       WHERE json_extract(e.value, '\$.from') IS NOT json_extract(e.value, '\$.to')
         AND json_extract(e.value, '\$.to') <> 'running'")"
check "there is one attempt" equal 1 "$(api /v1/jobs/sock-1/attempts |
    rows "SELECT json_array_length(j, '\$.attempts') FROM doc")"
check "the database is sound" database_is_sound

# --- the id is the key
check "the same job again is 200 and nothing new" equal 200 "$(api_status /v1/jobs -d "$single")"
check "it is answered as it stands" equal completed "$(json '$.state' <"$scratch/api.body")"
check "the same by command ends with 0" exits 0 \
    reel submit "$model" prompt='cli one' --batch night --id cli-1 --output '{batch}/by-{id}.{ext}'
check "the same row is dropped again" drop row-2 'row two' night
check "… without an error" eventually 10 inbox_holds 0
check "another content under the id is 409" equal 409 \
    "$(api_status /v1/jobs -d '{"id": "sock-1", "model": "'$model'", "input": {"prompt": "other"}}')"
check "its problem has the code conflict" equal conflict "$(json '$.code' <"$scratch/api.body")"
check "… and exit code 6 by command" exits 6 reel submit "$model" prompt=other --id sock-1
check "no array is taken by halves" equal 409 "$(api_status /v1/jobs -d '[
    {"id": "half-1", "model": "'$model'", "input": {"prompt": "half"}},
    {"id": "sock-1", "model": "'$model'", "input": {"prompt": "other"}}]')"
check "… its other job does not exist" equal 404 "$(api_status /v1/jobs/half-1)"
check "nothing more was accepted" equal 8 "$(ledger 'SELECT count(*) FROM accepted')"

# --- reading
for call in 'show sock-1:/v1/jobs/sock-1' 'events sock-1:/v1/jobs/sock-1/events' 'ls:/v1/jobs' \
    'ls --batch night --state completed --limit 3:/v1/jobs?state=completed&batch=night&limit=3'; do
    # shellcheck disable=SC2086  # words on purpose
    reel ${call%%:*} --json >"$scratch/by.reel" 2>/dev/null
    api "${call#*:}" >"$scratch/by.curl"
    check "reel ${call%%:*} --json prints the socket's bytes" cmp "$scratch/by.reel" "$scratch/by.curl"
done
check "reel status --json is the status document" equal 8 \
    "$(reel status --json | json '$.counts.completed')"
reel ls >"$scratch/ls.out" 2>"$scratch/ls.err"
check "a piped list has one line for each job" equal 8 "$(wc -l <"$scratch/ls.out")"
check "… of nine columns between tabs" equal 9 "$(awk -F'\t' '{ print NF }' "$scratch/ls.out" | sort -u)"
check "… with whole ids" contains "$(cat "$scratch/ls.out")" "$unnamed"
check "… without escape sequences" not grep -q $'\x1b' "$scratch/ls.out"
check "labels filter" equal row-1 "$(reel ls --label scene=1 | cut -f 1)"
check "the newest job stands first" equal cli-2 "$(head -n 1 "$scratch/ls.out" | cut -f 1)"
cursor=$(api '/v1/jobs?limit=5' | json '$.next_cursor')
check "a second page goes on after the first" equal "$(sed -n '6,$p' "$scratch/ls.out" | cut -f 1 | tr '\n' ' ')" \
    "$(api "/v1/jobs?limit=5&cursor=$cursor" | rows "SELECT json_extract(e.value, '\$.id') FROM doc,
       json_each(doc.j, '\$.jobs') AS e" | tr '\n' ' ')"
check "a unique beginning names a job" contains "$(reel show cli-1)" $'id\tcli-1'
check "a beginning of several is refused" exits 6 reel show cli
check "… with the ids it may be" contains "$(cat "$scratch/exits.err")" 'cli-1'
check "a failing verb prints nothing to stdout" equal '' "$(cat "$scratch/exits.out")"
check "reel models knows the model and its price" contains "$(reel models)" "$model"$'\tvideo\t$0.045 a second'
check "reel doctor finds nothing broken" exits 0 reel doctor
check "reel status names the provider's health" contains "$(reel status)" $'provider.fal\tok'
check "metrics count the completed jobs" contains "$(api /metrics)" completed
if command -v script >/dev/null; then
    tty_ls() { script -qec "env $1 TERM=xterm '$bin/reel' --socket '$socket' ls" /dev/null </dev/null; }
    check "a terminal gets colour" contains "$(tty_ls COLUMNS=120)" $'\x1b['
    check "NO_COLOR takes it away" not contains "$(tty_ls NO_COLOR=1)" $'\x1b[3'
fi

# --- watching, and what an exit code says
reel watch --batch watched --timeout 30s >"$scratch/watch.out" 2>&1 &
watcher=$!
processes+=("$watcher")
id=$(reel submit "$model" prompt='watched' --batch watched --id watched-1)
check "reel watch of one job ends with it" exits 0 reel watch "$id" --timeout 30s
check "it told the last state" contains "$(cat "$scratch/exits.out")" $'watched-1\tcompleted'
kill "$watcher" 2>/dev/null
api '/v1/events?all=true' -N --max-time 1 -H 'Last-Event-ID: 0' >"$scratch/stream.out" 2>/dev/null
check "the event stream begins again after the given id" grep -q '^id: ' "$scratch/stream.out"
reel submit "$model" prompt='[sandbox:content_policy] no' --id refused-1 >/dev/null
check "waiting for a job that fails ends with 7" exits 7 reel wait refused-1 --timeout 30s
reel submit "$model" prompt='[sandbox:slow] long' --id slow-1 >/dev/null
check "a wait that is too short ends with 8" exits 8 reel wait slow-1 --timeout 200ms
check "an unknown job ends with 5" exits 5 reel show nobody
check "an unknown verb ends with 2" exits 2 reel dance
check "an input that the daemon refuses ends with 2" exits 2 reel submit justoneword prompt=x
check "no daemon ends with 3" exits 3 "$bin/reel" --socket "$scratch/none.sock" status
check "… and says what to do" contains "$(cat "$scratch/exits.err")" systemctl
check "a completed job cannot be cancelled" exits 6 reel cancel cli-1
check "a running one can" exits 0 reel cancel slow-1
check "it ends as cancelled" eventually 20 is_in_state slow-1 cancelled

# --- retry, hold and release
retried=$(reel retry refused-1 --json | json '$.id')
check "a retry is a new job linked to the old one" equal refused-1 "$(job_field "$retried" retry_of)"
check "a second retry is the same one" equal "$retried" "$(reel retry refused-1 --json | json '$.id')"
reel submit "$model" prompt='later' --id later-1 --not-before 1h >/dev/null
check "a job for later is scheduled" is_in_state later-1 scheduled
check "it can be held" exits 0 reel hold later-1
check "… and says so" is_in_state later-1 held
check "… and released to its time" exits 0 reel release later-1
check "… which has not come" is_in_state later-1 scheduled

check "SIGTERM ends it with 0" stop_daemon

# --- priorities: one slot, a pile, and who goes first
start_sandbox --speed 4 --concurrency 1
state=$scratch/p/state outputs=$scratch/p/outputs socket=$scratch/p.sock
write_config 'concurrency = 1'
export FAL_KEY=sandbox-key:one
check "a daemon with one slot starts" start_daemon --config "$config"
post '[{"id": "p-first", "model": "'$model'", "batch": "p", "input": {"prompt": "p first"}},
       {"id": "p-low", "model": "'$model'", "batch": "p", "priority": -5, "input": {"prompt": "p low"}},
       {"id": "p-mid", "model": "'$model'", "batch": "p", "input": {"prompt": "p mid"}},
       {"id": "p-high", "model": "'$model'", "batch": "p", "priority": 9, "input": {"prompt": "p high"}}]' \
    >/dev/null
check "all of the pile complete" exits 0 reel wait --batch p --timeout 60s
check "they went by priority, then by age" equal 'p high,p first,p mid,p low' \
    "$(ledger "SELECT group_concat(json_extract(j, '\$.input.prompt')) FROM accepted")"
finish
