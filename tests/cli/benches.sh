#!/usr/bin/env bash
# shellcheck disable=SC2016,SC2034 # check() evaluates its text
# The benchmarks that scripts read: every line has its columns, and all that is asked has a verdict.
# Figures are not judged here; that the numbers that moved are right is the benchmarks' own claim.
set -uo pipefail
: "${TORTOISE:?the program}" "${TORTOISE_SCRATCH:?a folder of our own}"
rm -rf "$TORTOISE_SCRATCH" && mkdir -p "$TORTOISE_SCRATCH" && cd "$TORTOISE_SCRATCH" || exit 1
. "$TORTOISE_SOURCE/tests/support/check.bash"

"$TORTOISE" bench transport --quick --format csv >quoted.csv 2>transport.err
code=$?
awk -F'"' -v OFS= '{ for (i = 2; i <= NF; i += 2) gsub(",", ";", $i); print }' quoted.csv >transport.csv
check "transport ends well" '[ "$code" = 0 ] && [ ! -s transport.err ]'
check "16 columns in each line" 'awk -F, "NF != 16 { exit 1 }" transport.csv'
check "no figure is 0" 'awk -F, "NR > 1 && !(\$3 > 0) { exit 1 }" transport.csv'
check "what is asked has a verdict" \
    'awk -F, "NR > 1 && ((\$5 != \"\") != (\$6 != \"\") || (\$10 != \"\") != (\$11 != \"\")) { exit 1 }" transport.csv'
check "one process" 'grep -q "ps_fetch" transport.csv && grep -q "memory of a cached row" transport.csv'
check "one core" 'grep -q "^transport,pull 64 B; one core," transport.csv'
if [ "$(nproc)" -ge 2 ]; then
    check "two processes" '[ "$(grep -c "ps-lite" transport.csv)" -ge 24 ]'
fi

"$TORTOISE" bench lr --quick --format csv >lr.csv 2>lr.err
code=$?
check "lr ends well" '[ "$code" = 0 ] && [ ! -s lr.err ] && [ "$(grep -c "^lr," lr.csv)" = 18 ]'
check "workers are held against the plain loop, and these against each other" \
    '[ "$(grep -c "plain loop" lr.csv)" -ge 4 ] && [ "$(grep -c ",\"one worker\"," lr.csv)" = 4 ]'
check "its text is gone" '[ -z "$(ls "${TMPDIR:-/tmp}"/tortoise-bench-* 2>/dev/null)" ]'

"$TORTOISE" bench soak --duration 3s --format json >soak.json 2>soak.err
code=$?
check "soak ends well" '[ "$code" = 0 ] && [ ! -s soak.err ] && [ "$(wc -l <soak.json)" = 2 ]'
"$TORTOISE" bench soak --duration 3 >duration.txt 2>&1
code=$?
check "a time has a unit" '[ "$code" = 2 ] && grep -q -- "--duration" duration.txt'
echo "$failures failures"
[ "$failures" = 0 ]
