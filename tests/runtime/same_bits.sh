#!/usr/bin/env bash
# G1 under bsp: the model is the same to the last bit in simulation and over TCP, whatever the network model, the
# threads of the simulator, the number of shards, and however the real processes happen to be scheduled. A sanitizer
# sees the same of few ratings as of many.
set -euo pipefail
data=${TORTOISE_DATA:-../shared/data}/jester1.uir.txt.gz
if [ -n "${TORTOISE_SANITIZE-}" ]; then
    data=synthetic:users=900,items=300,ratings=20000
elif [ ! -r "$data" ]; then
    echo "skipped: $data is not there"
    exit 77
fi
scratch=$TORTOISE_SCRATCH/same_bits
rm -rf "$scratch"
mkdir -p "$scratch"

# sha WORLD NAME OPTIONS...: prints the model's SHA-256 of one run.
sha() {
    local world=$1 name=$2
    shift 2
    "$TORTOISE" "$world" mf --data "$data" --policy bsp --nodes 4 --workers 4 --clocks 5 --eval-every 0 \
        --quiet --out "$scratch/$name" "$@" >"$scratch/$name.txt"
    sed -n 's/^ *"model_sha256": "\([0-9a-f]*\)".*/\1/p' "$scratch/$name/manifest.json" | head -1
}

expected=$(sha run first)
[ ${#expected} -eq 64 ] || { echo "no model_sha256: '$expected'"; exit 1; }
failures=0
expect() {
    local got
    got=$(sha "$@")
    if [ "$got" != "$expected" ]; then
        echo "FAILED: $*: $got is not $expected"
        failures=$((failures + 1))
    fi
}

for repetition in $(seq 20); do
    expect run "run$repetition"
done
for servers in 1 2 4; do
    expect run "run-servers$servers" --servers "$servers"
done
if "$TORTOISE" sim mf --clocks 1 --nodes 1 --workers 1 --quiet --out "$scratch/probe" >"$scratch/probe.txt" 2>&1; then
    for net in nic flow; do
        for jobs in 1 2; do
            for servers in 1 2 4; do
                expect sim "sim-$net-$jobs-$servers" --net "$net" --jobs "$jobs" --servers "$servers"
            done
        done
    done
else
    echo "without simulations: $(tail -1 "$scratch/probe.txt")"
fi
[ "$failures" -eq 0 ] && echo "all models are $expected"
exit $((failures > 0))
