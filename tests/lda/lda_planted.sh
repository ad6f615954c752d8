#!/usr/bin/env bash
# lda_planted.sh CC: proves that lda_posterior can fail. Each line below plants one error into a copy of a sampler; the
# claim that it names must then fail. An error that survives fails the test, and so does one whose place is not found.
set -uo pipefail
cc=${1:?a compiler}
root=$TORTOISE_SOURCE
scratch=$TORTOISE_SCRATCH/planted
rm -rf "$scratch"
mkdir -p "$scratch"
read -ra flags < <(pkg-config --cflags gsl cunit)
read -ra libraries < <(pkg-config --libs gsl cunit)
flags+=(-std=c11 -O2 -ffp-contract=off -I"$root/include" -I"$root/src" -I"$root/tests")
sources=(sampler sampler_dense sampler_sparse sampler_alias sampler_light sampler_warp sampler_vector
    sampler_fplus word_proposal)
base=$TORTOISE_BUILD/libtortoise_base.a

for name in "${sources[@]}"; do
    "$cc" "${flags[@]}" -c "$root/src/algos/lda/$name.c" -o "$scratch/$name.o" || exit 1
done
"$cc" "${flags[@]}" -c "$root/tests/lda/lda_posterior.c" -o "$scratch/lda_posterior.o" || exit 1

# build OUT [NAME OBJECT]: the test, with OBJECT in the place of NAME's.
build() {
    local objects=() name
    for name in "${sources[@]}"; do
        if [ "$name" = "${2-}" ]; then objects+=("$3"); else objects+=("$scratch/$name.o"); fi
    done
    "$cc" "$scratch/lda_posterior.o" "${objects[@]}" "$base" "${libraries[@]}" -lm -o "$1"
}

build "$scratch/right" || exit 1
if ! "$scratch/right" draws_from >"$scratch/right.txt"; then
    cat "$scratch/right.txt"
    exit 1
fi

count=0 failures=0
# plant NAME CLAIM OLD NEW: OLD stands in the file, once or more; the first is replaced.
plant() {
    local content rest
    count=$((count + 1))
    content=$(<"$root/src/algos/lda/$1.c")
    rest=${content/"$3"/"$4"}
    if [ "$rest" = "$content" ]; then
        echo "FAILED: $1: '$3' is not there any more"
        failures=$((failures + 1))
        return
    fi
    printf '%s\n' "$rest" >"$scratch/planted_$count.c"
    if ! "$cc" "${flags[@]}" -c "$scratch/planted_$count.c" -o "$scratch/planted.o" ||
        ! build "$scratch/wrong" "$1" "$scratch/planted.o"; then
        echo "FAILED: $1: '$4' does not compile"
        failures=$((failures + 1))
    elif timeout 60 "$scratch/wrong" "$2" >"$scratch/wrong.txt"; then
        echo "FAILED: $1: '$4' is not noticed by $2"
        failures=$((failures + 1))
    fi
}

plant sampler_dense dense_draws '(double)psi_lda_count(row[k]) + beta' '(double)psi_lda_count(row[k])'
plant sampler_dense dense_draws 'topic_draw(sampler, row);
            psi_lda_token_add' 'topic_draw(sampler, row); sampler->inverse[0] = 1;
            psi_lda_token_add'
plant sampler_sparse sparse_draws 'state->r += count * after * beta;' 'state->r += count * after;'
plant sampler_sparse sparse_draws 'state->factors[topic] = (count + alpha) * after;' \
    'state->factors[topic] = count * after;'
plant sampler_alias alias_draws '* ratio < other' '* other < ratio'
plant sampler_alias alias_draws '(count + alpha) * factor / (count * factor + alpha * stale)' \
    '(count + alpha) * factor / ((count + alpha) * factor)'
plant sampler_alias alias_draws '(count + alpha) * factor /' 'factor /'
plant sampler_light light_draws 'psi_lda_word_proposal_weight(proposal, token->slot, s)' \
    'psi_lda_word_proposal_weight(proposal, token->slot, t)'
plant sampler_light light_draws '(double)sampler->doc_counts[t] + alpha' '(double)sampler->doc_counts[t]'
plant sampler_light light_draws 'word_factor(sampler, token, t) *' ''
plant sampler_light light_draws 'is_taken(sampler, word_factor(sampler, token, t)' \
    'is_taken(sampler, word_factor(sampler, token, s)'
plant sampler_light light_draws 'other + (other >= token->place)' 'other'
plant sampler_warp warp_draws 'd->counts[s] - 1' 'd->counts[s]'
plant sampler_warp warp_draws 'd->smoothing) * d->inverse[t]' 'd->smoothing) * d->inverse[s]'
plant sampler_warp warp_draws 'other + (other >= i)' 'other'
plant sampler_warp warp_draws '.smoothing = (float)sampler->prior.beta' '.smoothing = (float)sampler->prior.alpha'
plant sampler_vector vector_draws '((float)sampler->doc_counts[topic] + state->alpha)' '(float)sampler->doc_counts[topic]'
plant sampler_vector vector_draws 'state->beta = (float)sampler->prior.beta' 'state->beta = state->alpha'
plant sampler_fplus fplus_draws '(document + alpha * state->mass)' '(document + state->mass)'
plant sampler_fplus fplus_draws 'state->groups[topic / LANES] += change;
    state->clusters[topic / (LANES * LANES)] += change;
    state->mass += change;' 'state->mass += 2 * change;'
plant word_proposal light_draws 'at < column->share ?' 'at < 1 ?'

echo "$count errors planted, $failures survived or found no place"
exit $((failures > 0))
