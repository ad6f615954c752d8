#!/usr/bin/env bash
# conformance_planted.sh CC: proves that the conformance suite in real processes notices what a process loses on the way
# to the first one, which makes the results (tests/support/planted.bash).
set -uo pipefail
# shellcheck source=tests/support/planted.bash
. "$TORTOISE_SOURCE/tests/support/planted.bash"
planted_begin "${1:?a compiler}" -O1
archives=("$TORTOISE_BUILD"/libtortoise_{runtime,node,ps,base}.a)
for test in conformance_runtime promises tags; do
    compile "$root/tests/conformance/$test.c" "$scratch/$test.o" || exit 1
done

# An object stands in the place of the archive's, as it comes first.
build() {
    "$cc" "$scratch"/{conformance_runtime,promises,tags}.o "${@:4}" "${archives[@]}" "${libraries[@]}" -lm -pthread \
        -o "$1"
}
planted_right runtime bsp_is_equal

# wrong OLD NEW
wrong() {
    plant node/monitor_frames runtime "$1" "$2" bsp_is_equal
}
wrong 'psi_put_u64(to, results->tally.counts[i]);' 'psi_put_u64(to, 0);'
wrong 'if (times > 0 && !psi_tally_add(' 'if (times > 1 && !psi_tally_add('
wrong 'psi_tally_add(&monitor->results->tally, i, times)' 'psi_tally_add(&monitor->results->tally, i ^ 1, times)'
wrong 'psi_put_u64(to, results->staleness[d]);' 'psi_put_u64(to, 0);'
wrong 'psi_monitor_count_reads(monitor, behind, psi_read_u64(&reader))' \
    'psi_monitor_count_reads(monitor, behind, psi_read_u64(&reader) / 2)'
wrong 'row.clock = psi_read_u32(reader);' 'row.clock = psi_read_u32(reader) / 2;'
wrong 'psi_put_f64(to, evaluation->sums[monitor->first_rank * sum_count + i]);' 'psi_put_f64(to, 0);'

planted_end
