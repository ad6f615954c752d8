#!/usr/bin/env bash
# G1 and G8 for lda: under bsp the counts are the same in simulation and over TCP, whatever the number of shards, and
# so are the metrics; a simulation repeats itself byte for byte under any policy.
set -euo pipefail
scratch=$TORTOISE_SCRATCH/both_worlds
rm -rf "$scratch"
mkdir -p "$scratch"
data=synthetic:docs=400,words=300,topics=6,length=60

# run_lda WORLD NAME SAMPLER OPTIONS...: the model's SHA-256 of one run.
run_lda() {
    local world=$1 name=$2 sampler=$3
    shift 3
    "$TORTOISE" "$world" lda --data "$data" --nodes 4 --workers 4 --clocks 13 --topics 8 --quiet \
        --sampler "$sampler" --out "$scratch/$name" "$@" >"$scratch/$name.txt"
    sed -n 's/^ *"model_sha256": "\([0-9a-f]*\)".*/\1/p' "$scratch/$name/manifest.json" | head -1
}

# measures NAME: what was learned, without what depends on when.
measures() {
    cut -d, -f2,5-7 "$scratch/$1/metrics.csv"
}

if ! "$TORTOISE" sim lda --data "$data" --clocks 1 --quiet --out "$scratch/probe" >"$scratch/probe.txt" 2>&1; then
    echo "skipped: no simulations: $(tail -1 "$scratch/probe.txt")"
    exit 77
fi
failures=0
for sampler in dense sparse alias light warp; do
    expected=$(run_lda run "run-$sampler" "$sampler" --policy bsp)
    [ ${#expected} -eq 64 ] || { echo "no model_sha256: '$expected'"; exit 1; }
    for servers in 1 3; do
        got=$(run_lda sim "sim-$sampler-$servers" "$sampler" --policy bsp --servers "$servers")
        if [ "$got" != "$expected" ]; then
            echo "FAILED: $sampler, simulated with $servers shards: $got is not $expected"
            failures=$((failures + 1))
        fi
        if ! cmp -s <(measures "run-$sampler") <(measures "sim-$sampler-$servers"); then
            echo "FAILED: $sampler, simulated with $servers shards: other metrics"
            failures=$((failures + 1))
        fi
    done
done
# Documents from a file, of a synthetic corpus that all hold, and drawn by those who need them: the same corpus.
"$TORTOISE" data gen "lda:${data#synthetic:},seed=1" --out "$scratch/docword.txt.gz" >"$scratch/gen.txt"
expected=$(run_lda run held sparse --policy bsp)
for which in "file --data $scratch/docword.txt.gz" "drawn --documents drawn"; do
    read -ra options <<<"${which#* }"
    got=$(run_lda run "${which%% *}" sparse --policy bsp "${options[@]}")
    if [ "$got" != "$expected" ]; then
        echo "FAILED: documents that are ${which%% *}: $got is not $expected"
        failures=$((failures + 1))
    fi
done
for jobs in 1 2; do
    run_lda sim "ssp-$jobs" sparse --policy ssp:3 --jobs "$jobs" --straggler lognormal:sigma=0.5 >"$scratch/sha"
done
if ! cmp -s "$scratch/ssp-1/metrics.csv" "$scratch/ssp-2/metrics.csv"; then
    echo "FAILED: a simulation under ssp depends on the number of threads"
    failures=$((failures + 1))
fi
[ "$failures" -eq 0 ] && echo "five samplers, both worlds, documents held, read and drawn: equal"
exit $((failures > 0))
