#!/usr/bin/env bash
# Three short nights of the soak: its restarts, backups and retention, without its judgement on growth.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SOAK_KEEP=1s exec bash "$here/../soak.sh" 3 60
