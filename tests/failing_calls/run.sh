#!/usr/bin/env bash
# The n-th failure: for every n until nothing fails any more, the real daemon does its work while the
# n-th call of one kind fails: sockets, name lookups, files, the database's reads, writes, syncs and
# locks. It must say what happened, keep what it had, and end all jobs whole, each paid for once.
#   tests/failing_calls/run.sh          every n of every kind (minutes)
#   tests/failing_calls/run.sh quick    every n of the rare kinds, a spread of the common ones
#   tests/failing_calls/run.sh few      one n of every kind, in the middle of the work
# Programs come from REELD_BIN, else from the release build. REELD_PARALLEL: runs at a time (8).
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mode=${1:-full}
results=$(mktemp "${TMPDIR:-/tmp}/reeld-failing-XXXXXX")
trap 'rm -f "$results"' EXIT
# Values of <errno.h> and <netdb.h> on Linux.
EIO=5 EAGAIN=11 ENOMEM=12 EACCES=13 EMFILE=24 ENOSPC=28 EPIPE=32 ECONNRESET=104 ETIMEDOUT=110
ECONNREFUSED=111 EAI_AGAIN=-3 EAI_NONAME=-2
# KIND ERRNO TIMES: how often in a row it fails.
plan="socket $EMFILE 1
socket $EMFILE 3
connect $ECONNREFUSED 1
connect $ETIMEDOUT 2
accept $EMFILE 1
accept $EMFILE 5
sendmsg $ECONNRESET 1
sendmsg $EPIPE 1
recvmsg $ECONNRESET 1
recvmsg $ETIMEDOUT 1
getaddrinfo $EAI_AGAIN 2
getaddrinfo $EAI_NONAME 1
epoll_ctl $ENOMEM 1
open $EMFILE 1
open $EACCES 1
openat $EIO 1
write $ENOSPC 1
write $EIO 1
pread $EIO 1
fsync $EIO 1
fsync $ENOSPC 1
ftruncate $EIO 1
renameat2 $ENOSPC 1
renameat2 $EIO 1
unlink $EIO 1
statvfs $EIO 1
inotify_add_watch $ENOSPC 1
open64 $EMFILE 1
pread64 $EIO 1
pwrite64 $ENOSPC 1
pwrite64 $ENOSPC 40
pwrite64 $EIO 1
fdatasync $EIO 1
ftruncate64 $EIO 1
lock64 $EAGAIN 1
lock64 $EAGAIN 30
mmap64 $ENOMEM 1"

counts=$(bash "$here/one.sh" none 0 0 0)
grep -q '^socket ' <<<"$counts" || {
    echo "$counts"
    echo "0 passed, 1 failed"
    exit 1
}
list_runs() {
    local kind errno times calls first step n
    while read -r kind errno times; do
        calls=$(awk -v kind="$kind" '$1 == kind { print $2 }' <<<"$counts")
        # Numbers shift a little from run to run: some beyond the last, which then never fail.
        [[ $mode == few ]] || calls=$((calls + 2 + calls / 20))
        first=1
        step=1
        [[ $mode == quick ]] && step=$((1 + calls / 5))
        [[ $mode == few ]] && first=$(((calls + 1) / 2)) step=$calls
        for ((n = first; n <= calls; n += step)); do echo "$kind $errno $n $times"; done
    done <<<"$plan"
}
list_runs | shuf --random-source=<(yes) |
    xargs -P "${REELD_PARALLEL:-8}" -L 1 bash "$here/one.sh" >"$results"

echo "kind: errno: runs, with a failure, told, silent, never reached, wrong"
while read -r kind errno times; do
    lines=$(grep -E "^(OK|SILENT|NEVER|WRONG) $kind:$errno:[0-9]+:$times " "$results")
    of() { grep -c "^$1 " <<<"$lines"; }
    printf '%-18s %4d x%-3d %5d %5d %5d %5d %5d %5d\n' "$kind" "$errno" "$times" \
        "$(grep -c . <<<"$lines")" "$(grep -cE '^(OK|SILENT|WRONG)' <<<"$lines")" \
        "$(of OK)" "$(of SILENT)" "$(of NEVER)" "$(of WRONG)"
done <<<"$plan"
wrong=$(grep -c '^WRONG ' "$results")
good=$(grep -cE '^(OK|SILENT) ' "$results")
# A lock that would refuse nothing must be seen to: so must a kind that never failed.
while read -r kind errno times; do
    grep -qE "^(OK|SILENT|WRONG) $kind:$errno:[0-9]+:$times " "$results" || {
        echo "never failed: $kind $errno"
        wrong=$((wrong + 1))
    }
done <<<"$plan"
((wrong > 0)) && grep -A 60 '^WRONG ' "$results" | head -n 400
[[ -n ${REELD_FAILING_RESULTS:-} ]] && cp "$results" "$REELD_FAILING_RESULTS"
echo "$good passed, $wrong failed"
((wrong == 0))
