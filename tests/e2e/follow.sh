#!/usr/bin/env bash
# Following a running job: queue position and log as they come, by stream and by poll.
source "$(dirname "${BASH_SOURCE[0]}")/harness.bash"

start_sandbox --speed 1 --seed 3
state=$scratch/f/state outputs=$scratch/f/outputs socket=$scratch/f.sock
export REELD_SOCKET=$socket FAL_KEY=sandbox-key:one
# Polls alone would tell next to nothing within this test.
write_config 'poll_interval = "1h"
status_streams = 8'
sed -i '/poll_interval = "500ms"/d' "$config"
check "a daemon that listens to status streams starts" start_daemon --config "$config"

has_log() { api "/v1/jobs/$1/logs" | grep -q "$2"; }
log_lines() { api "/v1/jobs/$1/logs" | rows "SELECT json_array_length(j, '\$.logs') FROM doc"; }

# --- by stream
api '/v1/events?all=true' -N --max-time 60 >"$scratch/stream.out" 2>/dev/null &
processes+=("$!")
reel submit "$model" prompt='followed' --id seen-1 --batch f >/dev/null
reel watch seen-1 --timeout 120s >"$scratch/watch.out" 2>"$scratch/watch.err" &
watcher=$!
processes+=("$watcher")
check "a running job is seen as such though nobody polls" eventually 60 is_in_state seen-1 running
check "its log comes while it runs" eventually 60 has_log seen-1 'step 1 of 10'
check "it completes by the stream alone" eventually 60 is_in_state seen-1 completed
wait "$watcher"
check "reel watch showed the log's lines" grep -q 'seen-1: .*step [0-9]* of 10' "$scratch/watch.err"
check "… and kept its data apart" equal 0 "$(grep -c step "$scratch/watch.out")"
check "each line is kept once" equal '' "$(api /v1/jobs/seen-1/logs | rows "SELECT
    json_extract(e.value, '\$.message') FROM doc, json_each(doc.j, '\$.logs') AS e
    GROUP BY 1 HAVING count(*) > 1")"
check "reel logs prints them" contains "$(reel logs seen-1)" $'INFO\tUSER\tstep 1 of 10'
check "reel logs --json prints the socket's bytes" equal "$(api /v1/jobs/seen-1/logs)" \
    "$(reel logs seen-1 --json)"
check "the event stream told them as they came" grep -A1 '^event: log' "$scratch/stream.out"
check "… without an id of their own" not grep -B1 '^event: log' "$scratch/stream.out" -e '^id:'
check "the trail has one note of the log" equal 1 "$(api /v1/jobs/seen-1/events | rows "SELECT count(*)
    FROM doc, json_each(doc.j, '\$.events') AS e WHERE json_extract(e.value, '\$.event') = 'log_begins'")"
check "the metrics count the streams" contains "$(api /metrics)" 'reeld_status_streams_total'

# --- a stream that breaks means: poll
for mark in stream_cut stream_ends stream_refused; do
    reel submit "$model" prompt="broken [sandbox:$mark]" --id "$mark" --batch f >/dev/null
done
check "jobs whose streams break complete all the same" exits 0 reel wait --batch f --timeout 120s
check "nothing was paid twice" billed_once

# --- shutdown with open streams
reel submit "$model" prompt='[sandbox:slow] long' --id long-1 >/dev/null
check "a long job runs" eventually 60 is_in_state long-1 running
began=$SECONDS
check "SIGTERM ends it with 0 though a stream is open" stop_daemon
check "… at once" test $((SECONDS - began)) -lt 6

# --- without streams
write_config 'status_streams = 0'
check "a daemon without streams starts" start_daemon --config "$config"
reel submit "$model" prompt='polled' --id polled-1 >/dev/null
check "polls bring the log as well" eventually 60 has_log polled-1 'step'
check "… and the end" eventually 60 is_in_state polled-1 completed
check "no line is kept twice" equal '' "$(api /v1/jobs/polled-1/logs | rows "SELECT
    json_extract(e.value, '\$.message') FROM doc, json_each(doc.j, '\$.logs') AS e
    GROUP BY 1 HAVING count(*) > 1")"
check "the number of lines is bounded" test "$(log_lines polled-1)" -le 200
check "the database is sound" database_is_sound
check "reel verify finds nothing" exits 0 reel verify
check "SIGTERM ends it with 0" stop_daemon
finish
