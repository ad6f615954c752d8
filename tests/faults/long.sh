#!/usr/bin/env bash
# long.sh [BUILD-FOLDER]: the fault tests with a hundred kills, and a hundred broken connections, from a seed that is
# printed. TORTOISE_FAULT_SEED repeats it. About eight minutes on two cores.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath "${1:-build/release}")
export TORTOISE_FAULT_SEED=${TORTOISE_FAULT_SEED:-$((RANDOM * 32768 + RANDOM))}
export TORTOISE_SCRATCH=$build/scratch/faults_long TORTOISE=$build/tortoise
echo "TORTOISE_FAULT_SEED=$TORTOISE_FAULT_SEED"
mkdir -p "$TORTOISE_SCRATCH"
failures=0
long() { # TRIALS COMMAND...
    local trials=$1
    shift
    echo "== $* ($trials trials)"
    TORTOISE_FAULT_TRIALS=$trials "$@" || failures=$((failures + 1))
}
long 100 "$build/tests/faults/test_killed"
long 25 "$build/tests/faults/test_chaos"
long 1 "$build/tests/faults/test_paused"
for _ in $(seq 10); do
    long 1 "$build/tests/faults/test_exactly_once"
    long 1 "$build/tests/faults/test_interrupted"
done
long 40 bash tests/faults/killed_program.sh
echo "$failures of the long fault tests failed; TORTOISE_FAULT_SEED=$TORTOISE_FAULT_SEED"
[ "$failures" = 0 ]
