#!/usr/bin/env bash
# shellcheck disable=SC2016,SC2317 # check() evaluates its text
# online through the parameter server: what is in flight is what the policy allows, regrets stay below their bounds,
# both worlds agree under bsp, and what cannot be is refused in one line with exit code 2.
set -uo pipefail
: "${TORTOISE:?the program}" "${TORTOISE_SCRATCH:?a folder of our own}"
rm -rf "$TORTOISE_SCRATCH" && mkdir -p "$TORTOISE_SCRATCH" && cd "$TORTOISE_SCRATCH" || exit 1
. "$TORTOISE_SOURCE/tests/support/check.bash"
# last FOLDER COLUMN: of the last row of metrics.csv
last() {
    awk -F, -v name="$2" 'NR == 1 {for (i = 1; i <= NF; i++) if ($i == name) at = i} END {print $at}' "$1/metrics.csv"
}
game=(online --nodes 4 --workers 4 --clocks 400 --eval-every 100 --quiet)

# Under bsp worker p lacks the p updates of the same clock that come before its own: the mean of 0, 1, 2, 3.
"$TORTOISE" run "${game[@]}" --policy bsp --theorem ssp-dual --out real >real.txt || exit 1
check "in flight under bsp" '[ "$(last real in_flight_mean)" = 1.5 ] && [ "$(last real in_flight_variance)" = 1.25 ]'
check "assumptions hold" '[ "$(last real assumptions_hold)" = 1 ] && [ "$(last real rounds)" = 1600 ]'
check "below the bound" 'awk -v r="$(last real ratio)" "BEGIN {exit !(r > 0 && r < 1)}"'
check "the comparator is certified" 'awk -v g="$(last real comparator_gap)" "BEGIN {exit !(g < 1e-6)}"'
"$TORTOISE" run "${game[@]}" --policy async --theorem ssp-dual --out async >async.txt || exit 1
check "async ends" '[ "$(last async rounds)" = 1600 ]'

# The theorem on values in transit holds under vap for a V that it keeps and one update is a part of, and else not.
holds() { # NAME RUN_OPTION...
    "$TORTOISE" run "${game[@]}" --theorem vap-dual --out "$1" "${@:2}" >vap.txt || exit 1
    last "$1" assumptions_hold
}
check "vap:6 keeps 6" '[ "$(holds vap-6 --policy vap:6 --value-bound 6)" = 1 ]'
check "and the bound for it" 'awk -v r="$(last vap-6 ratio)" "BEGIN {exit !(r < 1)}"'
check "vap:6 keeps 7" '[ "$(holds vap-7 --policy vap:6 --value-bound 7)" = 1 ]'
check "vap:6 does not keep 5" '[ "$(holds vap-5 --policy vap:6 --value-bound 5)" = 0 ]'
check "1 is less than one update" '[ "$(holds vap-1 --policy vap:1 --value-bound 1)" = 0 ]'
check "ssp keeps no V" '[ "$(holds vap-ssp --policy ssp:1 --value-bound 6)" = 0 ]'
check "twice the step is not the theorem's" '[ "$(holds vap-2 --policy vap:6 --value-bound 6 --step-scale 2)" = 0 ]'
check "one worker lacks nothing" '[ "$(holds vap-alone --nodes 1 --workers 1 --policy bsp --batch 10)" = 1 ]'
check "unless gradients come late" '[ "$(holds vap-late --nodes 1 --workers 1 --policy bsp --batch 10 --delay 3)" = 0 ]'

if "$TORTOISE" version --features | grep -q '^  simulator *SimGrid'; then
    "$TORTOISE" sim "${game[@]}" --policy bsp --theorem ssp-dual --out sim >sim.txt || exit 1
    check "both worlds" 'cmp -s <(cut -d, -f2,5-13 real/metrics.csv) <(cut -d, -f2,5-13 sim/metrics.csv)'
    slow=(--straggler "slow:node=0,factor=4x" --straggler lognormal:sigma=0.5 --unit-cost 1ms)
    for policy in ssp:3 essp:3; do
        "$TORTOISE" sim "${game[@]}" "${slow[@]}" --policy $policy --staleness 3 --theorem ssp-dual-in-flight \
            --out "sim-$policy" >sim.txt || exit 1
        check "$policy: more is in flight, as much as may be" \
            'awk -v m="$(last "sim-$policy" in_flight_mean)" "BEGIN {exit !(m > 1.5 && m <= 21)}"'
        check "$policy: assumptions hold" '[ "$(last "sim-$policy" assumptions_hold)" = 1 ]'
        check "$policy: below the bound" 'awk -v r="$(last "sim-$policy" ratio)" "BEGIN {exit !(r > 0 && r < 1)}"'
    done
    # A policy that is staler than the bound is for is found out by what the reads have.
    "$TORTOISE" sim "${game[@]}" "${slow[@]}" --policy ssp:9 --staleness 3 --theorem ssp-dual --out late >late.txt || exit 1
    check "staler than said" '[ "$(last late assumptions_hold)" = 0 ]'
fi

refused_command=(run online --nodes 1 --out bad)
refused "on a line only" -- --workers 1 --loss hinge --dimension 2
echo "1 1:1" >some.svm
refused "leave --data out" -- --workers 1 --data some.svm
refused "is for one worker" -- --workers 2 --learner adadelay
refused "--delay is for one worker" -- --workers 2 --delay 3
refused "need --strong" -- --workers 1 --theorem strongly-convex
refused "did you mean 'lipschitz'" -- --workers 1 --theorem lipshitz
checks_end
