#!/usr/bin/env bash
# Bad input: one clear line on stderr, the exit code of the contract, and nothing left behind.
set -uo pipefail
: "${TORTOISE:?the program}" "${TORTOISE_SCRATCH:?a folder of our own}"
scratch=$TORTOISE_SCRATCH
rm -rf "$scratch" && mkdir -p "$scratch/files" && cd "$scratch" || exit 1
failures=0
checks=0

fail() {
    echo "FAIL: $*"
    failures=$((failures + 1))
}

# refused CODE WORD... -- ARGUMENT...: the program ends with CODE, says nothing on stdout and one line on stderr that
# holds each WORD, and writes nothing.
refused() {
    local code=$1 words=() got lines before after
    shift
    while [ "$1" != -- ]; do
        words+=("$1")
        shift
    done
    shift
    checks=$((checks + 1))
    before=$(find . -path ./err -o -path ./out.txt -o -print | sort)
    timeout 60 "$TORTOISE" "$@" >out.txt 2>err </dev/null
    got=$?
    after=$(find . -path ./err -o -path ./out.txt -o -print | sort)
    lines=$(wc -l <err)
    [ "$got" = "$code" ] || fail "exit code $got instead of $code: tortoise $* ($(cat err))"
    [ "$lines" = 1 ] || fail "$lines lines instead of one: tortoise $*: $(cat err)"
    [ -s out.txt ] && fail "something on stdout: tortoise $*"
    [ "$before" = "$after" ] || fail "left behind by tortoise $*: $(diff <(echo "$before") <(echo "$after"))"
    for word in "${words[@]}"; do
        grep -qF -- "$word" err || fail "'$word' is not said: tortoise $*: $(cat err)"
    done
}

# Commands, algorithms, options, values.
refused 2 "'sim'" -- sin mf
refused 2 "tortoise help" -- frobnicate
refused 2 "no command" --
refused 2 "'mf'" -- sim mg
refused 2 "'mf'" -- run mff
refused 2 "at most 128" -- run mf --quiet --nodes 1000 --workers 1000 --data synthetic:users=2000,items=20
refused 2 "--until needs evaluations" -- sim mf --eval-every 0 --until "objective<=0.5"
refused 2 "no algorithm" -- sim
refused 2 "no algorithm" -- sim --nodes 4
refused 2 "--policy" -- sim mf --polcy bsp
refused 2 "--workers" -- run mf --worker 4
refused 2 "unknown option --frobnicate" -- sim mf --frobnicate 3
refused 2 "--spin: '10h' is not within 0 to 1s" -- run mf --spin 10h
refused 2 "--stall-timeout: '1ns' is not within 100ms to 168h" -- run mf --stall-timeout 1ns
refused 2 "--stall-timeout: '169h' is not within" -- run mf --stall-timeout 169h
refused 2 "--start-timeout: '0s' is not within 100ms to 168h" -- run mf --start-timeout 0s
refused 2 "--silence-timeout: '900ms' is not within 1s to 168h" -- run mf --silence-timeout 900ms
refused 2 "--job: a name of 101 characters; it has 1 to 100" -- run mf --job "$(printf '%0101d' 0)"
refused 2 "--job: a name of 0 characters" -- run mf --job ""
refused 2 "unknown option -x" -- sim mf -x
refused 2 "--nodes needs a value" -- sim mf --nodes
refused 2 "unexpected argument 'again'" -- sim mf again
refused 2 "bsp" -- sim mf --policy bps
refused 2 "ssp" -- sim mf --policy ssp
refused 2 "ssp" -- sim mf --policy ssp:-1
refused 2 "ssp" -- sim mf --policy ssp:3x
refused 2 "bsp" -- sim mf --policy bsp:3
refused 2 "--nodes" "whole number" -- sim mf --nodes four
refused 2 "--nodes" "out of range" -- sim mf --nodes 0
refused 2 "--nodes" -- sim mf --nodes -4
refused 2 "--nodes" -- sim mf --nodes 99999999999999999999
refused 2 "--workers" "evenly" -- sim mf --nodes 4 --workers 6
refused 2 "--servers" -- sim mf --nodes 4 --servers 5
refused 2 "--clocks" -- sim mf --clocks 1.5
refused 2 "--batch" -- sim mf --batch -0.1
refused 2 "--batch" -- sim mf --batch nan
refused 2 "--batch" -- sim mf --batch inf
refused 2 "--seed" -- sim mf --seed 0x10
refused 2 "--until" "objective<=0.75" -- sim mf --until objective
refused 2 "--until" "did you mean 'objective'" -- sim mf --until 'objetive<=1'
refused 2 "--until" -- sim mf --until 'objective<=low'
refused 2 "--format" "json" -- sim mf --format jsn
refused 2 "rank" "out of range" -- sim mf --rank 0
refused 2 "rank" -- sim mf --rank ten
refused 2 "schedule" "inverse-sqrt" -- sim mf --schedule inverse-sqr
refused 2 "biases" -- sim mf --biases=maybe
refused 2 "bandwidth" -- sim mf --bandwidth 10
refused 2 "latency" -- sim mf --latency 50
refused 2 "net" -- sim mf --net nick
refused 2 "straggler" "lognormal" -- sim mf --straggler lognorml:sigma=0.5
refused 2 "straggler" -- sim mf --straggler lognormal:sigma=-1
refused 2 "9" -- sim mf --straggler slow:node=9,factor=2x
refused 2 "missing.trace" -- sim mf --straggler trace:missing.trace
refused 2 "--bandwidth" -- run mf --bandwidth 1Gbps
refused 2 "--trace" -- run mf --trace ''
refused 2 "files: the trace" -- sim mf --trace files

# Files: data, clusters, settings, calibrations.
printf '' >files/empty.txt
printf '1 2\n' >files/short.txt
printf '1 1 3.5\n2 two 4\n' >files/words.txt
printf '0 1 3.5\n' >files/zero.txt
printf '4294967297 1 3.5\n' >files/huge.txt
printf '1 1 nan\n' >files/nan.txt
printf '1 1 inf\n' >files/inf.txt
printf '1 1 3\n1 2 4\n2 1 5\n' | gzip | head -c 20 >files/cut.txt.gz
printf 'nodes = 4;\nbandwith = "1Gbps";\n' >files/unknown_key.cfg
printf 'nodes = \n' >files/syntax.cfg
printf '<?xml version="1.0"?>\n<platform version="4.1">\n' >files/cut.xml
printf 'policy = "bsp";\nnodez = 4;\n' >files/settings.cfg
printf 'unit_cost = { other = "1ns"; };\n' >files/calibration.cfg
for file in missing empty short words zero huge nan inf; do
    refused 2 "files/$file.txt" -- sim mf --data "files/$file.txt"
    refused 2 "files/$file.txt" -- run mf --data "files/$file.txt"
    refused 2 "files/$file.txt" -- data info "files/$file.txt"
done
refused 2 "files/words.txt:2" -- sim mf --data files/words.txt
refused 2 "files/cut.txt.gz" -- sim mf --data files/cut.txt.gz
refused 2 "files" -- sim mf --data files
refused 2 "users" -- sim mf --data synthetic:user=5
refused 2 "synthetic" -- sim mf --data synthetic:users=0
refused 2 "files/missing.cfg" -- sim mf --cluster files/missing.cfg
refused 2 "files/unknown_key.cfg:2" "bandwidth" -- sim mf --cluster files/unknown_key.cfg
refused 2 "files/syntax.cfg" -- sim mf --cluster files/syntax.cfg
if "$TORTOISE" version --features | grep -q '^  simulator *SimGrid'; then
    refused 2 "files/cut.xml" -- sim mf --cluster files/cut.xml
fi
refused 2 "files/settings.cfg:2" "nodes" -- sim mf --config files/settings.cfg
for setting in 'nodes = "x"' 'policy = "sps:3"' 'batch = 1.5' 'until = "objectiv<=1"' 'bandwidth = "10Gpbs"' \
    'straggler = [ "slow:node=0,factor=2", "slwo:node=0" ]' 'data = "synthetic:user=5"' 'cluster = "files/missing.cfg"' \
    "data = \"$(printf 'x%.0s' {1..1100})\""; do
    printf 'seed = 7;\n%s;\n' "$setting" >files/value.cfg
    refused 2 "files/value.cfg:2: " -- sim mf --config files/value.cfg
done
refused 2 "--batch" "1.5" -- sim mf --batch 1.5
refused 2 "--unit-cost" "above 0" -- sim mf --unit-cost 0
refused 2 "--work-scale" "above 0" -- sim mf --work-scale 0
printf '1 0:2\n' >files/one.ldac
refused 2 "files/one.ldac" "only synthetic" -- sim lda --data files/one.ldac --documents drawn
printf '0 0 2\n1 \0 0 3\n' >files/zero_byte.trace
refused 2 "files/zero_byte.trace:2" -- sim mf --straggler trace:files/zero_byte.trace
ln -s nothing files/dangling
refused 2 "--out" "files/dangling" -- sim mf --out files/dangling
refused 2 "--out" "files/dangling" -- sim mf --out files/dangling/first
refused 2 "files/missing.cfg" -- sim mf --config files/missing.cfg
refused 2 "files/calibration.cfg" "mf" -- sim mf --calibration files/calibration.cfg
refused 2 "files/missing.cfg" -- sim mf --calibration files/missing.cfg

# Other commands.
refused 2 "did you mean 'info'" -- data inf x
refused 2 "--out" -- data gen
refused 2 "needs two files" -- data convert files/short.txt
refused 2 "'core'" -- bench cor
refused 2 "holds no run" -- report files
refused 2 "DIR" -- report
refused 2 "--features" -- version --feature
refused 2 "did you mean 'sim'" -- help simm
refused 2 "experiment FILE" -- sweep
refused 2 "missing.cfg" -- sweep files/missing.cfg

# Experiments.
experiment() {
    printf 'name = "x"; algo = "mf";\n%s\n' "$1" >files/experiment.cfg
}
experiment 'axis = { seed = [ 1 ]; };'
refused 2 "files/experiment.cfg:2" "axes" -- sweep files/experiment.cfg
experiment 'settings = { polcy = "bsp"; };'
refused 2 "files/experiment.cfg:2" "policy" -- sweep files/experiment.cfg
experiment 'axes = { policy = [ "bsp", "sp:3" ]; };'
refused 2 "files/experiment.cfg" "ssp" -- sweep files/experiment.cfg
experiment 'axes = { policy = "bsp"; };'
refused 2 "files/experiment.cfg:2" "list" -- sweep files/experiment.cfg
experiment 'axes = { rank = [ 0 ]; };'
refused 2 "files/experiment.cfg:2" "rank" -- sweep files/experiment.cfg
experiment 'target = { metric = "loss"; at_most = 1.0; };'
refused 2 "files/experiment.cfg:2" "loss" -- sweep files/experiment.cfg
experiment 'target = { metric = "objective"; at_least = 1.0; };'
refused 2 "files/experiment.cfg:2" "at_most" -- sweep files/experiment.cfg
experiment 'target = { metric = "objective"; reached_by = "policy=bsp"; };'
refused 2 "files/experiment.cfg:2" "policy" -- sweep files/experiment.cfg
experiment 'settings = { out = "elsewhere"; };'
refused 2 "files/experiment.cfg:2" "out" -- sweep files/experiment.cfg

# The directory of the files.
# shellcheck disable=SC2054 # the commas belong to the value
quick=(run mf --data synthetic:users=40,items=20,ratings=400 --clocks 2 --nodes 1 --quiet)
mkdir -p taken
"$TORTOISE" "${quick[@]}" --out taken >/dev/null 2>&1 || fail "a good run fails"
refused 2 "taken holds another run" "--force" -- "${quick[@]}" --out taken
refused 2 "taken holds another run" -- "${quick[@]}" --out taken/
refused 2 "manifest.json" "not a directory" -- "${quick[@]}" --out taken/manifest.json
refused 2 "files/short.txt" -- "${quick[@]}" --out files/short.txt/below
refused 2 "empty" -- "${quick[@]}" --out ''
refused 2 "/proc/none" -- "${quick[@]}" --out /proc/none/here
"$TORTOISE" "${quick[@]}" --out taken --force >/dev/null 2>&1 || fail "--force does not replace"
if [ "$(id -u)" != 0 ]; then
    mkdir -p locked && chmod a-w locked
    refused 2 "locked" -- "${quick[@]}" --out locked/run
    chmod u+w locked
fi

# A full standard output is no success.
if [ -w /dev/full ]; then
    checks=$((checks + 1))
    "$TORTOISE" help >/dev/full 2>/dev/null && fail "a full stdout goes unseen"
fi

echo "$checks checks, $failures failures"
[ "$failures" = 0 ]
