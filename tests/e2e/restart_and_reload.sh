#!/usr/bin/env bash
# Stopping, starting again, reloading, and starting with something wrong.
source "$(dirname "${BASH_SOURCE[0]}")/harness.bash"

said() { contains "$(cat "$log")" "$1"; }
reload() { kill -HUP "$daemon"; }
concurrency_is() { equal "$1" "$(api /v1/status | json '$.providers[0].concurrency')"; }
# refused_start CODE PART options…: it ends at once with the code and says why.
refused_start() {
    local code=$1 part=$2
    shift 2
    exits "$code" timeout 15 "$bin/reeld" "$@" || return 1
    contains "$(cat "$scratch/exits.out" "$scratch/exits.err")" "$part"
}

# --- without a daemon
start_sandbox --seed 3 --key e2e-key:of-restart --speed 4 --concurrency 2
check "--version names the program" contains "$("$bin/reeld" --version)" 'reeld '
check "an unknown option ends with 2" refused_start 2 --nope --nope
check "a missing configuration is named" refused_start 1 "$scratch/none.toml" --config "$scratch/none.toml"
cat >"$scratch/bad.toml" <<'TOML'
[paths]
state = 3
[log]
level = "loud"
levle = "info"
[providers.fla]
[downloads]
max_bytes = "many"
TOML
check "a bad configuration ends with 1" refused_start 1 "bad.toml:2: paths.state" \
    --check-config --config "$scratch/bad.toml"
for part in 'bad.toml:4: log.level' 'bad.toml:5: log.levle: unknown key; did you mean level' \
    'bad.toml:6: providers.fla' 'bad.toml:8: downloads.max_bytes'; do
    check "… naming every mistake at once: $part" contains "$(cat "$scratch/exits.err")" "$part"
done
check "… in as many lines" equal 5 "$(wc -l <"$scratch/exits.err")"
write_config
check "a good one is shown as it is in force" refused_start 0 "providers.fal.concurrency = 8" \
    --check-config --config "$config"
check "checking has made nothing" not test -e "$state"
write_config "key_file = \"$scratch/fal.key\""
check "a missing key file is named" refused_start 1 "key_file $scratch/fal.key does not exist" --config "$config"
echo 'e2e-key:of-restart' >"$scratch/fal.key"
chmod 0644 "$scratch/fal.key"
check "a key file that others may read is refused, with the remedy" refused_start 1 \
    "chmod 0600 $scratch/fal.key" --config "$config"

# --- no key: jobs are held, say so, and go on after the reload that brings one
write_config
check "it starts without a key" start_daemon --config "$config"
check "… and says where it looked for one" said 'environment variable FAL_KEY'
for n in 1 2 3; do reel submit "$model" prompt="keyless $n" --batch keyless --id "keyless-$n" >/dev/null; done
check "a job is held" eventually 15 is_in_state keyless-1 held
check "… for want of credentials" has_reason keyless-1 credentials
check "all of them are" eventually 15 equal 3 "$(reel ls --state held | grep -c $'\theld\tcredentials\t')"
check "reel status tells of the missing key" contains "$(reel status)" 'no key configured'
check "reel doctor ends with 4 and says how to give one" exits 4 reel doctor
check "… naming the remedy" contains "$(cat "$scratch/exits.out")" fal_key
chmod 0600 "$scratch/fal.key"
write_config "key_file = \"$scratch/fal.key\""
reload
check "SIGHUP with a key lets them go" exits 0 reel wait --batch keyless --timeout 30s
check "each was paid for once" billed_once
check "no attempt counts as paid that was refused" equal 1 \
    "$(reel_db "SELECT max(billable_attempts) FROM jobs")"

# --- no key, and one that comes with a restart, as a systemd credential does
check "it stops" stop_daemon
write_config
check "it starts without the key again" start_daemon --config "$config"
reel submit "$model" prompt='locked out' --id locked-out >/dev/null
check "a job is held again" eventually 15 is_in_state locked-out held
check "it stops" stop_daemon
write_config "key_file = \"$scratch/fal.key\""
check "it starts with the key" start_daemon --config "$config"
# The first probe job would go after a minute.
check "the job goes on at once" exits 0 reel wait locked-out --timeout 30s

# --- reloading
check "the concurrency is the default" concurrency_is 8
write_config "key_file = \"$scratch/fal.key\"
concurrency = 3"
reload
check "SIGHUP takes a good file" eventually 10 concurrency_is 3
check "… and says what changed" said 'providers.fal.concurrency: 8 -> 3'
write_config "key_file = \"$scratch/fal.key\"
concurency = 5"
bad_line=$(grep -n concurency "$config" | cut -d : -f 1)
reload
check "a bad file is refused by file, line and key" eventually 10 \
    said "reeld.toml:$bad_line: providers.fal.concurency: unknown key; did you mean concurrency?"
check "… and the old one stays in force" concurrency_is 3
check "… with the daemon at work" equal 200 "$(api_status /v1/status)"
write_config "key_file = \"$scratch/fal.key\""
state_line=$(grep -n '^state' "$config")
sed -i "s|^state = .*|state = \"$scratch/elsewhere\"|" "$config"
reload
check "what needs a restart is said to" eventually 10 said 'in force after a restart: paths.state'
check "… ($state_line) and not half applied" not test -e "$scratch/elsewhere"

# --- a second daemon
write_config "key_file = \"$scratch/fal.key\""
check "a second daemon on the same state is refused" refused_start 1 'another reeld works on this database' \
    --config "$config"
check "… naming the first one's process" contains "$(cat "$scratch/exits.err")" "pid $daemon"
check "the first one is not disturbed" equal 200 "$(api_status /v1/status)"
sed "s|^state = .*|state = \"$scratch/other\"|" "$config" >"$scratch/other.toml"
check "a socket in use is not taken away" refused_start 1 "$socket" --config "$scratch/other.toml"
check "… and still answers" equal 200 "$(api_status /v1/status)"

# --- stopping in the middle of the work
for n in 1 2 3 4 5 6; do drop "mid-$n" "middle $n" mid; done
in_hand() { (($(api /v1/status | json '$.providers[0].in_hand') >= "$1")); }
check "jobs are in hand" eventually 15 in_hand 3
before=$SECONDS
check "SIGTERM ends it with 0" stop_daemon
check "… within seconds" test $((SECONDS - before)) -le 10
check "the socket is gone" not test -S "$socket"
check "reel ends with 3" exits 3 reel status
check "no job was lost" equal 6 "$(reel_db "SELECT count(*) FROM jobs WHERE batch = 'mid'")"
drop mid-7 'dropped while it was down' mid
check "it starts again" start_daemon --config "$config"
check "the jobs go on" exits 0 reel wait --batch mid --timeout 60s
check "the row that was dropped meanwhile is done too" eventually 30 is_in_state mid-7 completed
check "the stop has cost no attempt" equal '1|1' \
    "$(reel_db "SELECT max(attempt), max(billable_attempts) FROM jobs WHERE batch = 'mid'")"
check "nothing was paid for twice" billed_once
check "every file is whole" outputs_are_whole
reel submit "$model" prompt='[sandbox:slow] waited for' --id slow-1 >/dev/null
reel watch slow-1 --timeout 60s >"$scratch/watch.out" 2>"$scratch/watch.err" &
watcher=$!
processes+=("$watcher")
check "reel watch has seen the job" eventually 10 has_line "$scratch/watch.out" slow-1
kill -INT "$daemon"
wait "$daemon"
check "SIGINT ends it with 0 too" equal 0 $?
check "reel watch waits for the daemon" eventually 10 has_line "$scratch/watch.err" 'waiting for it'
check "it starts again" start_daemon --config "$config"
wait "$watcher"
check "reel watch outlives the restart" equal 0 $?
check "… and tells the end" has_line "$scratch/watch.out" completed
check "it stops" stop_daemon
check "the database is sound" database_is_sound
finish
