#!/usr/bin/env bash
# run.sh [SECONDS [TARGET...]]: builds the fuzz targets and lets each look for inputs that break it, 30 seconds or as
# long as is said, as many at a time as there are cores. Each goes on where it stopped the last time
# (build/fuzz/inputs).
#
#     tests/fuzz/run.sh 1800                 half an hour each, over night
#     tests/fuzz/run.sh 600 shard client     ten minutes for two of them
#
# Exit code 1 if one is broken: it says by which input. 77 where clang has no libFuzzer (package libclang-rt-dev).
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
seconds=${1:-30}
shift $(($# > 0 ? 1 : 0))
names=$(IFS='|' && echo "$*")

if ! bash tests/fuzz/has_libfuzzer.sh; then
    exit 77
fi
cmake --preset fuzz >/dev/null && cmake --build --preset fuzz | tail -n 1 || exit 2
TORTOISE_FUZZ_SECONDS=$seconds ctest --test-dir build/fuzz -L '^fuzz$' -R "^fuzz_(${names:-.*})\$" \
    -j "$(nproc)" --output-on-failure --no-tests=error
