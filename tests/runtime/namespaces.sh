#!/usr/bin/env bash
# Four network namespaces joined by a bridge are four hosts: each rank has an address of its own and sees no other
# rank's loopback. Under bsp the model is that of the simulation, over IPv4 and over IPv6.
set -uo pipefail
# shellcheck source=tests/runtime/ranks.bash
. "$TORTOISE_SOURCE/tests/runtime/ranks.bash"
names=()
# shellcheck disable=SC2317 # the trap calls it
remove() {
    local name
    for name in "${names[@]}"; do
        ip netns delete "$name" 2>/dev/null
    done
}
trap remove EXIT

# namespace NAME: makes one.
namespace() {
    ip netns add "$1" 2>"$scratch/ip.err" || return 1
    names+=("$1")
    ip -n "$1" link set lo up
}

command -v ip >/dev/null || skip "needs ip (iproute2)"
hub=tortoise-$$-hub
namespace "$hub" || skip "network namespaces are not permitted here: $(tail -1 "$scratch/ip.err")"
ip -n "$hub" link add bridge0 type bridge 2>"$scratch/ip.err" ||
    skip "bridges are not permitted here: $(tail -1 "$scratch/ip.err")"
ip -n "$hub" link set bridge0 up
for i in 0 1 2 3; do
    host=tortoise-$$-$i
    if ! { namespace "$host" && ip -n "$hub" link add "port$i" type veth peer name eth0 netns "$host" &&
        ip -n "$hub" link set "port$i" master bridge0 up && ip -n "$host" link set eth0 up &&
        ip -n "$host" address add "10.77.0.1$i/24" dev eth0; } 2>"$scratch/ip.err"; then
        skip "virtual links are not permitted here: $(tail -1 "$scratch/ip.err")"
    fi
    ip -n "$host" -6 address add "fd77::1$i/64" dev eth0 nodad 2>/dev/null
done

# on I ARG...: rank I runs on its host, in the background.
on() {
    local i=$1
    shift
    timeout 60 ip netns exec "tortoise-$$-$i" "$TORTOISE" run mf "${task[@]}" --ps-rank "$i" --ps-size 4 "$@" \
        >"$scratch/$i.out" 2>"$scratch/$i.err" &
    pids[i]=$!
}

expected=$(simulated_sha)
claim "a simulation gives a model" [ ${#expected} -eq 64 ]

# try NAME ARG...: the ranks come in an order of their own; rank 0 is not the first.
try() {
    local name=$1 i
    shift
    pids=()
    for i in 2 0 3 1; do
        on "$i" --insecure --out "$scratch/$name" "$@"
    done
    for i in 0 1 2 3; do
        wait "${pids[i]}"
        code=$?
        claim "$name: rank $i ends with 0, not $code: $(cat "$scratch/$i.err")" [ "$code" -eq 0 ]
    done
    claim "$name: the same bits" [ "$(sha_of "$scratch/$name")" = "$expected" ]
    for i in 1 2 3; do
        claim "$name: rank $i prints nothing" [ ! -s "$scratch/$i.out" ]
        claim "$name: nor does it say anything: $(cat "$scratch/$i.err")" [ ! -s "$scratch/$i.err" ]
    done
}
try ipv4 --coordinator 10.77.0.10:27800
if ip netns exec "tortoise-$$-0" ping -6 -c 1 -W 1 fd77::11 >/dev/null 2>&1 ||
    ip -n "tortoise-$$-0" -6 address show dev eth0 | grep -q fd77; then
    try ipv6 --coordinator '[fd77::10]:27800'
fi
claim "the warning is in the manifest" grep -q '"warning": "--insecure' "$scratch/ipv4/manifest.json"
claim "and on stderr" grep -q 'warning: --insecure' "$scratch/0.err"

# A rank that listens on one of its addresses, and one that says where it is reached.
pids=()
on 0 --insecure --out "$scratch/bound" --coordinator 10.77.0.10:27801 --bind 10.77.0.10
on 1 --insecure --coordinator 10.77.0.10:27801 --bind 10.77.0.11
on 2 --insecure --coordinator 10.77.0.10:27801 --bind '0.0.0.0:27901' --advertise 10.77.0.12
on 3 --insecure --coordinator 10.77.0.10:27801 --advertise 10.77.0.13
wait
claim "--bind and --advertise: the same bits" [ "$(sha_of "$scratch/bound")" = "$expected" ]

# A rank's machine is cut off: the others end and name it.
task=(--policy bsp --clocks 1000000 --eval-every 0)
pids=()
for i in 0 1 2 3; do
    on "$i" --insecure --coordinator 10.77.0.10:27802 --silence-timeout 2s --out "$scratch/cut"
done
for _ in $(seq 200); do
    [ "$(threads "$(pgrep -P "${pids[0]}" | head -1)")" -ge 3 ] && break # the loop, the evaluator, the worker: it runs
    sleep 0.05
done
ip -n "$hub" link set port2 down
wait "${pids[0]}"
code=$?
claim "rank 0 ends with 5, not $code: $(cat "$scratch/0.err")" [ "$code" -eq 5 ]
claim "it names the rank that is cut off: $(tail -1 "$scratch/0.err")" grep -q 'process 2 (node 2)' "$scratch/0.err"
wait "${pids[2]}"
code=$?
claim "so does the one that is cut off end, with 5, not $code" [ "$code" -eq 5 ]
claim "and it says so itself: $(tail -1 "$scratch/2.err")" grep -q 'rank 2 on' "$scratch/2.err"
wait
finish
