#!/usr/bin/env bash
# doctor.sh: every line of `doctor` has a verdict, and one that is not ok says what to do; what would make runs fail
# ends it with 1, and only that. Each case takes something away from the program.
set -uo pipefail
tortoise=${TORTOISE:?a program}
failed=0

# case_of CLAIM EXIT PATTERN COMMAND...: the exit code, and a line that matches.
case_of() {
    local claim=$1 code=$2 pattern=$3 output status
    shift 3
    output=$(timeout 20 "$@" 2>&1)
    status=$?
    if [ "$status" -eq "$code" ] && grep -qE -- "$pattern" <<<"$output"; then
        echo "ok: $claim"
    else
        printf 'WRONG: %s: exit %d\n%s\n' "$claim" "$status" "$output"
        failed=$((failed + 1))
    fi
}

case_of 'here all is well' 0 '^ok +tortoise ' "$tortoise" doctor
odd=$(timeout 60 "$tortoise" doctor | grep -vE '^(ok|warn|BAD) +[a-z ]+ [^ ]')
[ -z "$odd" ] || { printf 'WRONG: lines without a verdict:\n%s\n' "$odd" && failed=$((failed + 1)); }
silent=$(timeout 60 "$tortoise" doctor --format json | grep -A3 -E '"verdict": "(warn|BAD)"' | grep '"advice": ""')
[ -z "$silent" ] || { echo 'WRONG: a warning without advice' && failed=$((failed + 1)); }
for what in 'open files' processes 'locked memory' 'socket buffers' processors memory disk clock loopback interface \
    simulator gnuplot; do
    case_of "it looks at: $what" 0 "\"what\": \"$what\"" "$tortoise" doctor --format json
done
case_of 'no files to open' 1 '^BAD +open files .*ulimit -n 1024' bash -c "ulimit -n 40; '$tortoise' doctor"
case_of 'few files to open' 0 '^warn +open files .*ulimit -n 1024' bash -c "ulimit -n 200; '$tortoise' doctor"
case_of 'no gnuplot' 0 '^warn +gnuplot .*install' env TORTOISE_GNUPLOT=/nowhere/gnuplot "$tortoise" doctor
case_of 'no simulator' 0 "^warn +simulator .*'sim' does not work" \
    env TORTOISE_SIM_PLUGIN=/nowhere/plugin.so "$tortoise" doctor
case_of 'bad format' 2 "did you mean 'json'" "$tortoise" doctor --format jsn
if [ "$(nproc)" -gt 1 ] && command -v taskset >/dev/null; then
    case_of 'one processor' 0 '^warn +processors .* may use 1:' taskset -c 0 "$tortoise" doctor
fi
if unshare -rn true 2>/dev/null; then
    case_of 'no loopback' 1 '^BAD +loopback .*lo up' unshare -rn "$tortoise" doctor
fi
echo "$failed wrong"
[ "$failed" -eq 0 ]
