#!/usr/bin/env bash
# one.sh PROGRAM TARGET SECONDS: fuzzes one target for $TORTOISE_FUZZ_SECONDS, else SECONDS, from the kept inputs
# on, with the seed $TORTOISE_FUZZ_SEED, else one that libFuzzer chooses. No input may take more than a second, 64 MiB
# in one piece, or 256 MiB in all, sanitizers included. New inputs gather in build/fuzz/inputs/TARGET, and what breaks
# the target in build/fuzz/found/TARGET. Exit code 1 if anything does.
set -uo pipefail
program=${1:?a program} target=${2:?a target}
here=$(cd "$(dirname "$0")" && pwd)
work=$(dirname "$program")/../..
inputs=$work/inputs/$target found=$work/found/$target
mkdir -p "$inputs" "$found"
seconds=${TORTOISE_FUZZ_SECONDS:-${3:?seconds}}

export ASAN_OPTIONS=detect_leaks=1:quarantine_size_mb=8:strict_string_checks=1:allocator_may_return_null=1
export LSAN_OPTIONS=print_suppressions=0:suppressions=$here/../../cmake/leaks.txt
export UBSAN_OPTIONS=print_stacktrace=1
limits=(-timeout=1 -rss_limit_mb=256 -malloc_limit_mb=64)

# A machine that is busy with other things may pause for a second: a slow input must be slow again, alone.
is_slow_again() {
    for _ in 1 2 3; do
        "$program" "${limits[@]}" "$1" >/dev/null 2>&1 && return 1
    done
    return 0
}

end=$((SECONDS + seconds))
while :; do
    left=$((end - SECONDS))
    [ "$left" -ge 1 ] || break
    log=$found/log
    "$program" "${limits[@]}" -max_total_time="$left" -max_len=4096 -len_control=20 -use_value_profile=1 \
        -seed="${TORTOISE_FUZZ_SEED:-0}" -print_final_stats=1 -artifact_prefix="$found/" \
        "$inputs" "$here/corpus/$target" >"$log" 2>&1
    status=$?
    if [ "$status" -eq 0 ]; then
        sed -n "s/^stat::number_of_executed_units: *\([0-9]*\)/$target: \1 inputs tried/p" "$log"
        grep -oE 'cov: [0-9]+ ft: [0-9]+ corp: [0-9]+' "$log" | tail -n 1
        continue
    fi
    input=$(sed -n 's/^artifact_prefix=.*Test unit written to //p' "$log" | tail -n 1)
    case $input in
    */timeout-*)
        if ! is_slow_again "$input"; then
            rm -f "$input"
            continue
        fi
        ;;
    esac
    tail -n 60 "$log"
    echo "$target: broken by $input"
    echo "Once it is fixed, keep the input: cp $input $here/corpus/$target/"
    exit 1
done
exit 0
