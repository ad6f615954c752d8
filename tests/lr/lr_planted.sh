#!/usr/bin/env bash
# lr_planted.sh CC: proves that lr_mathematics and lr_vw can fail (tests/support/planted.bash).
set -uo pipefail
# shellcheck source=tests/support/planted.bash
. "$TORTOISE_SOURCE/tests/support/planted.bash"
planted_begin "${1:?a compiler}" -O1 10
archives=("$TORTOISE_BUILD"/libtortoise_{algos,data,base}.a)
compile "$root/tests/lr/lr_mathematics.c" "$scratch/lr_mathematics.o" || exit 1

for source in lr_vw vw_reference; do
    compile "$root/tests/lr/$source.c" "$scratch/$source.o" || exit 1
done
# The reference stands in an archive, which lr_mathematics takes nothing from.
ar rc "$scratch/reference.a" "$scratch/vw_reference.o"

# An object stands in the place of the archive's, as it comes first.
build() {
    "$cc" "$scratch/$3.o" "${@:4}" "$scratch/reference.a" "${archives[@]}" "${libraries[@]}" -lz -lm -o "$1"
}
planted_right lr_mathematics

# wrong OLD NEW
wrong() {
    plant algos/lr/lr_model lr_mathematics "$1" "$2"
}
wrong '-(double)label / (1' '(double)label / (1'
wrong 'at > 0 ? at + log1p(exp(-at))' 'at > 0 ? log1p(exp(at))'
wrong 'a < b ? b : a' 'b'
wrong 'count - (shape->has_bias != 0) : 0' 'count : 0'
wrong 'sum += part * x->values[a]' 'sum += part'
wrong 'step->l2 * step->inverse_shares[place]' 'step->l2'
wrong 'inverse_out[place_of_name(shape, bias_name(shape))] = 0' '(void)0'
wrong '+= gradient * gradient' '= gradient * gradient'
wrong 'if (step->squares[place] > 0)' ''
wrong 'slope * x->values[a] * x->values[b]' 'slope * x->values[b]'
# What a clock declares and what its steps touch: a row too few, too many, or of another pair.
wrong 'set->rows[set->count++] = row' 'set->rows[set->count++] = row ^ 1'
wrong 'row_add(set, pair_at(shape, x, a, b, pair))' ''
wrong 'row_add(set, place_of_name(shape, x->names[a]))' ''
wrong 'a < x->pairing && set->count < row_count' 'a + 1 < x->pairing && a < 3'
wrong 'if (set->count == row_count) {' 'for (; set->count < row_count; set->count++) { set->rows[set->count] = set->count; } {'
wrong 'set->stamps[r] == set->stamp' 'set->stamps[r] != 0'
wrong '*places_out++ = place_of_pair(x->names[a], x->names[b], shape->bits)' \
    '*places_out++ = place_of_pair(x->names[a], x->names[b], shape->bits - 1)'
wrong 'set->stamps[row] = set->stamp' ''
wrong '0.5 * tied[0]' '0'
wrong 'if (isnan(scored[i].score))' 'if (0)'
wrong 'examples->values[n] = 0' ''


planted_right lr_vw normalized
wrong_normal() {
    plant algos/lr/lr_normal lr_vw "$1" "$2" "${3:-normalized}"
}
wrong_normal '*psi_lr_weight_at(rows, place) *= ' 'gauge->squares *= '
wrong_normal 'gauge->inverse = 1 / size' 'gauge->inverse = 1 / (size + 1)'
wrong_normal 'if (!(ratio <= RATIO_MAX))' 'if (!(ratio <= 10))'
wrong_normal 'norm += ratio * ratio' 'norm += ratio'
wrong_normal 'gauge->squares += gradient * gradient' 'gauge->squares = gradient * gradient'
wrong_normal 'sqrt(share / (double)normal->worker_count)' '(share / (double)normal->worker_count)'
wrong_normal '/ sqrtf(square)' '/ square'
wrong_normal 'q += normal->rates[n] * all.values[n] * all.values[n]' 'q += normal->rates[n] * all.values[n]'
wrong_normal 'const float pull = asked.label > 0 ? h : -h' 'const float pull = h'
wrong_normal 'psi_lr_invariant(u, (double)q) / (double)q' '1 / (1 + exp(u))'
wrong_normal 'fabs(change) > 1e-5 * d' 'fabs(change) > 1e-1 * d' invariant
wrong_normal '*weight /= 1 + ' '*weight *= 1 - ' penalty
wrong_normal 'q < bound ? q : bound' 'q < bound ? q / 8 : bound / 8' invariant

planted_end
