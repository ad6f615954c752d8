#!/usr/bin/env bash
# What the machine denies a run (space, files, memory, ports, names): one clear line on stderr, the right exit code,
# and nothing half-written, nothing left running. The table at the end has a line per case.
set -uo pipefail
if ! command -v pgrep >/dev/null || ! command -v setsid >/dev/null; then
    echo "skipped: needs pgrep and setsid"
    exit 77
fi
: "${TORTOISE:?the program}" "${TORTOISE_SCRATCH:?a folder of our own}"
rm -rf "$TORTOISE_SCRATCH" && mkdir -p "$TORTOISE_SCRATCH/work" && cd "$TORTOISE_SCRATCH/work" || exit 1
export TORTOISE
export RUN="$TORTOISE run mf --data synthetic:users=400,items=900,ratings=9000 --clocks 3 --quiet"
exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- # what this was started with counts as open, too
failures=0
checks=0

# denied CODE WORD COMMAND: bash runs COMMAND, in a session of its own; it ends with CODE, says one line that holds
# WORD (beside where a rank got its number from, and warnings), and leaves no file and no process. Files that COMMAND itself needs belong under ../own.
denied() {
    local code=$1 word=$2 command=$3 session got lines
    checks=$((checks + 1))
    mkdir -p ../own
    setsid --wait timeout 60 bash -c "echo \$\$ >../session; $command" >../out.txt 2>../said.txt </dev/null
    got=$?
    grep -vE '^tortoise: (rank [0-9]+ \(|warning: )' ../said.txt >../err.txt
    session=$(cat ../session)
    lines=$(grep -c '' ../err.txt)
    if [ "$got" != "$code" ] || [ "$lines" != 1 ] || ! grep -qE -- "$word" ../err.txt; then
        echo "FAILED: exit code $got (not $code), $lines lines, '$word' expected: $command: $(cat ../err.txt)"
        failures=$((failures + 1))
    fi
    if [ -n "$(ls -A)" ]; then
        echo "FAILED: left behind by $command: $(find . | head)"
        failures=$((failures + 1))
        rm -rf ./*
    fi
    if pgrep -s "$session" >/dev/null; then
        echo "FAILED: still running: $command: $(pgrep -as "$session")"
        failures=$((failures + 1))
    fi
    rm -rf ../own
}

# The cases that need a file system of their own, or another user, where one may have that.
as_nobody='setpriv --reuid 65534 --regid 65534 --clear-groups'
if ! $as_nobody true 2>/dev/null; then
    as_nobody=''
fi
has_mounts=no
if unshare -Urm true 2>/dev/null; then
    has_mounts=yes
else
    echo "without cases of full and read-only file systems: no name spaces here"
fi
with_mount() { # OPTIONS COMMAND...: mounts a file system of memory at `mounted`
    local options=$1
    shift
    echo "mkdir mounted; unshare -Urm bash -c 'mount -t tmpfs -o $options tmpfs mounted && cd mounted && { $*; }';" \
        "code=\$?; rmdir mounted; exit \$code"
}

# The table: exit code, what the line says, the command.
if [ "$has_mounts" = yes ]; then
    # shellcheck disable=SC2016 # bash -c expands it
    {
        denied 2 'No space left on device' "$(with_mount size=4k '$RUN --out run; code=$?; ls -A; [ -z "$(ls -A)" ] || exit 99; exit $code')"
        denied 2 'No space left on device' "$(with_mount size=32k '$RUN --out run; code=$?; [ -z "$(ls -A)" ] || exit 99; exit $code')"
        denied 2 'Read-only file system' "$(with_mount ro '$RUN --out run')"
        denied 2 'Read-only file system' "$(with_mount ro '$RUN --out deep/er/run')"
    }
fi
# shellcheck disable=SC2016 # bash -c expands it
{
    denied 2 'File too large' 'ulimit -f 4; exec $RUN --out run'
    denied 2 'File too large' 'ulimit -f 4; exec $RUN --nodes 2 --workers 4 --out run'
    for files in 4 5 7 9 10 11; do
        denied 2 "Too many open files; raise the limit" "ulimit -n $files; exec \$RUN --nodes 3 --workers 3 --out run"
    done
    denied 2 'Too many open files; raise the limit' 'ulimit -n 4; exec $RUN --nodes 1 --workers 1 --out run'
    denied 2 'standard output cannot be written' '$RUN --nodes 2 --workers 2 --out run >/dev/full; code=$?; rm -r run; exit $code'
    denied 2 'missing.txt: No such file' 'exec $RUN --data missing.txt --out run'
    denied 2 'data: cannot be read' 'mkdir ../own/data; exec $RUN --data ../own/data --out run'
    denied 2 'file/run: Not a directory' 'touch ../own/file; exec $RUN --out ../own/file/run'
    if [ -n "$as_nobody" ]; then
        chmod o+rwx .
        denied 2 'secret.txt: Permission denied' "echo 1 1 3 >../own/secret.txt; chmod 600 ../own/secret.txt; exec $as_nobody \$RUN --data ../own/secret.txt --out run"
        denied 2 'locked: Permission denied' "mkdir -m 755 ../own/locked; exec $as_nobody \$RUN --out ../own/locked/run"
    elif [ "$(id -u)" != 0 ]; then
        denied 2 'secret.txt: Permission denied' 'echo 1 1 3 >../own/secret.txt; chmod 000 ../own/secret.txt; exec $RUN --data ../own/secret.txt --out run'
        denied 2 'locked: Permission denied' 'mkdir -m 555 ../own/locked; exec $RUN --out ../own/locked/run'
    fi
}

# One rank of several; the port is one that the system gives to nobody by itself.
port=$((20000 + $$ % 10000))
export RANK="$RUN --out run --start-timeout 1s --coordinator 127.0.0.1:$port"
# shellcheck disable=SC2016 # bash -c expands it
{
    denied 2 'ps-rank: rank 5 of 4' 'exec $RANK --ps-rank 5 --ps-size 4'
    denied 2 'ps-rank: rank 4 of 4' 'exec $RANK --ps-rank 4 --ps-size 4'
    denied 2 "host 'no-such-host.invalid' is not known" 'exec $RANK --ps-rank 1 --ps-size 2 --coordinator no-such-host.invalid:9 --insecure'
    denied 2 "host 'no-such-a.invalid' is not known" 'exec $RUN --out run --ps-rank 1 --ps-size 2 --hosts no-such-a.invalid,no-such-b.invalid --insecure --start-timeout 1s'
    denied 2 'add --insecure' 'exec $RANK --ps-rank 0 --ps-size 2 --coordinator 192.0.2.1:9'
    denied 2 '192.0.2.1:9: Cannot assign requested address' 'exec $RANK --ps-rank 0 --ps-size 2 --bind 192.0.2.1:9 --insecure'
    denied 5 'rank 1 on .* found no rank 0 at 127.0.0.1' 'exec $RANK --ps-rank 1 --ps-size 2'
    denied 5 'after 1 s 2 of 3 ranks are missing: 1 to 2' 'exec $RANK --ps-rank 0 --ps-size 3'
    # A port that somebody else has: rank 0 of another run, which is still waiting for its rank 1.
    taken='$RANK --ps-rank 0 --ps-size 2 >/dev/null 2>&1 & first=$!'
    until_taken='until [ -n "$(grep -i ":$(printf %04X '$port') 00000000:0000 0A" /proc/net/tcp)" ]; do sleep 0.05; done'
    denied 2 'Address already in use' "$taken; $until_taken; \$RANK --ps-rank 0 --ps-size 2; code=\$?; wait \$first; exit \$code"
    # The second rank 1 is told; the run goes on waiting for the one that is missing.
    twice='$RANK --ps-rank 1 --ps-size 3 >../a.txt 2>&1 & a=$!; $RANK --ps-rank 1 --ps-size 3 >../b.txt 2>&1 & b=$!; wait $a $b; cat ../a.txt ../b.txt >../both.txt; grep "second rank 1" ../both.txt | grep -v "ranks are missing" >&2'
    denied 5 'a second rank 1, on .* was refused: .*give every rank a number of its own' "\$RANK --ps-rank 0 --ps-size 3 >/dev/null 2>&1 & zero=\$!; $twice; wait \$zero; exit"
}

echo "$checks checks, $failures failures"
[ "$failures" = 0 ]
