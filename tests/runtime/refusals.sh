#!/usr/bin/env bash
# A rank that does not belong is told why in one line, with exit code 5 (2 where it alone can know), and a run that it
# only hit by accident goes on. Who is missing after the start time-out is named.
set -uo pipefail
# shellcheck source=tests/runtime/ranks.bash
. "$TORTOISE_SOURCE/tests/runtime/ranks.bash"

# rank NAME ARG...: starts one in the background.
rank() {
    local name=$1
    shift
    timeout 60 "$TORTOISE" run mf "${task[@]}" --out "$scratch/out-$name" "$@" >"$scratch/$name.out" \
        2>"$scratch/$name.err" &
    last=$!
}

# expect NAME PID CODE WORDS: how it ends and what its last line holds.
expect() {
    local name=$1 code
    wait "$2"
    code=$?
    claim "$name: exit code $3, not $code" [ "$code" -eq "$3" ]
    claim "$name: '$4' is in: $(tail -1 "$scratch/$name.err")" grep -q -- "$4" <(tail -1 "$scratch/$name.err")
}

# listens PORT: waits until somebody does.
listens() {
    for _ in $(seq 200); do
        grep -qi ":$(printf %04X "$1") [0-9A-F:]* 0A" /proc/net/tcp /proc/net/tcp6 && return
        sleep 0.02
    done
}

# A rank of another job, a second one of the same number, and a stranger: the run goes on.
port=$(free_port)
at=(--coordinator "127.0.0.1:$port" --ps-size 3 --workers 3)
rank zero "${at[@]}" --ps-rank 0 --job ours
zero=$last
rank one "${at[@]}" --ps-rank 1 --job ours
one=$last
listens "$port"
rank other "${at[@]}" --ps-rank 1 --job theirs
expect other "$last" 5 "rank 1 on .* is of the job 'theirs', but rank 0 on .* is of the job 'ours'"
(printf 'GET / HTTP/1.1\r\n\r\n' >"/dev/tcp/127.0.0.1/$port") 2>/dev/null
rank busy "${at[@]}" --ps-rank 0 --job ours
expect busy "$last" 2 "cannot listen on 127.0.0.1:$port: Address already in use; .* --coordinator"
rank twice "${at[@]}" --ps-rank 1 --job ours
twice=$last
# Whichever of the two came second is refused.
wait -n -p loser "$one" "$twice"
code=$?
claim "one of two ranks 1 is refused with 5, not $code" [ "$code" -eq 5 ]
claim "and told why" grep -q 'a second rank 1, on .* was refused' "$scratch/one.err" "$scratch/twice.err"
rank two "${at[@]}" --ps-rank 2 --job ours
for survivor in "$zero" "$one" "$twice" "$last"; do
    if [ "$survivor" != "$loser" ]; then
        wait "$survivor"
        code=$?
        claim "the run that they hit goes on and ends with 0, not $code" [ "$code" -eq 0 ]
    fi
done
claim "the run is whole" [ -s "$scratch/out-zero/manifest.json" ]

# misfit NAME WORDS ARG...: rank 1 of 2 has other options; both end at once and say why.
misfit() {
    local name=$1 words=$2 zero
    shift 2
    rank "$name-0" --ps-rank 0 --ps-size 2 --job "$name-$$" --workers 6
    zero=$last
    rank "$name-1" --ps-rank 1 --ps-size 2 --job "$name-$$" --workers 6 "$@"
    expect "$name-1" "$last" 5 "$words"
    expect "$name-0" "$zero" 5 "$words"
}
misfit policy "rank 1 on .* has another policy than rank 0 on .*: 'ssp:3', not 'bsp'; start all" --policy ssp:3
misfit seed "rank 1 on .* has another seed than rank 0 on .*: '7', not '1'" --seed 7
misfit workers "has another workers than" --workers 8
misfit data "has another data (SHA-256) than" --data synthetic:users=100,items=50
misfit lambda "has another lambda than rank 0 on .*: '0.5', not" --lambda 0.5
misfit size "says that it is rank 1 of 3, but rank 0 on .* is of a run with 2 ranks" --ps-size 3 --workers 6

# Who is missing.
printf 'n[1-2] slots=2\r\n# a comment\nn3:1' >"$scratch/hosts"
port=$(free_port)
rank late-0 --ps-rank 0 --hostfile "$scratch/hosts" --coordinator "127.0.0.1:$port" --start-timeout 1s --workers 5
zero=$last
rank late-2 --ps-rank 2 --hostfile "$scratch/hosts" --coordinator "127.0.0.1:$port" --start-timeout 1s --workers 5
words='after 1 s 3 of 5 ranks are missing: 1 (n1), 3 (n2), 4 (n3);'
expect late-2 "$last" 5 "$words"
expect late-0 "$zero" 5 "$words"
rank alone --ps-rank 1 --ps-size 2 --coordinator "127.0.0.1:$port" --start-timeout 1s
expect alone "$last" 5 "rank 1 on .* found no rank 0 at 127.0.0.1:$port within 1 s (.*Connection refused)"

# What one rank alone can know.
# local_line NAME CODE WORDS ARG...
local_line() {
    local name=$1 code=$2 words=$3
    shift 3
    rank "$name" "$@"
    expect "$name" "$last" "$code" "$words"
}
local_line insecure 2 "--coordinator: '192.0.2.1:27800' is not on this machine's loopback.*--insecure" \
    --ps-rank 1 --ps-size 2 --coordinator 192.0.2.1
local_line bind 2 "--bind: '0.0.0.0' is not on this machine's loopback.*--insecure" \
    --ps-rank 0 --ps-size 2 --coordinator localhost --bind 0.0.0.0
local_line advertise 2 "--advertise: '192.0.2.1' is not on this machine's loopback" \
    --ps-rank 0 --ps-size 2 --coordinator "localhost:$port" --advertise 192.0.2.1
local_line range 2 "rank 4 of 4" --ps-rank 4 --ps-size 4
local_line half 2 "--ps-rank says which rank this is, but not how many there are; give --ps-size" --ps-rank 1
local_line name 2 "the host 'no-such-host.invalid' is not known here" \
    --ps-rank 1 --ps-size 2 --coordinator no-such-host.invalid:1
local_line address 2 "--bind: no\|no interface\|has no such address" \
    --ps-rank 0 --ps-size 2 --coordinator "192.0.2.1:$port" --bind "192.0.2.1" --insecure
local_line nodes 2 "--nodes: 3 nodes, but there are 2 ranks" --ps-rank 1 --ps-size 2 --nodes 3
local_line port 2 "--coordinator: 'localhost:0' is no address" --ps-rank 1 --ps-size 2 --coordinator localhost:0
finish
