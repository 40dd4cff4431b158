#!/usr/bin/env bash
# One run: the daemon does its work while call number N of KIND fails.
#   one.sh KIND ERRNO N TIMES      prints one line: OK or WRONG, what failed, what the daemon said
# With N = 0 nothing fails and the calls of each kind are printed.
source "$(dirname "${BASH_SOURCE[0]}")/../e2e/harness.bash"

kind=$1 errno=$2 nth=$3 times=$4
warp=${REELD_WARP_FACTOR:-20}
shim=${REELD_FAILING_CALLS:-$bin/../lib/libfailing_calls.so}
wall=$(date +%s%N)
: >"$scratch/failed"

say() {
    echo "$1 $kind:$errno:$nth:$times $(tr '\n' ',' <"$scratch/failed" | head -c 200) ${2:-}"
    if [[ $1 == WRONG ]]; then
        tail -n 40 "$log" | sed 's/^/    /'
        [[ -f $scratch/check.out ]] && sed 's/^/    /' "$scratch/check.out"
    fi
    exit
}

# Both live in the same fast time.
warped() { LD_PRELOAD=$shim REELD_WARP=$warp:$wall "$@"; }

start_failing() {
    ready_before=$(grep -c ' info reeld: ready ' "$log")
    local fail=$1
    (
        export LD_PRELOAD=$shim REELD_WARP=$warp:$wall REELD_FAIL_LOG=$scratch/failed
        export REELD_FAIL_COUNT=$scratch/count
        [[ -n $fail ]] && export REELD_FAIL=$fail
        exec "$bin/reeld" --config "$config" >>"$scratch/reeld.out" 2>>"$log"
    ) &
    daemon=$!
    processes+=("$daemon")
    eventually 20 is_ready
    ! is_gone "$daemon"
}

: >"$scratch/sandbox.out"
(
    export LD_PRELOAD=$shim REELD_WARP=$warp:$wall
    exec "$bin/reel-sandbox" --listen 127.0.0.1:0 --key e2e:key >"$scratch/sandbox.out" 2>/dev/null
) &
processes+=("$!")
eventually 20 has_line "$scratch/sandbox.out" ':' || say WRONG "no sandbox"
sandbox=$(head -n 1 "$scratch/sandbox.out")
# A name, so that it has to be looked up.
sandbox_url=http://localhost:${sandbox##*:}
write_config '' '
[webhook]
listen = "127.0.0.1:0"
public_url = "http://127.0.0.1:9"
[downloads]
allowed_hosts = ["127.0.0.1"]'
export FAL_KEY=e2e:key

fail=
((nth > 0)) && fail=$kind:$errno:$nth:$times
if ! start_failing "$fail"; then
    # It may refuse to start, when it says why; then nothing fails any more.
    [[ -s $scratch/failed ]] || say WRONG "did not start, and nothing had failed"
    [[ -n $(grep -vE ' (info|debug) ' "$log" "$scratch/reeld.out") ]] ||
        say WRONG "did not start, and did not say why"
    refused="refused to start: $(tail -n 1 "$log" | head -c 300)"
    start_failing '' || say WRONG "does not start any more"
fi

accepted_all() {
    post '[{"id": "socket-1", "model": "'$model'", "input": {"prompt": "one"}},
           {"id": "socket-2", "model": "'$model'", "input": {"prompt": "two"}}]' --fail >/dev/null
}
eventually 30 accepted_all || say WRONG "the socket does not take jobs"
eventually 30 drop row-1 three || say WRONG "the inbox does not take rows"
all_completed() { equal 3 "$(reel_db "SELECT count(*) FROM jobs WHERE state = 'completed'")"; }
eventually "${REELD_PATIENCE:-60}" all_completed >"$scratch/check.out" 2>&1 || {
    reel_db "SELECT id, state, reason, due_at, error_message FROM jobs" >>"$scratch/check.out"
    reel_db "SELECT job, number, happened, event, to_state, reason, note FROM job_events" >>"$scratch/check.out"
    say WRONG "not all jobs were completed"
}
billed_once >"$scratch/check.out" 2>&1 || say WRONG "paid twice"
outputs_are_whole >"$scratch/check.out" 2>&1 || say WRONG "a broken file"
# What failed and was tried again is told by the log, the jobs' trail or the counters.
troubles() {
    grep -E ' (warning|error|critical) ' "$log" | tail -n 1
    reel_db "SELECT event || ': ' || note FROM events WHERE event IN ('submit_not_sent',
        'submit_unknown', 'submit_refused', 'fetch_failed')"
    api /metrics | grep -E 'outcome="(poll_failed|failed|submit_not_sent|submit_unknown)"'
    api /v1/status | json '$.providers[0].last_error'
}
words=$(troubles | grep -m 1 .)
stop_daemon || say WRONG "it ended with $daemon_exit"
database_is_sound >"$scratch/check.out" 2>&1 || say WRONG "the database is not sound"
equal '' "$(find "$scratch" -name '*.part*')" >"$scratch/check.out" 2>&1 || say WRONG "a part is left"
if ((nth == 0)); then
    cat "$scratch/count"
    exit
fi
[[ -s $scratch/failed ]] || say NEVER
# A failure that nobody would ever hear of is one to look at.
[[ -n $words ]] || words=$(grep -E ' (warning|error|critical) ' "$log" | tail -n 1)
if [[ -n $words || -n ${refused:-} ]]; then say OK "${refused:-} ${words:0:200}"; else say SILENT; fi
