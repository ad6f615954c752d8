#!/usr/bin/env bash
# shellcheck disable=SC2016,SC2034 # check() evaluates its text
# SIGINT ends a run cleanly: what was measured so far is written, and the manifest says that it was interrupted.
set -uo pipefail
: "${TORTOISE:?the program}" "${TORTOISE_SCRATCH:?a folder of our own}"
rm -rf "$TORTOISE_SCRATCH" && mkdir -p "$TORTOISE_SCRATCH" && cd "$TORTOISE_SCRATCH" || exit 1
. "$TORTOISE_SOURCE/tests/support/check.bash"

# Waits until a process has computed for a second: something is measured then, however busy the machine is.
await_work() { # PROCESS
    local ticks_per_s fields
    ticks_per_s=$(getconf CLK_TCK)
    for _ in $(seq 600); do
        read -r -a fields < <(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null)
        [ "${fields[11]:-0}" -ge "$ticks_per_s" ] && return
        sleep 0.1
    done
}

# interrupted WORLD: starts an endless run, interrupts it, and looks at what it left.
interrupted() {
    local world=$1
    # A shell starts background jobs with SIGINT ignored; a handler set by the program undoes that.
    "$TORTOISE" "$world" mf --nodes 2 --workers 2 --clocks 1000000 --data synthetic:users=400,items=60,ratings=9000 \
        --out "$world" >"$world.txt" 2>"$world.err" &
    local process=$!
    await_work "$process"
    kill -INT "$process"
    wait "$process"
    code=$?
    check "$world: exit code 0, not $code" '[ "$code" = 0 ]'
    check "$world: the manifest says so" 'grep -q "\"interrupted\": true" $world/manifest.json'
    check "$world: there are metrics" '[ "$(wc -l <$world/metrics.csv)" -gt 2 ]'
    check "$world: said on stderr" 'grep -q "interrupted" $world.err'
    check "$world: nothing half-written" '[ -z "$(find . -name "*partial*")" ]'
    check "$world: no process is left" '! kill -0 "$process" 2>/dev/null'
}

interrupted run
if "$TORTOISE" version --features | grep -q '^  simulator *SimGrid'; then
    interrupted sim
fi
echo "$failures failures"
[ "$failures" = 0 ]
