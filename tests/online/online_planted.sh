#!/usr/bin/env bash
# online_planted.sh CC: proves that the tests of sets, delays, reads and the best fixed point can fail
# (tests/support/planted.bash).
set -uo pipefail
# shellcheck source=tests/support/planted.bash
. "$TORTOISE_SOURCE/tests/support/planted.bash"
planted_begin "${1:?a compiler}" -O1 20
archives=("$TORTOISE_BUILD"/libtortoise_{algos,data,node,ps,base}.a)
for name in online/online_{convex,delays,virtual,regret,fixture} conformance/{conformance_memory,tags,promises} \
    support/memory_port; do
    compile "$root/tests/$name.c" "$scratch/$(basename "$name").o" || exit 1
done

# An object stands in the place of the archive's, as it comes first.
build() {
    local others=("$scratch/online_fixture.o")
    [ "$3" = conformance_memory ] && others=("$scratch"/{tags,promises,memory_port}.o)
    "$cc" "$scratch/$3.o" "${others[@]}" "${@:4}" "${archives[@]}" "${libraries[@]}" -lz -lm -o "$1"
}
for name in online_{convex,delays,virtual}; do
    planted_right "$name"
done
planted_right online_regret the_regret_is_that_of_the_definition

# wrong FILE TEST CLAIM OLD NEW
wrong() {
    plant "algos/online/$1" "$2" "$4" "$5" "$3"
}
nearest=a_projection_is_the_nearest_point
wrong convex online_convex $nearest '(k + 1)' '(k + 2)'
wrong convex online_convex $nearest 'sorted[k] > candidate' 'sorted[k] < candidate'
wrong convex online_convex $nearest 'set->radius / norm' 'set->radius / (norm + 0.001)'
wrong convex online_convex $nearest 'fmax(-set->radius' 'fmax(0'
wrong convex online_convex sizes_of_sets 'g[i] < g[least]' 'g[i] > g[least]'
wrong convex online_convex sizes_of_sets '1 - 1.0 / set->dimension' '1 - 0.5 / set->dimension'
wrong convex online_convex slopes_and_constants '-label / (1 + exp(z))' '-label / (1 + exp(-z))'

corner=the_best_of_hinges_is_a_corner
wrong hinge_comparator online_convex $corner 'sum += alpha;' 'sum += 1.0001 * alpha;'
wrong hinge_comparator online_convex $corner 'force[i] -= alpha' 'force[i] -= 0.999 * alpha'
wrong hinge_comparator online_convex $corner 'one->pull - z_dx' 'one->pull + z_dx'
wrong hinge_comparator online_convex the_comparator_is_as_good '+ 0.5 * strong' '+ strong'
wrong hinge_comparator online_convex the_comparator_is_as_good 'trace / in->d' '0'

wrong stream online_delays fixed_and_bursty 'return tau;' 'return tau + 1;'
wrong stream online_delays fixed_and_bursty '(uint64_t)tau + 1' '(uint64_t)tau + 2'
wrong stream online_delays random_delays 'gsl_ran_geometric(rng, 1 / (1 + mean)) - 1' \
    'gsl_ran_geometric(rng, 1 / (1 + mean))'
wrong stream online_delays random_delays 'mean / 3' 'mean / 2'
wrong learner online_delays a_read_lacks 't + learner->options.delays[t]' 't + learner->options.delays[t] + 1'
wrong learner online_regret the_regret_is 't + learner->options.delays[t]' 't + learner->options.delays[t] + 1'
wrong learner online_delays a_read_lacks 'learner->is_used[round] = 1;' ''
wrong learner online_delays a_read_lacks '.delay = t - learner->oldest' '.delay = t - learner->oldest + 1'

reads=reads_are_those_of_the_definition stalest=the_stalest_read_lacks
wrong virtual_workers online_virtual $stalest 'clock < staleness ? 0 : clock - staleness' \
    'clock < staleness + 1 ? 0 : clock - staleness - 1'
wrong virtual_workers online_virtual $reads 'clock < staleness ? 0 : clock - staleness' \
    'clock < staleness + 1 ? 0 : clock - staleness - 1'
wrong virtual_workers online_virtual $reads 'stamp < r->round' 'stamp <= r->round'
wrong virtual_workers online_virtual $reads 'game->step - lag, 0' 'game->step - lag + 0 * lag, 1'
wrong virtual_workers online_virtual $reads 'other == own ? other < r->round' 'other == own ? 0'
wrong virtual_workers online_virtual $stalest 'r->read.in_flight++;' 'r->read.in_flight += 2;'
wrong virtual_workers online_virtual $stalest 'r->round - other > r->read.delay' 'r->round - other > 0'
wrong stale_read online_virtual $reads '(facts->staleness + 1)' 'facts->staleness'
wrong stale_read online_virtual $reads 'in_flight / sqrt' '1 / sqrt'

# A histogram that is not the sum of what the workers counted.
tally() {
    plant "node/$1" conformance_memory "$2" "$3"
}
planted_right conformance_memory
tally worker 'at * file->column_count + column' 'at + column'
tally worker ': PS_TALLY_NUMBER_MAX;' ': PS_TALLY_NUMBER_MAX - 1;'
tally run 'counts[place] += times' 'counts[place] = times'
tally monitor '&monitor->results->tally, i, tally->counts[i]' '&monitor->results->tally, i, 1'

planted_end
