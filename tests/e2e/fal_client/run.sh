#!/bin/sh
# Runs the official fal client against the built reel-sandbox. Needs node and npm.
#   REELD_BIN=build/release/bin tests/e2e/fal_client/run.sh
# Prints "N passed, N failed" last; exits non-zero when anything failed or could not run.
set -u

here=$(cd "$(dirname "$0")" && pwd)
bin=${REELD_BIN:-$here/../../../build/release/bin}
[ -d "$bin" ] || bin=$here/../../../build/dev/bin
REEL_SANDBOX=$bin/reel-sandbox
log=$(mktemp)
trap 'rm -f "$log"' EXIT

give_up() {
    echo "fal_client: $1" >&2
    echo "0 passed, 1 failed"
    exit 1
}

[ -x "$REEL_SANDBOX" ] || give_up "no reel-sandbox at $REEL_SANDBOX"
REEL_SANDBOX=$(realpath "$REEL_SANDBOX")
export REEL_SANDBOX
cd "$here" || give_up "no folder $here"
npm ci --no-audit --no-fund --loglevel=error >"$log" 2>&1 || { cat "$log" >&2; give_up "npm ci failed"; }

node --test --test-reporter=tap fal_client_test.mjs >"$log" 2>&1
status=$?
cat "$log"
passed=$(sed -n 's/^# pass //p' "$log")
failed=$(sed -n 's/^# fail //p' "$log")
[ "$status" -eq 0 ] || [ "${failed:-0}" -gt 0 ] || failed=1
echo "${passed:-0} passed, ${failed:-1} failed"
exit "$status"
