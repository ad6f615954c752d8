#!/usr/bin/env bash
# shellcheck disable=SC2016,SC2034 # check() evaluates its text
# A reproduction runs what is missing, checks every claim against the files, and its exit code says whether all hold.
set -uo pipefail
: "${TORTOISE:?the program}" "${TORTOISE_SCRATCH:?a folder of our own}"
rm -rf "$TORTOISE_SCRATCH" && mkdir -p "$TORTOISE_SCRATCH" && cd "$TORTOISE_SCRATCH" || exit 1
. "$TORTOISE_SOURCE/tests/support/check.bash"
# reproduce FILE ARGUMENT...: what it prints is in out.txt and err.txt, its exit code in $code
reproduce() {
    "$TORTOISE" reproduce "$@" >out.txt 2>err.txt </dev/null
    code=$?
}

cat >small.cfg <<'END_OF_FILE'
name = "small"; title = "A small one"; algo = "mf"; world = "run";
settings = { nodes = 1; workers = 1; clocks = 12; rank = 4; data = "synthetic:users=200,items=60,ratings=5000"; };
axes = { policy = [ "bsp", "ssp:3" ]; seed = [ 1, 2 ]; };
claims = (
  { name = "it learns"; quantity = "objective"; at_most = 1.2; },
  { name = "one worker alone sees no staleness";
    quantity = "objective"; of = { policy = "ssp:3"; }; against = { policy = "bsp"; };
    at_least = 1.0; at_most = 1.0; }
);
END_OF_FILE

reproduce
check "without a name all are listed" '[ "$code" = 0 ] && grep -q "^demo " out.txt && grep -q "^ssp-mf " out.txt'
reproduce small.cfg -n
check "a dry run names runs and claims" '[ "$(grep -c "^missing " out.txt)" = 4 ] && grep -q "^claim  *it learns" out.txt'
check "and writes nothing" '[ "$code" = 0 ] && [ ! -e out ]'

reproduce small.cfg
check "claims that hold" '[ "$code" = 0 ] && [ "$(grep -c "^PASS " out.txt)" = 2 ] && ! grep -q "^FAIL " out.txt'
check "numbers are printed" 'grep -q "policy=ssp:3 seed=2 against policy=bsp: 1$" out.txt'
check "files are there" 'grep -q "\"holds\": true" out/small/claims.json && grep -q "^PASS  it learns" out/small/claims.txt'
check "the page shows them" 'grep -q "it learns" out/small/report.html'

# A planted wrong number in a run's file is found, without running again.
metrics=out/small/policy-ssp-3_seed-2/metrics.csv
awk -F, -v OFS=, 'NR > 1 { $5 = $5 * 2 } { print }' "$metrics" >planted.csv && cp planted.csv "$metrics"
reproduce small.cfg
check "nothing ran again" '! grep -q "^\[" err.txt'
check "wrong data fail both" '[ "$code" = 1 ] && [ "$(grep -c "^FAIL " out.txt)" = 2 ]'
check "the run is named" 'grep -q "^ *!  policy=ssp:3 seed=2" out.txt && ! grep -q "^ *!  .*seed=1" out.txt'
check "one line says it" '[ "$(wc -l <err.txt)" = 1 ] && grep -q "2 of 2 claims do not hold" err.txt'
check "the files say it" 'grep -q "\"holds\": false" out/small/claims.json && grep -q "fails" out/small/report.html'
reproduce small.cfg --force
check "run again it holds" '[ "$code" = 0 ] && [ "$(grep -c "^\[" err.txt)" = 4 ]'

# Runs with a bound make a table of theorems: where assumptions hold the ratio decides, else nothing passes.
cat >bound.cfg <<'END_OF_FILE'
name = "bound"; title = "Theorems"; algo = "online"; world = "run";
settings = { nodes = 1; workers = 1; clocks = 2; batch = 300; eval-every = 2; };
axes = { theorem = [ "lipschitz-tight", "lipschitz" ]; seed = [ 1, 2 ]; };
claims = ( { name = "all rounds are played"; quantity = "rounds"; at_least = 600; } );
END_OF_FILE
reproduce bound.cfg
check "a theorem that holds" '[ "$code" = 0 ] && grep -qE "^lipschitz-tight +2 +2 .* PASS$" out.txt'
check "one whose assumptions do not" 'grep -qE "^lipschitz +2 +0 .*its assumptions hold in no run$" out.txt'
metrics=out/bound/theorem-lipschitz-tight_seed-2/metrics.csv
awk -F, -v OFS=, 'NR > 1 { $8 = 1.5 } { print }' "$metrics" >planted.csv && cp planted.csv "$metrics"
reproduce bound.cfg
check "a planted ratio above 1" 'grep -qE "^lipschitz-tight .* 1.5000  FAIL$" out.txt'

# What is measured need not be a regret.
cat >sums.cfg <<'END_OF_FILE'
name = "sums"; title = "Theorems of sums"; algo = "finite"; world = "run";
settings = { nodes = 1; workers = 1; policy = "bsp"; clocks = 3; eval-every = 3; delay = 2; noise = 0.3; };
axes = { theorem = [ "delayed-proximal", "mixing-mistakes" ]; seed = [ 1, 2 ]; };
claims = ( { name = "all is measured"; quantity = "measured"; at_least = 0.0001; } );
END_OF_FILE
reproduce sums.cfg
check "a sum that holds" '[ "$code" = 0 ] && grep -qE "^delayed-proximal +2 +2 .* PASS$" out.txt'
check "labels that are thrown are not separable" 'grep -qE "^mixing-mistakes +2 +0 .*its assumptions hold in no run$" out.txt'

# What is wrong is said with file and line, what is absent is skipped.
sed 's/at_most = 1.2/at_mots = 1.2/' small.cfg >bad.cfg
reproduce bad.cfg
check "a bad claim" '[ "$code" = 2 ] && grep -q "bad.cfg:5: .*did you mean at_most" err.txt && [ ! -s out.txt ]'
sed 's/synthetic:[^"]*/nowhere.txt.gz/' small.cfg >absent.cfg
reproduce absent.cfg
check "absent data" '[ "$code" = 77 ] && grep -q "skipped: small: its data nowhere.txt.gz" err.txt'
reproduce ssp-mff
check "an unknown name" '[ "$code" = 2 ] && grep -q "did you mean ssp-mf" err.txt'
reproduce absent.cfg bad.cfg
check "the worst of several counts" '[ "$code" = 2 ]'
reproduce small.cfg small.cfg --out elsewhere
check "one folder is for one" '[ "$code" = 2 ] && grep -q -- "--out" err.txt'

# A name that is none is the beginning of several.
reproduce slow-learners -n
check "a group of experiments" '[ "$code" = 0 ] || [ "$code" = 77 ]'
check "all of the group" 'grep -q "pairs" out.txt || grep -q "slow-learners-speed" err.txt'
check "synthetic data are always here" 'grep -q "synthetic" out.txt && ! grep -q "no experiment" err.txt'
reproduce slow -n --out elsewhere
check "a group needs folders of its own" '[ "$code" = 2 ] && grep -q -- "--out is for one" err.txt'
reproduce slow-learner
check "half a word is no group" '[ "$code" = 2 ] && grep -q "there is no experiment" err.txt'

# Every experiment that comes with the program can be read.
for file in "${TORTOISE_SOURCE:?}"/experiments/*.cfg; do
    reproduce "$file" -n
    check "$file is good" '[ "$code" = 0 ] || [ "$code" = 77 ]'
done

[ "$failures" = 0 ] && echo "reproductions: all checks pass"
exit $((failures > 0))
