#!/usr/bin/env bash
# scripts.sh ROOT: shellcheck finds nothing in any script. Exit code 77 where there is no shellcheck.
set -uo pipefail
cd "${1:?a tree}" || exit 2
if ! command -v shellcheck >/dev/null; then
    echo "skipped: shellcheck is not installed"
    exit 77
fi
mapfile -t scripts < <(grep -rlIE --exclude-dir=build --exclude-dir=.git --exclude-dir=out \
    '^#!/(usr/bin/env bash|bin/(ba)?sh)|^# shellcheck shell=' . | sort)
if [ "${#scripts[@]}" -eq 0 ]; then
    echo "there is no script to look at"
    exit 1
fi
shellcheck -x "${scripts[@]}"
