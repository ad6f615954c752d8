#!/usr/bin/env bash
# coverage.sh [TARGET-FILE...]: which share of the lines of the parsers the kept inputs reach (clang, llvm-cov). Replays
# all of tests/fuzz/corpus in a build of its own, build/coverage. With a source file it shows the lines that are missed.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
suffix=
command -v llvm-cov >/dev/null || suffix=-$(clang -dumpversion | cut -d. -f1)
if ! command -v "llvm-cov$suffix" >/dev/null; then
    echo "skipped: llvm-cov is not installed (package llvm)"
    exit 77
fi
build=build/coverage
cmake -S . -B $build -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug -DTORTOISE_WITH_SIM=OFF \
    -DCMAKE_C_FLAGS="-fprofile-instr-generate -fcoverage-mapping" >/dev/null &&
    cmake --build $build --target test_fuzz_replay | tail -n 1 || exit 2
program=$build/tests/fuzz/test_fuzz_replay
for folder in tests/fuzz/corpus/*/; do
    target=$(basename "$folder")
    LLVM_PROFILE_FILE=$build/$target.profraw "$program" "$target" "$folder" >/dev/null || echo "$target fails"
done
"llvm-profdata$suffix" merge -o $build/all.profdata $build/*.profraw || exit 2

parsers=(src/base/units.c src/base/nearest.c src/ps/frame.c src/ps/part.c src/ps/policy.c src/ps/shard.c
    src/ps/shard_rows.c src/ps/client.c src/ps/client_access.c src/node/monitor_frames.c
    src/runtime/connection.c src/runtime/link.c src/runtime/host*.c src/runtime/meeting_wire.c
    src/runtime/placement.c src/data/line_input.c src/data/number.c src/data/ratings*.c src/data/synthetic.c
    src/data/corpus_text.c src/sim/cluster_file.c src/sim/slowdown_file.c src/sim/disturbance.c
    src/cli/experiment.c src/cli/config_text.c src/cli/arguments.c src/cli/calibration.c src/cli/csv_table.c)
if [ $# -gt 0 ]; then
    "llvm-cov$suffix" show "$program" -instr-profile=$build/all.profdata "$@" | grep -E '^ +[0-9]+\| +0\|'
else
    "llvm-cov$suffix" export -summary-only -format=text "$program" -instr-profile=$build/all.profdata "${parsers[@]}" |
        grep -oE '"filename":"[^"]*"|"lines":\{"count":[0-9]+,"covered":[0-9]+' | paste - - | sed '$d' |
        sed -E 's|.*/(src/[^"]*)".*"count":([0-9]+),"covered":([0-9]+)|\1 \3 \2|' |
        awk '{ printf "%-28s %5d of %5d lines, %5.1f %%\n", $1, $2, $3, 100 * $2 / $3; hit += $2; all += $3 }
             END { printf "%-28s %5d of %5d lines, %5.1f %%\n", "all", hit, all, 100 * hit / all }'
fi
