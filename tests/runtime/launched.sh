#!/usr/bin/env bash
# `tortoise launch`: the ranks of a run here and over ssh (played by a script, and by a real sshd where there is one)
# train the model of the simulation; the first failure ends all; no rank outlives the launcher or its connection.
set -uo pipefail
# shellcheck source=tests/runtime/ranks.bash
. "$TORTOISE_SOURCE/tests/runtime/ranks.bash"
command -v pgrep >/dev/null || skip "needs pgrep (procps)"
expected=$(simulated_sha)
claim "a simulation gives a model" [ ${#expected} -eq 64 ]

# A stand-in for ssh: like it, it runs the command in a shell of its own and notes the host.
cat >"$scratch/ssh" <<'SCRIPT'
#!/bin/sh
[ "$1" = -o ] && shift 2
echo "$1" >>"${0%/*}/hosts"
shift
exec sh -c "$*"
SCRIPT
chmod +x "$scratch/ssh"

# launch NAME ARG...: in the foreground; the exit code is in $code.
launch() {
    local name=$1
    shift
    timeout 60 "$TORTOISE" launch "$@" >"$scratch/$name.out" 2>"$scratch/$name.err"
    code=$?
}

launch local -n 4 -- run mf "${task[@]}" --out "$scratch/local"
claim "launch ends with 0, not $code: $(tail -3 "$scratch/local.err")" [ "$code" -eq 0 ]
claim "launch: the same bits" [ "$(sha_of "$scratch/local")" = "$expected" ]
claim "rank 0's summary is on stdout" grep -q model_sha256 "$scratch/local.out"

printf 'first slots=2\nsecond:2\n' >"$scratch/hostfile"
launch remote --hostfile "$scratch/hostfile" --ssh "$scratch/ssh -o Option=1" --coordinator "127.0.0.1:$(free_port)" \
    --job "it's" -- run mf "${task[@]}" --insecure --out "$scratch/rem ote"
claim "over ssh it ends with 0, not $code: $(tail -3 "$scratch/remote.err")" [ "$code" -eq 0 ]
claim "over ssh: the same bits" [ "$(sha_of "$scratch/rem ote")" = "$expected" ]
claim "slot by slot" [ "$(sort "$scratch/hosts" | tr '\n' ' ')" = "first first second second " ]
claim "a quote in the name of the job arrives" grep -q "job 'it's' (PS_JOB)" "$scratch/remote.err"

# What is wrong is said before anything starts.
# refused NAME WORDS ARG...
refused() {
    local name=$1 words=$2
    shift 2
    launch "$name" "$@"
    claim "$name: exit code 2, not $code" [ "$code" -eq 2 ]
    claim "$name: '$words' is in: $(cat "$scratch/$name.err")" grep -q -- "$words" "$scratch/$name.err"
}
refused plain "add --insecure behind 'run'" --hosts a,b -- run mf
refused nothing "behind '--' stands the run" -n 2
refused another "behind '--' stands the run" -n 2 -- sim mf
refused count "how many ranks" -- run mf
refused list "a range that ends before it begins" --hosts 'n[4-2]' -- run mf
refused loopback "which means another machine elsewhere" --hosts localhost,b -- run mf --insecure
printf 'a slots=2\nb slots=0\n' >"$scratch/wrong"
refused file "wrong:2: a host has 1 to 4096 slots" --hostfile "$scratch/wrong" -- run mf
launch failing -n 2 --hosts elsewhere --ssh false --coordinator localhost:27999 -- run mf --insecure
claim "an ssh that fails ends it with 1, not $code" [ "$code" -eq 1 ]
claim "and names the rank: $(cat "$scratch/failing.err")" grep -q 'on elsewhere was the first to fail' "$scratch/failing.err"

# One rank's failure is the launch's.
launch usage -n 3 -- run mf --no-such-option
claim "a usage error of all ranks is 2, not $code" [ "$code" -eq 2 ]
claim "lines of others have their rank before them" grep -q '^\[1@.*\] tortoise: .*unknown option' "$scratch/usage.err"

# Whoever started the program may not care for its children; the program does.
timeout 60 env --ignore-signal=CHLD "$TORTOISE" launch -n 2 -- run mf "${task[@]}" --quiet --out "$scratch/careless" \
    >"$scratch/careless.out" 2>"$scratch/careless.err"
code=$?
claim "started with SIGCHLD ignored it ends with 0, not $code" [ "$code" -eq 0 ]

# start NAME ARG...: a launch that would take hours, in the background; its ranks are in $ranks.
start() {
    local name=$1 rank
    shift
    ranks=()
    setsid "$TORTOISE" launch "$@" -- run mf --policy bsp --clocks 1000000 --eval-every 100000 --workers 3 --insecure \
        --out "$scratch/$name" >"$scratch/$name.out" 2>"$scratch/$name.err" &
    launcher=$!
    for _ in $(seq 1500); do
        mapfile -t ranks < <(pgrep -f -- "run mf .*--out $scratch/$name\$" | grep -vx "$launcher")
        if [ "${#ranks[@]}" -eq 3 ]; then
            rank=${ranks[2]}
            # A rank's loop, lifeline, evaluator and worker: it runs.
            [ "$(threads "$rank")" -ge 4 ] && return
        fi
        sleep 0.02
    done
    claim "the launch starts: $(cat "$scratch/$name.err")" false
    finish
}

# Nothing runs on for hours because a test failed: what writes to our folder is ours.
trap 'pkill -KILL -f -- "--out $scratch/"' EXIT

# shellcheck disable=SC2317 # claim calls it
# Whether all ranks are gone within five seconds; an unreaped one is gone, too.
all_gone() {
    for _ in $(seq 100); do
        if ! ps -o stat= -p "${ranks[0]},${ranks[1]},${ranks[2]}" | grep -qv '^Z'; then
            return 0
        fi
        sleep 0.05
    done
    return 1
}

over_ssh=(--hosts "a,b,c" --ssh "$scratch/ssh" --coordinator)
for way in here ssh; do
    where=(-n 3)
    [ "$way" = ssh ] && where=("${over_ssh[@]}" "127.0.0.1:$(free_port)")

    start "killed-$way" "${where[@]}"
    kill -KILL "${ranks[1]}"
    wait "$launcher"
    code=$?
    claim "$way: exit code 5 after a rank is killed, not $code" [ "$code" -eq 5 ]
    claim "$way: it says which: $(cat "$scratch/killed-$way.err")" grep -q 'rank 1 on .* died of signal 9' \
        "$scratch/killed-$way.err"
    claim "$way: no rank is left after that" all_gone

    [ "$way" = ssh ] && where=("${over_ssh[@]}" "127.0.0.1:$(free_port)")
    start "interrupted-$way" "${where[@]}"
    kill -INT "$launcher"
    wait "$launcher"
    code=$?
    claim "$way: exit code 0 after an interrupt, not $code: $(cat "$scratch/interrupted-$way.err")" [ "$code" -eq 0 ]
    claim "$way: what was measured is there" [ -s "$scratch/interrupted-$way/metrics.csv" ]
    claim "$way: no rank is left after an interrupt" all_gone

    [ "$way" = ssh ] && where=("${over_ssh[@]}" "127.0.0.1:$(free_port)")
    start "orphaned-$way" "${where[@]}"
    kill -KILL "$launcher"
    wait "$launcher"
    claim "$way: no rank outlives its launcher" all_gone
done

# With a real sshd on this machine, throw-away keys and a port of the system's choosing.
real_ssh() {
    local sshd port
    sshd=$(command -v sshd || echo /usr/sbin/sshd)
    if [ ! -x "$sshd" ] || ! command -v ssh >/dev/null || ! command -v ssh-keygen >/dev/null; then
        echo "without a real ssh: no sshd is installed"
        return
    fi
    local keys=$scratch/keys
    mkdir -m 700 "$keys"
    ssh-keygen -q -t ed25519 -N '' -f "$keys/host" && ssh-keygen -q -t ed25519 -N '' -f "$keys/user" || return
    cp "$keys/user.pub" "$keys/authorized"
    port=$(free_port)
    cat >"$keys/config" <<CONFIG
ListenAddress 127.0.0.1:$port
HostKey $keys/host
AuthorizedKeysFile $keys/authorized
PidFile $keys/pid
StrictModes no
UsePAM no
PermitRootLogin yes
MaxStartups 100
CONFIG
    [ "$(id -u)" -eq 0 ] && mkdir -p /run/sshd
    "$sshd" -D -f "$keys/config" -E "$keys/log" &
    local daemon=$!
    local client="ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=$keys/known"
    client="$client -o LogLevel=ERROR -i $keys/user -p $port -o HostName=127.0.0.1"
    local up=no
    for _ in $(seq 100); do
        if $client far true 2>/dev/null; then
            up=yes
            break
        fi
        kill -0 "$daemon" 2>/dev/null || break
        sleep 0.05
    done
    if [ "$up" = no ]; then
        echo "without a real ssh: sshd does not work here: $(tail -1 "$keys/log")"
    else
        launch sshd --hosts far:2,farther:2 --ssh "$client" --coordinator "127.0.0.1:$(free_port)" -- \
            run mf "${task[@]}" --insecure --out "$scratch/sshd"
        claim "over a real ssh it ends with 0, not $code: $(tail -3 "$scratch/sshd.err")" [ "$code" -eq 0 ]
        claim "over a real ssh: the same bits" [ "$(sha_of "$scratch/sshd")" = "$expected" ]
        start sshd-orphaned --hosts far,farther,farthest --ssh "$client" --coordinator "127.0.0.1:$(free_port)"
        claim "three ranks run behind sshd" [ "${#ranks[@]}" -eq 3 ]
        kill -KILL "$launcher"
        wait "$launcher"
        claim "a real ssh: no rank outlives its launcher" all_gone
    fi
    kill "$daemon" 2>/dev/null
    wait "$daemon"
}
real_ssh
finish
