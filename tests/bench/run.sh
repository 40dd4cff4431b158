#!/usr/bin/env bash
# Measures the release build on the loopback and prints one table of medians.
#
#   tests/bench/run.sh [quick|full] [SECTION…]
#
# Sections: jobs, latency, download, pile, start; all when none is named. `quick` takes two to three
# minutes, `full` about ten. State goes to a fresh folder below $TMPDIR (put that on a real disk: a
# tmpfs makes fsync free) and is removed at the end; on ext4 leave five minutes between two runs, since
# it makes new files slowly while many were removed lately. Needs python3, curl and what the build needs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
cmake --preset release >/dev/null
cmake --build --preset release --target reeld peer_bench -- --quiet
exec python3 tests/bench/measure.py build/release/bin "$@"
