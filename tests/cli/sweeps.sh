#!/usr/bin/env bash
# shellcheck disable=SC2016,SC2034 # check() evaluates its text
# A sweep runs each of its runs once, resumes what is missing, and tells of what failed.
set -uo pipefail
: "${TORTOISE:?the program}" "${TORTOISE_SCRATCH:?a folder of our own}"
rm -rf "$TORTOISE_SCRATCH" && mkdir -p "$TORTOISE_SCRATCH" && cd "$TORTOISE_SCRATCH" || exit 1
"$TORTOISE" version --features | grep -q '^  simulator *SimGrid' || { echo "skipped: this build cannot simulate"; exit 77; }
. "$TORTOISE_SOURCE/tests/support/check.bash"

cat >small.cfg <<'END'
name = "small"; title = "A small one"; algo = "mf";
settings = { nodes = 4; workers = 4; net = "nic"; clocks = 20; unit-cost = "1us"; rank = 4;
             straggler = [ "lognormal:sigma=0.8" ];
             data = "synthetic:users=200,items=60,ratings=5000"; };
axes = { policy = [ "bsp", "ssp:3" ]; seed = [ 1, 2 ]; };
target = { metric = "objective"; reached_by = "policy=bsp"; factor = 1.05; };
END

# A dry run writes nothing and names every run.
"$TORTOISE" sweep small.cfg -n >dry.txt || failures=$((failures + 1))
check "a dry run lists all" '[ "$(grep -c "^missing  tortoise sim mf" dry.txt)" = 4 ]'
check "a dry run writes nothing" '[ ! -e out ]'

"$TORTOISE" sweep small.cfg -j2 >first.txt 2>first.err || { cat first.err; failures=$((failures + 1)); }
check "all runs are there" '[ "$(ls -d out/small/policy-*/manifest.json | wc -l)" = 4 ]'
check "the summary has a row per run" '[ "$(wc -l <out/small/summary.csv)" = 5 ]'
check "the groups are means over seeds" '[ "$(wc -l <out/small/groups.csv)" = 3 ]'
check "axes come first" 'head -1 out/small/summary.csv | grep -q "^policy,seed,run,state,"'
check "bsp is its own measure" 'grep "^bsp " first.txt | grep -q "1.00 x"'
check "no messages are left" '[ -z "$(find out -name "*.messages" -o -name "*partial*")" ]'

# What is there is not run again; what is missing, or was cut off, is.
"$TORTOISE" sweep small.cfg >again.txt 2>again.err
check "nothing runs again" '[ ! -s again.err ]'
check "the same table" 'cmp -s first.txt again.txt'
cp out/small/summary.csv summary.before
rm out/small/policy-ssp-3_seed-2/manifest.json
"$TORTOISE" sweep small.cfg >resumed.txt 2>resumed.err
check "the missing one runs" 'grep -q "\[1/1\] policy-ssp-3_seed-2" resumed.err'
check "the same numbers" 'cmp -s out/small/summary.csv summary.before'

# Other settings are other runs.
sed 's/clocks = 20/clocks = 10/' small.cfg >other.cfg
"$TORTOISE" sweep other.cfg -n >other.txt
check "a changed setting is missing" '[ "$(grep -c ^missing other.txt)" = 4 ]'

# A run that fails does not stop the others, and the sweep says so.
sed -e 's/name = "small"/name = "bad"/' -e 's/seed = \[ 1, 2 \]/fail = [ "node=1,at=1ms", "node=1,at=1h" ]/' \
    small.cfg >bad.cfg
"$TORTOISE" sweep bad.cfg >bad.txt 2>bad.err
code=$?
check "exit code 1" '[ "$code" = 1 ]'
check "what failed is counted" 'grep -q "2 of 4 runs failed" bad.err'
check "the others are there" '[ "$(grep -c ",ok," out/bad/summary.csv)" = 2 ]'
check "state is told" '[ "$(grep -c ",failed," out/bad/summary.csv)" = 2 ]'

# Workers that follow the nodes: one on each.
sed -e 's/name = "small"/name = "nodes"/' -e 's/nodes = 4; workers = 4/workers = 0/' \
    -e 's/policy = \[ "bsp", "ssp:3" \]; seed = \[ 1, 2 \]/nodes = [ 1, 3 ]/' -e '/^target/d' small.cfg >nodes.cfg
"$TORTOISE" sweep nodes.cfg --quiet >nodes.txt 2>&1 || { cat nodes.txt; failures=$((failures + 1)); }
for nodes in 1 3; do
    ranks=$(sed 1d "out/nodes/nodes-$nodes/workers.csv" | cut -d, -f1 | sort -u | wc -l)
    check "a worker on each of $nodes nodes" '[ "$ranks" = "$nodes" ]'
done

echo "$failures failures"
[ "$failures" = 0 ]
