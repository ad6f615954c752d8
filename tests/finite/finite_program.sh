#!/usr/bin/env bash
# shellcheck disable=SC2016,SC2317 # check() evaluates its text
# finite through the parameter server: both worlds measure the same, mixing knows when it did not read exactly the last
# epoch, machines that are averaged need nothing of each other under any policy, and what cannot be is refused in one line.
set -uo pipefail
: "${TORTOISE:?the program}" "${TORTOISE_SCRATCH:?a folder of our own}"
rm -rf "$TORTOISE_SCRATCH" && mkdir -p "$TORTOISE_SCRATCH" && cd "$TORTOISE_SCRATCH" || exit 1
. "$TORTOISE_SOURCE/tests/support/check.bash"
# last FOLDER COLUMN: of the last row of metrics.csv
last() {
    awk -F, -v name="$2" 'NR == 1 {for (i = 1; i <= NF; i++) if ($i == name) at = i} END {print $at}' "$1/metrics.csv"
}
# columns FOLDER: what the algorithm measures at each evaluation, without times and bytes
columns() {
    awk -F, 'NR == 1 {for (i = 1; i <= NF; i++) if ($i ~ /objective|measured|bound|ratio|assum|steps|_error|variance|mist|gap/) keep[i]
             } {line = ""; for (i = 1; i <= NF; i++) if (i in keep) line = line "," $i; print line}' "$1/metrics.csv"
}
mixing=(finite --theorem mixing-mistakes --nodes 4 --workers 4 --clocks 60 --margin 0.05 --dimension 20 --examples 1000 --quiet)
averaging=(finite --theorem averaging-proven --nodes 4 --workers 4 --clocks 4 --strong 0.1 --noise 0.2 --replicas 20 --quiet)
proximal=(finite --nodes 1 --workers 1 --clocks 20 --delay 8 --delays uniform --shards 3 --blocks 2 --noise 0.3 --quiet)

"$TORTOISE" run "${mixing[@]}" --policy bsp --weights errors --out mix >mix.txt || exit 1
check "mixing: the assumptions hold" '[ "$(last mix assumptions_hold)" = 1 ] && [ "$(last mix steps)" = 60 ]'
check "mixing: mistakes were made, and no example is wrong at the end" \
    'awk -v m="$(last mix measured)" -v e="$(last mix objective)" "BEGIN {exit !(m > 4 && e == 0)}"'
check "mixing: below the bound" 'awk -v r="$(last mix ratio)" "BEGIN {exit !(r > 0 && r <= 1)}"'
"$TORTOISE" run "${averaging[@]}" --policy bsp --out mean >mean.txt || exit 1
check "averaging: the assumptions hold" '[ "$(last mean assumptions_hold)" = 1 ] && [ "$(last mean steps)" = 400 ]'
"$TORTOISE" run "${averaging[@]}" --policy async --out lonely >lonely.txt || exit 1
check "averaging: the policy does not matter" 'cmp -s <(columns mean | tail -1) <(columns lonely | tail -1)'
"$TORTOISE" run "${proximal[@]}" --policy bsp --out near >near.txt || exit 1
check "proximal: the assumptions hold" '[ "$(last near assumptions_hold)" = 1 ] && [ "$(last near steps)" = 2000 ]'

if "$TORTOISE" version --features | grep -q '^  simulator *SimGrid'; then
    "$TORTOISE" sim "${mixing[@]}" --policy bsp --weights errors --out sim-mix >mix.txt || exit 1
    check "mixing: both worlds" 'cmp -s <(columns mix) <(columns sim-mix)'
    "$TORTOISE" sim "${averaging[@]}" --policy bsp --out sim-mean >mean.txt || exit 1
    check "averaging: both worlds" 'cmp -s <(columns mean) <(columns sim-mean)'
    "$TORTOISE" sim "${proximal[@]}" --policy bsp --out sim-near >near.txt || exit 1
    check "proximal: both worlds" 'cmp -s <(columns near) <(columns sim-near)'
    # Blocks under ssp are as far away as the policy lets them be, and no further.
    blocks=(finite --theorem block-proximal --nodes 4 --workers 4 --clocks 100 --dimension 8 --noise 0.3 --quiet
        --straggler lognormal:sigma=0.5 --unit-cost 1us)
    for policy in ssp:3 essp:3; do
        "$TORTOISE" sim "${blocks[@]}" --policy $policy --staleness 3 --out "blocks-$policy" >blocks.txt || exit 1
        check "$policy: assumptions hold" '[ "$(last "blocks-$policy" assumptions_hold)" = 1 ]'
        check "$policy: below the bound" 'awk -v r="$(last "blocks-$policy" ratio)" "BEGIN {exit !(r > 0 && r <= 1)}"'
        "$TORTOISE" sim "${blocks[@]}" --policy $policy --staleness 2 --out "far-$policy" >blocks.txt || exit 1
        check "$policy: further than said is found out" '[ "$(last "far-$policy" assumptions_hold)" = 0 ]'
    done
    "$TORTOISE" sim "${blocks[@]}" --policy bsp --out blocks-bsp >blocks.txt || exit 1
    "$TORTOISE" run "${blocks[@]:0:14}" --policy bsp --out blocks-real >blocks.txt || exit 1
    check "blocks: both worlds" 'cmp -s <(columns blocks-bsp) <(columns blocks-real)'
    # Epochs that are mixed before all are in are found out by the rows.
    "$TORTOISE" sim "${mixing[@]}" --policy ssp:3 --straggler lognormal:sigma=0.5 --out late >late.txt || exit 1
    check "mixing: another epoch than the last is found out" '[ "$(last late assumptions_hold)" = 0 ]'
fi

refused_command=(run finite --nodes 1 --out bad)
echo "1 1:1" >some.svm
refused "leave --data out" -- --workers 1 --data some.svm
refused "is for one worker" -- --workers 2
refused "leave --batch out" -- --workers 2 --theorem mixing-mistakes --batch 3
refused "one step of a block" -- --workers 2 --theorem block-proximal --batch 3
refused "too few for 5 workers" -- --workers 5 --theorem block-proximal
refused "too few for 5 shards" -- --workers 5 --theorem mixing-mistakes --examples 4
refused "too few for 9 shards" -- --workers 1 --shards 9 --examples 4
refused "needs --strong" -- --workers 2 --theorem averaging
refused "bounded slope" -- --workers 2 --theorem averaging --strong 0.1 --loss squared
refused "no largest step" -- --workers 1 --loss linear
refused "too many" -- --workers 1 --dimension 256 --clocks 10000
refused "too many" -- --workers 2 --theorem averaging --strong 0.1 --replicas 100000
refused "did you mean 'averaging'" -- --workers 1 --theorem averging
checks_end
