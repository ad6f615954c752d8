#!/usr/bin/env bash
# A signal to one process of `tortoise run`, of one program or of ranks that were started one by one. After kill -9 at a
# random moment all others end within seconds with one line and the right exit code, and the directory holds a whole
# run (what was measured before) or is not there. After SIGINT or SIGTERM all end with 0, and the model is there, too.
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
run_mf=("$TORTOISE" run mf --clocks 1000000 --eval-every 25 --policy ssp:2 --out run --quiet
    --data "synthetic:users=900,items=300,ratings=20000")
failures=0
kept=0

claim() { # WHAT COMMAND...
    local what=$1
    shift
    if ! "$@"; then
        echo "FAILED: $mode, $signal to rank $victim after $delay_ms ms, codes ${codes[*]}: $what: $(cat err.txt)"
        failures=$((failures + 1))
    fi
}

# Whether the run's files are all there, as of a run that ended with that exit code.
is_whole() { # EXIT-CODE
    grep -q "\"exit_code\": $1" run/manifest.json && grep -q '^time_s,clock_min' run/metrics.csv &&
        [ -s run/workers.csv ] && [ -s run/staleness.csv ]
}

is_gone() { # PROCESS...
    for _ in $(seq 60); do
        ps -o stat= -p "$(IFS=, && echo "$*")" | grep -qv '^Z' || return 0
        sleep 0.05
    done
    return 1
}

# Whether all processes of the run compute: each then has a thread for its worker and one for evaluations.
all_compute() {
    local process
    for process in "${processes[@]}"; do
        [ "$(ps -o nlwp= -p "$process" | tr -d ' ')" -ge 3 ] 2>/dev/null || return 1
    done
    [ "${#processes[@]}" = 3 ]
}

# Starts the run and waits until it computes: `processes` by rank, `started` are those that this shell can wait for.
start() {
    local children
    rm -rf ./*
    if [ "$mode" = local ]; then
        setsid "${run_mf[@]}" --nodes 3 --workers 3 >out.txt 2>err.txt &
        started=("$!")
    else
        started=()
        for rank in 0 1 2; do
            setsid "${run_mf[@]}" --ps-rank "$rank" --ps-size 3 --coordinator "127.0.0.1:$port" >"out$rank.txt" \
                2>"err$rank.txt" &
            started+=("$!")
        done
    fi
    for _ in $(seq 1500); do
        processes=("${started[@]}")
        if [ "$mode" = local ]; then
            mapfile -t children < <(pgrep -P "${started[0]}")
            processes+=("${children[@]}")
        fi
        all_compute && return
        sleep 0.02
    done
    echo "the run did not start: $(cat err*.txt)"
    kill "${started[@]}" 2>/dev/null
    exit 1
}

# Ends a run by a signal to `victim`, and fills `codes`.
end_by() { # SIGNAL
    local process started_s=$SECONDS
    signal=$1
    kill "-$signal" "${processes[$victim]}"
    codes=()
    for process in "${started[@]}"; do
        wait "$process" 2>/dev/null
        codes+=("$?")
    done
    if [ "$mode" = ranks ]; then
        cat err?.txt | grep -v '^tortoise: rank 0 (' >err.txt
    fi
    claim "it took $((SECONDS - started_s)) s" [ $((SECONDS - started_s)) -le 6 ]
    claim "a process is left" is_gone "${processes[@]}"
    claim "half-written files" test -z "$(find . -name '*partial*')"
}

one_kill() {
    start
    sleep "0.$(printf %03d "$delay_ms")"
    end_by KILL
    if [ "$mode" = local ] && [ "$victim" = 0 ]; then
        claim "the exit code" [ "${codes[0]}" = 137 ]
        claim "files" [ ! -e run ]
        return
    fi
    if [ "$mode" = local ]; then
        claim "the exit code" [ "${codes[0]}" = 5 ]
        claim "the line" grep -q "^tortoise: process $victim (.*) died of signal 9 (Killed).* clock [0-9]" err.txt
        claim "one line" [ "$(grep -c '' err.txt)" = 1 ]
    else
        local rank expected=(5 5 5)
        expected[victim]=137
        claim "the exit codes" [ "${codes[*]}" = "${expected[*]}" ]
        claim "the line" grep -q "process $victim (node $victim) .*; it was last heard of at clock [0-9]" err.txt
        for rank in 0 1 2; do
            claim "one line at most" [ "$(grep -vc '^tortoise: rank 0 (' "err$rank.txt")" -le 1 ]
        done
    fi
    if [ -e run ]; then
        claim "the run's files are not whole: $(ls run)" is_whole 5
        kept=$((kept + 1))
    fi
}

one_interrupt() { # SIGNAL
    start
    sleep 0.2
    end_by "$1"
    claim "the exit codes" [ "$(printf '%s\n' "${codes[@]}" | sort -u)" = 0 ]
    claim "the user is told" grep -q 'interrupted; what was measured so far is in run' err.txt
    claim "the run's files are not whole" is_whole 0
    claim "the manifest does not say so" grep -q '"interrupted": true' run/manifest.json
    claim "the model" [ -d run/model ]
}

# A port that the system gives to nobody by itself.
port=$((20000 + $$ % 10000))
for trial in $(seq "$trials"); do
    mode=$([ $((trial % 2)) = 0 ] && echo local || echo ranks)
    victim=$((RANDOM % 3))
    delay_ms=$((RANDOM % 500))
    one_kill
done
delay_ms=200
for mode in local ranks; do
    for victim in 1 2; do
        one_interrupt "$([ "$victim" = 1 ] && echo INT || echo TERM)"
    done
done
echo "$trials kills, $kept kept what was measured, $failures failures"
[ "$failures" = 0 ]
