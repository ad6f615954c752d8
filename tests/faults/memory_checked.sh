#!/usr/bin/env bash
# valgrind on a small real run, two ranks of two workers: no invalid access, no use of what was never set, no leak. The
# ranks are started one by one, for valgrind 3.19 does not know the system call by which one program watches several.
set -uo pipefail
: "${TORTOISE:?the program}" "${TORTOISE_SCRATCH:?a folder of our own}"
if ! command -v valgrind >/dev/null; then
    echo "skipped: needs valgrind"
    exit 77
fi
if ! valgrind -q true 2>/dev/null; then
    echo "skipped: valgrind does not work here"
    exit 77
fi
rm -rf "$TORTOISE_SCRATCH" && mkdir -p "$TORTOISE_SCRATCH" && cd "$TORTOISE_SCRATCH" || exit 1
# shellcheck disable=SC2054 # the commas belong to the values
checked=(valgrind --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect,possible
    --errors-for-leak-kinds=definite,indirect,possible --log-file=valgrind.%p.txt)
run=(run mf --data "synthetic:users=120,items=60,ratings=2000" --clocks 6 --eval-every 2 --quiet
    --stall-timeout 120s --silence-timeout 60s)
failures=0
clean() { # NAME EXIT-CODE PROCESSES: judges what valgrind said of every process
    local name=$1 code=$2
    if [ "$code" != 0 ] || [ "$(grep -l 'ERROR SUMMARY: 0 errors' valgrind.*.txt | wc -l)" != "$3" ]; then
        echo "FAILED: $name ended with $code"
        grep -hE -A12 '==[0-9]+== [^ ]' valgrind.*.txt | head -n 60
        failures=$((failures + 1))
    fi
    rm -f valgrind.*.txt
}
"${checked[@]}" "$TORTOISE" "${run[@]}" --nodes 1 --workers 3 --policy ssp:1 --out local >local.txt 2>&1
clean "one process" $? 1
port=$((20000 + $$ % 10000))
rank=("${run[@]}" --workers 4 --ps-size 2 --coordinator "127.0.0.1:$port" --policy bsp --out ranks)
"${checked[@]}" "$TORTOISE" "${rank[@]}" --ps-rank 1 >rank1.txt 2>&1 &
other=$!
"${checked[@]}" "$TORTOISE" "${rank[@]}" --ps-rank 0 >rank0.txt 2>&1
code=$?
wait "$other" || code=$?
clean "two ranks" "$code" 2
echo "$failures failures"
[ "$failures" = 0 ]
