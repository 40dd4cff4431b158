#!/usr/bin/env bash
# The real programs while one system call fails: one of every kind, in the middle of the work. All of
# them, and every n, are tests/failing_calls/run.sh.
exec bash "$(dirname "${BASH_SOURCE[0]}")/../failing_calls/run.sh" few
