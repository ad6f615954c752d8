#!/usr/bin/env bash
# Writes the table "LDA at scale" as Markdown: rows of the literature, and beside them rows measured and simulated here.
#
#     scripts/lda_at_scale.sh DIR...        each DIR is a run of lda, as sweeps and reproductions leave them
#
# The rows of the literature are as their papers say; "-" is what they do not say. All other numbers come from
# manifest.json and metrics.csv of the runs.
set -euo pipefail
[ $# -gt 0 ] || { echo "usage: $0 DIR... (folders of lda runs)" >&2; exit 2; }

# setting MANIFEST NAME: the value of a setting
setting() {
    awk -v name="\"$2\": {" 'index($0, name) { found = 1; next }
        found && /"value"/ { split($0, part, "\""); print part[4]; exit }' "$1"
}
# people NUMBER: 1.2 k, 3.4 M, 5.6 G
people() {
    awk -v x="$1" 'BEGIN { split("k M G T", unit, " "); u = 0
        while (x >= 1000 && u < 4) { x /= 1000; u++ }
        printf "%.3g%s\n", x, u ? " " unit[u] : "" }'
}

cat <<'ROWS'
| system | topics | vocabulary | data | machines | sampler | consistency | tokens/s | source |
|---|---|---|---|---|---|---|---|---|
| Yahoo!LDA | 1000 | 141 k | 8.2 M documents | - | sparse | asynchronous sweeps | - | Smola, Narayanamurthy, VLDB 2010 |
| Peacock | 100 k | 210 k | 1 G queries | about 500 cores | sparse | grid of model parts | - | Wang et al., arXiv 1405.4402 |
| Parameter server | 2000 | 5 M | 5 G users | 6000 | sparse, variational | asynchronous | - | Li et al., OSDI 2014 |
| LightLDA | 1 M | 1 M | 200 G tokens | 8 | light | bounded staleness | - | Yuan et al., WWW 2015 |
| WarpLDA | 1 M | - | 639 M documents | - | warp | bulk synchronous | 11 G | Chen et al., VLDB 2016 |
ROWS
for directory in "$@"; do
    manifest=$directory/manifest.json
    if [ ! -r "$manifest" ] || [ ! -r "$directory/metrics.csv" ]; then
        echo "$0: $directory holds no run" >&2
        exit 2
    fi
    vocabulary=$(sed -n 's/^  "data": "synthetic:.*words=\([0-9]*\).*/\1/p' "$manifest")
    world=$(sed -n 's/^  "world": "\([a-z]*\)".*/\1/p' "$manifest")
    nodes=$(setting "$manifest" nodes)
    read -r tokens rate < <(awk -F, '
        NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        { clocks = $at["clock_max"]; units = $at["work_units"]; rate = $at["tokens_per_s"] }
        END { printf "%.0f %.0f\n", units / clocks, rate }' "$directory/metrics.csv")
    case $world in
    sim) how="simulated, each token stands for $(setting "$manifest" work-scale | tr -d x)" ;;
    *) how="measured here" ;;
    esac
    echo "| tortoise | $(people "$(setting "$manifest" topics)") | $(people "${vocabulary:-0}")" \
        "| $(people "$tokens") tokens per clock | $nodes | $(setting "$manifest" sampler)" \
        "| $(setting "$manifest" policy) | $(people "$rate") | $how |"
done
