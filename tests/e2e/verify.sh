#!/usr/bin/env bash
# What reel verify proves: an untouched night fits, and whatever is changed behind the daemon's back is
# found and named.
source "$(dirname "${BASH_SOURCE[0]}")/harness.bash"

mkdir "$scratch/s"
state=$scratch/s/state outputs=$scratch/s/outputs socket=$scratch/s/reeld.sock
check "reeld --sandbox is ready" start_daemon --sandbox "$scratch/s" --speed 8
for n in 1 2 3; do reel submit "$model" prompt="verify $n" --batch v --id "v-$n" >/dev/null; done
check "verifying beside the work is no false alarm" exits 0 reel verify
check "the jobs complete" exits 0 reel wait --batch v --timeout 60s
reel submit "$model" prompt='[sandbox:content_policy] no' --id refused-1 >/dev/null
reel wait refused-1 --timeout 30s >/dev/null

# --- an untouched night
check "an untouched night fits" exits 0 reel verify
head=$(awk -F'\t' '$1 == "head" { print $2 }' "$scratch/exits.out")
check "it counts the jobs" contains "$(cat "$scratch/exits.out")" $'jobs\t4'
check "… and the files" contains "$(cat "$scratch/exits.out")" $'files\t3'
check "… and says nothing else" equal '' "$(cat "$scratch/exits.err")"
check "--no-files leaves the files alone" contains "$(reel verify --no-files)" $'files\t0'
check "--json is the report" equal 1 "$(reel verify --json | json '$.ok')"
check "the socket's last line is the report too" equal "${head%%:*}" \
    "$(api /v1/verify | tail -n 1 | json '$.head.id')"
if command -v script >/dev/null; then
    tty_verify() { script -qec "env COLUMNS=100 TERM=xterm '$bin/reel' --socket '$socket' verify" /dev/null </dev/null; }
    check "a terminal is told in words" contains "$(tty_verify)" 'everything fits'
fi
reel submit "$model" prompt='later' --id later-1 --not-before 1h >/dev/null
check "a noted head lies on the chain later on" exits 0 reel verify --since "$head"
forged=${head%%:*}:$(printf '0%.0s' {1..64})
check "a head that was never there does not" exits 1 reel verify --since "$forged"
check "… and says so" contains "$(cat "$scratch/exits.out")" 'does not lead through the noted head'
check "a head that is none is a mistake in the call" exits 2 reel verify --since nonsense
check "… with what it should be" contains "$(cat "$scratch/exits.err")" '64 hex digits'

# --- the chain as anybody can compute it from the README
if command -v python3 >/dev/null; then
    cat >"$scratch/chain.py" <<'PY'
import hashlib, sqlite3, sys

def column(value):
    if value is None:
        return b"N"
    if isinstance(value, int):
        return b"I" + (value & (2**64 - 1)).to_bytes(8, "big")
    kind, value = (b"B", value) if isinstance(value, bytes) else (b"T", value.encode())
    return kind + len(value).to_bytes(8, "big") + value

def digest(label, row):
    return hashlib.sha256(label + b"".join(column(value) for value in row)).digest()

db = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True)
last = bytes(32)
for *row, proof, stored in db.execute(
    "SELECT e.id, j.id, number, happened_at, event, from_state, to_state, e.reason, note, patch,"
    " evidence_hash, evidence, hash FROM events AS e JOIN jobs AS j ON j.seq = e.job_seq ORDER BY e.id"):
    if proof is not None:
        evidence = db.execute(
            "SELECT kind, j.id, v.attempt, received_at, head, clipped, body FROM evidence AS v"
            " JOIN jobs AS j ON j.seq = v.job_seq WHERE v.id = ?", (proof,)).fetchone()
        assert digest(b"reeld evidence 1", evidence) == row[-1], "evidence %d" % proof
    last = hashlib.sha256(last + digest(b"reeld event 1", row)).digest()
    assert last == stored, "event %d" % row[0]
print("%d:%s" % (row[0], last.hex()))
PY
    check "another program computes the same head" equal \
        "$(reel verify | awk -F'\t' '$1 == "head" { print $2 }')" "$(python3 "$scratch/chain.py" "$state/reel.db")"
fi

# --- files
file=$(job_field v-1 'outputs[0].path')
cp -p "$file" "$scratch/kept.mp4"
finds() { # finds CHECK PART…: verify ends with 1, and its first problem is of that check
    local check=$1 part
    shift
    exits 1 reel verify || return 1
    equal "$check" "$(head -n 1 "$scratch/exits.out" | cut -f 2)" || return 1
    for part in "$@"; do contains "$(head -n 1 "$scratch/exits.out")" "$part" || return 1; done
}
printf 'x' | dd of="$file" bs=1 seek=100 conv=notrunc 2>/dev/null
check "a swapped byte is found" finds file_changed v-1 "$file" 'its SHA-256 is'
truncate -s 1000 "$file"
check "a truncated file is found" finds file_size v-1 'it has 1000 bytes'
rm "$file"
check "a missing file is called missing" finds file_missing v-1 'moved or deleted'
cp -p "$scratch/kept.mp4" "$file"
check "put back, it fits again" exits 0 reel verify

# --- the database, while the daemon is down
reel_head() { reel verify | awk -F'\t' '$1 == "head" { print $2 }'; }
head=$(reel_head)
check "it stops" stop_daemon
cp "$state/reel.db" "$scratch/sound.db"
# tampered CHECK PART SQL: the change alone, then a start and a verification.
tampered() {
    local check=$1 part=$2 sql=$3 result=0
    cp "$scratch/sound.db" "$state/reel.db"
    rm -f "$state/reel.db-wal" "$state/reel.db-shm"
    sqlite3 -batch "$state/reel.db" "DROP TRIGGER events_never_change; DROP TRIGGER events_never_vanish;
        DROP TRIGGER evidence_never_changes; DROP TRIGGER jobs_terminal_stays; $sql" || return 1
    start_daemon --sandbox "$scratch/s" --speed 8 || return 1
    exits 1 reel verify --no-files || result=1
    grep -q $'^problem\t'"$check"$'\t.*'"$part" "$scratch/exits.out" || {
        cat "$scratch/exits.out"
        result=1
    }
    stop_daemon || result=1
    return "$result"
}
of_v1="job_seq = (SELECT seq FROM jobs WHERE id = 'v-1')"
check "a changed note is found" tampered event_changed $'v-1\t[0-9]*\t2\t' \
    "UPDATE events SET note = 'forged' WHERE $of_v1 AND number = 2"
check "a changed patch is found" tampered event_changed $'v-1\t[0-9]*\t2\t' \
    "UPDATE events SET patch = json_set(patch, '\$.attempt', 9) WHERE $of_v1 AND number = 2"
check "… and the row that it does not give" contains "$(cat "$scratch/exits.out")" trail_gives_row
check "a changed hash is found" tampered event_changed 'its stored hash was changed' \
    "UPDATE events SET hash = zeroblob(32) WHERE $of_v1 AND number = 2"
check "a deleted event is found" tampered events_missing 'is missing' \
    "DELETE FROM events WHERE $of_v1 AND number = 2"
check "deleted last events are found" tampered events_missing 'the newest ones, are missing' \
    "DELETE FROM events WHERE id > (SELECT max(id) FROM events) - 2"
check "a deleted job row is found" tampered job_missing 'the row of its job v-1 is not there' \
    "DELETE FROM jobs WHERE id = 'v-1'"
check "a changed state is found" tampered trail_gives_row 'state is "failed" and the trail says "completed"' \
    "UPDATE jobs SET state = 'failed' WHERE id = 'v-1'"
check "a changed cost is found" tampered trail_gives_row 'cost_micro_usd is 7' \
    "UPDATE jobs SET cost_micro_usd = 7 WHERE id = 'v-1'"
check "a changed sum is found" tampered trail_gives_row outputs \
    "UPDATE outputs SET sha256 = printf('%064d', 0) WHERE $of_v1"
check "a deleted attempt is found" tampered attempt_of_every_submit 'of which there is no row' \
    "DELETE FROM attempts WHERE $of_v1"
check "changed evidence is found" tampered evidence_changed v-1 \
    "UPDATE evidence SET body = 'forged' WHERE id = (SELECT min(evidence) FROM events WHERE $of_v1)"

# A forger who recomputes everything leaves a chain that fits, but for the head that was noted.
if command -v python3 >/dev/null; then
    cp "$scratch/sound.db" "$state/reel.db"
    rm -f "$state/reel.db-wal" "$state/reel.db-shm"
    sqlite3 -batch "$state/reel.db" "DROP TRIGGER events_never_change;
        UPDATE events SET note = 'history as it should have been' WHERE $of_v1 AND number = 2"
    python3 - "$scratch/chain.py" "$state/reel.db" <<'PY'
import hashlib, sqlite3, sys
source = open(sys.argv[1]).read().split("db = ")[0]
exec(source)
db = sqlite3.connect(sys.argv[2])
last = bytes(32)
for *row, stored in db.execute(
    "SELECT e.id, j.id, number, happened_at, event, from_state, to_state, e.reason, note, patch,"
    " evidence_hash, hash FROM events AS e JOIN jobs AS j ON j.seq = e.job_seq ORDER BY e.id").fetchall():
    last = hashlib.sha256(last + digest(b"reeld event 1", row)).digest()
    db.execute("UPDATE events SET hash = ? WHERE id = ?", (last, row[0]))
db.execute("UPDATE chain SET hash = ?", (last,))
db.commit()
PY
    check "it starts on a rewritten chain" start_daemon --sandbox "$scratch/s" --speed 8
    check "a chain that was rewritten as a whole fits in itself" exits 0 reel verify
    check "… but the noted head is not on it" exits 1 reel verify --since "$head"
    check "it stops" stop_daemon
fi

# --- and the copy that nobody touched
cp "$scratch/sound.db" "$state/reel.db"
rm -f "$state/reel.db-wal" "$state/reel.db-shm"
check "a sound copy starts" start_daemon --sandbox "$scratch/s" --speed 8
check "… and fits, with the head that was noted" exits 0 reel verify --since "$head"
check "it stops" stop_daemon
finish
