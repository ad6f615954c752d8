#!/usr/bin/env bash
# kill -9 of a process of `tortoise run` at a random moment: the program ends within seconds with one line and the
# right exit code, leaves no process, and its directory holds a whole run (what was measured before) or is not there.
# TORTOISE_FAULT_TRIALS and TORTOISE_FAULT_SEED: how many and which.
set -uo pipefail
if ! command -v pgrep >/dev/null || ! command -v setsid >/dev/null; then
    echo "skipped: needs pgrep and setsid"
    exit 77
fi
: "${TORTOISE:?the program}" "${TORTOISE_SCRATCH:?a folder of our own}"
rm -rf "$TORTOISE_SCRATCH" && mkdir -p "$TORTOISE_SCRATCH" && cd "$TORTOISE_SCRATCH" || exit 1
trials=${TORTOISE_FAULT_TRIALS:-6}
RANDOM=${TORTOISE_FAULT_SEED:-1}
failures=0
kept=0

claim() { # WHAT COMMAND...
    local what=$1
    shift
    if ! "$@"; then
        echo "FAILED in trial $trial (rank $victim after $delay_ms ms, exit code $code): $what: $(cat err.txt)"
        failures=$((failures + 1))
    fi
}

# Whether the run's files are all there, as of a run that ended with exit code 5.
is_whole() {
    grep -q '"exit_code": 5' run/manifest.json && grep -q '^time_s,clock_min' run/metrics.csv &&
        [ -s run/workers.csv ] && [ -s run/staleness.csv ]
}

is_gone() { # SESSION
    for _ in $(seq 60); do
        pgrep -s "$1" >/dev/null || return 0
        sleep 0.05
    done
    return 1
}

# Starts the program in a session of its own and waits until all of its processes are there.
start() {
    setsid "$TORTOISE" run mf --nodes 3 --workers 6 --clocks 1000000 --eval-every 25 --policy ssp:2 \
        --data synthetic:users=900,items=300,ratings=20000 --out run --quiet >out.txt 2>err.txt &
    run=$!
    for _ in $(seq 400); do
        mapfile -t children < <(pgrep -P "$run")
        [ "${#children[@]}" -eq 2 ] && return 0
        kill -0 "$run" 2>/dev/null || break
        sleep 0.02
    done
    echo "the run did not start: $(cat err.txt)"
    exit 1
}

for trial in $(seq "$trials"); do
    rm -rf ./*
    victim=$((RANDOM % 3))
    delay_ms=$((RANDOM % 700))
    start
    processes=("$run" "${children[@]}")
    sleep "0.$(printf %03d "$delay_ms")"
    started_s=$SECONDS
    kill -KILL "${processes[$victim]}"
    wait "$run" 2>/dev/null
    code=$?
    claim "it took $((SECONDS - started_s)) s" [ $((SECONDS - started_s)) -le 6 ]
    claim "a process is left" is_gone "$run"
    if [ "$victim" = 0 ]; then
        claim "the exit code" [ "$code" = 137 ]
        claim "files" [ ! -e run ]
    else
        claim "the exit code" [ "$code" = 5 ]
        claim "the line" grep -q "^tortoise: process $victim (.*) died of signal 9 (Killed).* clock [0-9]" err.txt
        claim "one line" [ "$(grep -c '' err.txt)" = 1 ]
        claim "half-written files" test -z "$(find . -name '*partial*')"
        if [ -e run ]; then
            claim "the run's files are not whole: $(ls run)" is_whole
            kept=$((kept + 1))
        fi
    fi
done
echo "$trials trials, $kept kept what was measured, $failures failures"
[ "$failures" = 0 ]
