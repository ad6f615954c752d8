#!/usr/bin/env bash
# What a user of `tortoise run` sees when a process is killed, when process 0 is killed, and after Ctrl-C.
set -uo pipefail
if ! command -v pgrep >/dev/null || ! command -v setsid >/dev/null; then
    echo "skipped: needs pgrep and setsid"
    exit 77
fi
scratch=$TORTOISE_SCRATCH/program_faults
rm -rf "$scratch"
mkdir -p "$scratch"
failures=0
claim() {
    local what=$1
    shift
    if ! "$@"; then
        echo "FAILED: $what"
        failures=$((failures + 1))
    fi
}

# Starts a run that would take hours, in a process group of its own, and waits until it computes.
start() {
    setsid "$TORTOISE" run mf --nodes 3 --workers 3 --clocks 1000000 --eval-every 100000 --policy ssp:2 \
        --out "$scratch/$1" >"$scratch/$1.out" 2>"$scratch/$1.err" &
    run=$!
    for _ in $(seq 600); do
        mapfile -t children < <(pgrep -P "$run")
        if [ "${#children[@]}" -eq 2 ] && [ "$(ps -o nlwp= -p "${children[1]}" | tr -d ' ')" -ge 3 ]; then
            return
        fi
        sleep 0.05
    done
    echo "the run did not start: $(cat "$scratch/$1.err")"
    kill -KILL "$run" # nobody has waited for it yet, so that the number is still its own
    exit 1
}

# shellcheck disable=SC2317 # claim calls it
# Whether all processes of the run are gone within two seconds; an unreaped one is gone, too.
all_gone() {
    for _ in $(seq 40); do
        if ! ps -o stat= -p "$run,${children[0]},${children[1]}" | grep -qv '^Z'; then
            return 0
        fi
        sleep 0.05
    done
    return 1
}

for signal in KILL ABRT; do
    start "$signal"
    kill "-$signal" "${children[1]}"
    wait "$run"
    code=$?
    claim "exit code 5 after SIG$signal, not $code" [ "$code" -eq 5 ]
    claim "the line names process 2" grep -q "process 2 (node 2) died of signal" "$scratch/$signal.err"
    claim "no process is left after SIG$signal" all_gone
done

start zero
kill -KILL "$run"
wait "$run"
claim "no process outlives process 0" all_gone

for target in group process group group; do
    rm -rf "$scratch/int-$target"
    start "int-$target"
    if [ "$target" = group ]; then
        kill -INT -- "-$run"
    else
        kill -INT "$run"
    fi
    wait "$run"
    code=$?
    claim "exit code 0 after an interrupt of the $target, not $code" [ "$code" -eq 0 ]
    claim "no process is left after an interrupt" all_gone
    claim "the user is told" grep -q "interrupted" "$scratch/int-$target.err"
    claim "what was measured is there" [ -s "$scratch/int-$target/metrics.csv" ]
    claim "so is the model" grep -q model_sha256 "$scratch/int-$target/manifest.json"
done

[ "$failures" -eq 0 ] && echo "as it should be"
exit $((failures > 0))
