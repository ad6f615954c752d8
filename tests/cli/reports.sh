#!/usr/bin/env bash
# shellcheck disable=SC2016,SC2034 # check() evaluates its text
# A report is one page that needs nothing else; without gnuplot it is made all the same.
set -uo pipefail
: "${TORTOISE:?the program}" "${TORTOISE_SCRATCH:?a folder of our own}"
rm -rf "$TORTOISE_SCRATCH" && mkdir -p "$TORTOISE_SCRATCH" && cd "$TORTOISE_SCRATCH" || exit 1
. "$TORTOISE_SOURCE/tests/support/check.bash"

data=synthetic:users=200,items=60,ratings=5000
"$TORTOISE" run mf --nodes 2 --workers 2 --clocks 6 --data "$data" --out one --quiet >/dev/null || exit 1

# Without the program that draws: one line, and a page without pictures.
TORTOISE_GNUPLOT=./no-such-program "$TORTOISE" report one >plain.txt 2>plain.err
code=$?
check "made without gnuplot" '[ "$code" = 0 ] && [ -s one/report.html ]'
check "said in one line" '[ "$(wc -l <plain.err)" = 1 ] && grep -q gnuplot plain.err'
check "no picture" '! grep -q "<svg" one/report.html'
check "the page says why" 'grep -q "no pictures" one/report.html'
check "the results are there" 'grep -q objective one/report.html'

if ! command -v gnuplot >/dev/null; then
    echo "gnuplot is not here: pictures were not looked at; $failures failures"
    [ "$failures" = 0 ]
    exit
fi
"$TORTOISE" report one >with.txt 2>with.err
code=$?
check "made" '[ "$code" = 0 ] && [ ! -s with.err ]'
check "named" '[ "$(cat with.txt)" = one/report.html ]'
check "six pictures inside" '[ "$(grep -c "<svg" one/report.html)" = 6 ]'
check "nothing from elsewhere" '! grep -q "http" one/report.html'
check "no script" '! grep -qi "<script" one/report.html'
for picture in objective_time objective_clocks objective_bytes workers timeline staleness; do
    check "$picture as SVG" '[ -s one/plots/$picture.svg ]'
    check "$picture as PNG" 'head -c 8 one/plots/$picture.png | grep -q PNG'
done
check "policy is escaped or plain" 'grep -q "ssp:3" one/report.html'

if "$TORTOISE" version --features | grep -q '^  simulator *SimGrid'; then
    cat >two.cfg <<END
name = "two"; algo = "mf";
settings = { net = "nic"; clocks = 8; data = "$data"; };
axes = { policy = [ "bsp", "ssp:3", "async" ]; };
target = { metric = "objective"; at_most = -1.0; };
END
    "$TORTOISE" sweep two.cfg --quiet >/dev/null && "$TORTOISE" report out/two >two.txt 2>two.err
    code=$?
    check "a sweep's page" '[ "$code" = 0 ] && [ ! -s two.err ]'
    check "its pictures" '[ "$(grep -c "<svg" out/two/report.html)" = 8 ]'
    check "never is said" 'grep -q ">never<" out/two/report.html'
    check "nothing from elsewhere" '! grep -q "http" out/two/report.html'

    # Of a likelihood more is better: it has arrived at the target when it is above.
    cat >three.cfg <<END
name = "three"; algo = "lda";
settings = { clocks = 31; topics = 4; data = "synthetic:docs=200,words=100,topics=4,length=40"; };
axes = { policy = [ "bsp", "ssp:3" ]; };
target = { metric = "objective"; reached_by = "policy=bsp"; factor = 1.02; };
END
    "$TORTOISE" sweep three.cfg --quiet >/dev/null && "$TORTOISE" report out/three >three.txt 2>three.err
    code=$?
    check "a sweep that maximises" '[ "$code" = 0 ] && [ ! -s three.err ]'
    check "higher is better" 'grep -q "Higher is better" out/three/report.html'
    check "at least the target" 'grep -q "objective at least -" out/three/report.html'
    check "not at the start" '[ "$(sed -n 2p out/three/summary.csv | cut -d, -f9)" -gt 1 ]'
fi
echo "$failures failures"
[ "$failures" = 0 ]
