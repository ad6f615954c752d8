#!/usr/bin/env bash
# planted_launch.sh CC: the tests of host lists, placements and greetings can fail. Each bug below is planted in a copy
# of one file; the test that it names must then fail, and pass without it.
set -uo pipefail
cc=${1:?a compiler}
root=$TORTOISE_SOURCE
scratch=$TORTOISE_SCRATCH/planted_launch
rm -rf "$scratch"
mkdir -p "$scratch"
read -ra flags < <(pkg-config --cflags gsl cunit)
read -ra libraries < <(pkg-config --libs gsl cunit)
flags+=(-std=c11 -D_POSIX_C_SOURCE=200809L -I"$root/include" -I"$root/src" -I"$root/tests")
archives=()
for part in runtime node ps base; do
    archives+=("$TORTOISE_BUILD/libtortoise_$part.a")
done
failures=0 count=0

# fails FILE TEST: builds the test with this copy of a source of src/runtime. Returns whether the test fails.
fails() {
    local program=$scratch/test
    if ! "$cc" "${flags[@]}" "$root/tests/runtime/$2.c" "$1" "${archives[@]}" "${libraries[@]}" -lm -pthread \
        -o "$program" 2>"$scratch/cc.err"; then
        echo "FAILED: it does not compile: $(head -3 "$scratch/cc.err")"
        exit 1
    fi
    ! "$program" >"$scratch/test.out" 2>&1
}

# bug FILE TEST WHY FROM TO: FROM must stand in the file exactly once.
bug() {
    local text from=$4 to=$5 rest
    count=$((count + 1))
    text=$(<"$root/src/runtime/$1")
    rest=${text/"$from"/}
    if [ "$rest" = "$text" ] || [ "${rest/"$from"/}" != "$rest" ]; then
        echo "FAILED: '$from' does not stand in $1 exactly once"
        failures=$((failures + 1))
        return
    fi
    printf '%s\n' "${text/"$from"/"$to"}" >"$scratch/planted.c"
    if ! fails "$scratch/planted.c" "$2"; then
        echo "FAILED: nothing in $2 notices that $3"
        failures=$((failures + 1))
    fi
}

for test in host_lists placements meeting_words; do
    if fails "$root/src/runtime/hostfile.c" "$test"; then
        echo "FAILED: $test fails without a bug"
        failures=$((failures + 1))
    fi
done
bug hostlist.c host_lists "zeros in front are lost" "range.width = first == '0' ? digits : 0" "range.width = 0"
bug hostlist.c host_lists "the first bracket changes fastest" \
    'for (size_t p = item->part_count; p-- > 0;)' 'for (size_t p = 0; p < item->part_count; p++)'
bug hostlist.c host_lists "a name may be an option of ssh" "} else if (peek(in) == '-' && item->part_count == 0) {" \
    '} else if (item->part_count > PARTS_MAX) {'
bug hostlist.c host_lists "hosts without end are listed" 'if (count > PSI_HOSTS_MAX - hosts->count)' \
    'if (count > 1000000)'
bug hostlist.c host_lists "tasks for too few hosts are taken" 'return next == hosts->count' \
    'return next <= hosts->count'
bug hostfile.c host_lists "lines that end with CR LF keep the CR" " || c == '\\r'" ''
bug placement.c placements "Slurm's daemons hide the ranks of mpirun" '{OPENMPI, HYDRA, SLURM,' '{SLURM, OPENMPI, HYDRA,'
bug placement.c placements "a batch script is taken for a rank" '.sign = "SLURM_STEP_ID",' ''
bug placement.c placements "all launches of a user meet at one place" \
    'snprintf(id, sizeof id, "launch-%s", launch)' 'snprintf(id, sizeof id, "launch")'
bug meeting_wire.c meeting_words "another job's ranks are let in" 'strcmp(own->job, theirs->job) != 0' 'own == NULL'
bug meeting_wire.c meeting_words "a setting that did not fit may differ" \
    'hash = psi_crc32c(hash, aspect->value, strlen(aspect->value) + 1);' ''
bug meeting_wire.c meeting_words "a terminal gets what a stranger sends" "(uint8_t)'?'" '(uint8_t)text[i]'
echo "$count bugs, $failures not caught"
exit $((failures > 0))
