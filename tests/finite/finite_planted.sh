#!/usr/bin/env bash
# finite_planted.sh CC: proves that the tests of theorems can fail (tests/support/planted.bash): wrong constants, steps
# and algorithms are planted, one by one.
set -uo pipefail
# shellcheck source=tests/support/planted.bash
. "$TORTOISE_SOURCE/tests/support/planted.bash"
planted_begin "${1:?a compiler}" -O1 20
archives=("$TORTOISE_BUILD"/libtortoise_{algos,data,base}.a)
for name in finite_fixture finite_theorems finite_proximal finite_blocks finite_mixing finite_averaging; do
    compile "$root/tests/finite/$name.c" "$scratch/$name.o" -I"$root/tests/finite" || exit 1
done
for name in online_fixture online_iid online_theorems online_revision; do
    compile "$root/tests/online/$name.c" "$scratch/$name.o" -I"$root/tests/online" || exit 1
done

# An object stands in the place of the archive's, as it comes first.
build() {
    local fixture=${3%%_*}_fixture
    "$cc" "$scratch/$3.o" "$scratch/$fixture.o" "${@:4}" "${archives[@]}" "${libraries[@]}" -lz -lm -o "$1"
}
for name in finite_theorems finite_proximal finite_blocks finite_mixing finite_averaging online_iid online_theorems online_revision; do
    planted_right $name
done

# Constants, against numbers by hand.
plant algos/finite/finite_theorem finite_theorems 'start_gap / (0.5 *' 'start_gap / (1.0 *'
plant algos/finite/finite_theorem finite_theorems '1 / ((1 + f->delay) * f->smoothness)' '2 / ((1 + f->delay) * f->smoothness)'
plant algos/finite/finite_theorem finite_theorems 'f->margin * f->margin' 'f->margin'
plant algos/finite/finite_theorem finite_theorems '4 * f->step * squared_slope' '2 * f->step * squared_slope'
plant algos/finite/finite_theorem finite_theorems '0.5 * f->smoothness / f->workers' '0.5 * f->smoothness'
plant algos/online/theorem online_theorems 'M_PI * M_PI / 6' 'M_PI * M_PI / 12'
plant algos/online/theorem online_theorems '0.5 * f->smoothness * drift' 'f->smoothness * drift'
plant algos/online/theorem online_theorems '0.5 * f->smoothness * drift' '0.4 * f->smoothness * drift' \
    closed_forms_are_not_below_the_sums_of_their_proofs
plant algos/online/theorem online_theorems 'log_beyond(f->rounds, square / 2)' 'log_beyond(f->rounds, square)' \
    closed_forms_are_not_below_the_sums_of_their_proofs

# The same constants, against runs: bounds that are near are broken by a wrong one.
plant algos/finite/finite_theorem finite_proximal 'start_gap / (0.5 *' 'start_gap / (1.0 *' no_seed_breaks_the_bound
plant algos/finite/finite_theorem finite_proximal 'fmax(1 / f->step - (1 + f->delay)' 'fmax(1.5 / f->step - (1 + f->delay)' \
    no_seed_breaks_the_bound
plant algos/finite/finite_theorem finite_mixing 'f->norm_max * f->norm_max / (' '0.95 * f->norm_max * f->norm_max / (' \
    no_seed_breaks_the_bound
plant algos/finite/finite_theorem finite_averaging '4 * f->step * squared_slope' '0.8 * f->step * squared_slope' \
    a_fifth_of_the_distance_that_is_allowed_is_broken
plant algos/online/theorem online_iid 'f->delay * f->lipschitz * f->reach' '0.5 * f->delay * f->lipschitz * f->reach' \
    the_time_before_the_first_gradient_is_needed
plant algos/online/theorem online_iid '+ 0.5 * f->smoothness * drift' '+ 0 * drift' the_square_of_the_delay_is_needed

# Steps that are too long, and algorithms that are others.
plant algos/finite/finite_theorem finite_proximal '1 / ((1 + f->delay) * f->smoothness)' '2 / ((1 + f->delay) * f->smoothness)' \
    no_seed_breaks_the_bound
plant algos/finite/finite_theorem finite_proximal '<= rounding' '<= 4 * rounding' twice_the_step_diverges_and_is_named
plant algos/finite/proximal finite_proximal 'shrink = step * problem->l1' 'shrink = problem->l1' moves_are_those_of_the_definition
plant algos/finite/proximal finite_proximal 'fmin(left, radius)' 'left' moves_are_those_of_the_definition
plant algos/finite/proximal finite_proximal 'method->step - delay_draw(method)' 'method->step - 0 * delay_draw(method)' \
    moves_are_those_of_the_definition
plant algos/finite/proximal finite_proximal 'late_count += delay > tau' 'late_count += 0' delays_without_a_longest_one_are_named
plant algos/finite/proximal finite_proximal '(beyond > 0 ?' '(beyond > 1 ?' no_point_is_better_than_the_certified_least
plant algos/finite/examples finite_proximal 'gsl_vector_max' 'gsl_vector_min' the_curvature_is_that_of_power_iteration
plant algos/finite/finite_theorem finite_blocks 'return 1 / (f->smoothness + sqrt(2) * f->staleness' \
    'return 3 / (f->smoothness + sqrt(2) * f->staleness' blocks_from_one_point_are_the_method_in_one_place
plant algos/finite/blocks finite_blocks 'curvature * whole' '0.5 * curvature * whole' the_constants_are_those_of_finite_differences
plant algos/finite/blocks finite_blocks '*smoothness_out * sum' '0.1 * sum' the_constants_are_those_of_finite_differences
plant algos/finite/blocks finite_blocks 'rows[i % problem->worker_count][i]' 'rows[0][i]' rows_are_put_together_by_owner
plant algos/finite/blocks finite_blocks 'fabs(rows[q]' '(rows[q]' rows_are_put_together_by_owner
plant algos/finite/mixing finite_mixing 'w_out[i] += mu * rows' 'w_out[i] += rows' no_seed_breaks_the_bound
plant algos/finite/mixing finite_mixing 'mistakes / all' '1 / workers' weights_by_errors_are_those_by_hand
plant algos/finite/mixing finite_mixing 'w, d) > 0' 'w, d) >= 0' one_worker_is_the_serial_perceptron
plant algos/finite/examples finite_mixing 'least - rounding_of(d)' '0.3' the_margin_is_certified_and_labels_that_are_thrown_break_it
plant algos/finite/averaging finite_averaging 'w[i] -= problem->facts.step' 'w[i] -= 1.2 * problem->facts.step' \
    straight_losses_have_the_mean_and_variance_of_a_linear_recursion
plant algos/finite/averaging finite_averaging 'r * problem->worker_count + rank' 'r' \
    more_machines_cut_the_variance_and_leave_the_bias

plant algos/online/learner online_revision '(before - after) * back' '0 * back' the_learner_and_its_bound_are_those_of_the_proof
plant algos/online/learner online_revision '2 * g * back' 'g * back' the_learner_and_its_bound_are_those_of_the_proof
plant algos/online/revision online_revision '2 * g * in_flight' 'g * in_flight' the_learner_and_its_bound_are_those_of_the_proof
plant algos/online/revision online_revision '* oldest[i]' '* g' the_learner_and_its_bound_are_those_of_the_proof
plant algos/online/theorem online_revision 'return f->revised +' 'return f->revised / 3 +' \
    no_seed_breaks_the_bound_and_a_third_of_it_is_broken

planted_end
