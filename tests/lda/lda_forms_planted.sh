#!/usr/bin/env bash
# lda_forms_planted.sh CC: proves that the claims of lda_forms can fail (tests/support/planted.bash).
set -uo pipefail
# shellcheck source=tests/support/planted.bash
. "$TORTOISE_SOURCE/tests/support/planted.bash"
if ! grep -q avx2 /proc/cpuinfo; then
    echo "skipped: no form but the plain one here"
    exit 77
fi
planted_begin "${1:?a compiler}" -O2
libraries=("$TORTOISE_BUILD/libtortoise_algos.a" "$TORTOISE_BUILD/libtortoise_data.a"
    "$TORTOISE_BUILD/libtortoise_base.a" "${libraries[@]}" -lz -lm)
for name in forms fixture; do
    compile "$root/tests/lda/lda_$name.c" "$scratch/lda_$name.o" || exit 1
done

build() {
    "$cc" "$scratch/$3.o" "$scratch/lda_fixture.o" ${4+"$4"} "${libraries[@]}" -o "$1"
}
planted_right lda_forms

# wrong SAMPLER OLD NEW
wrong() {
    plant "algos/lda/sampler_$1" lda_forms "$2" "$3" "$1_draws"
}
wrong vector 'lane += state->over_lanes[LANES + l] <= at;' 'lane += state->over_lanes[LANES + l] < at * 0.999F;'
wrong vector 'for (uint32_t step = 1; step < LANES; step *= 2) {' 'for (uint32_t step = LANES / 2; step > 0; step /= 2) {'
wrong vector '_mm256_add_ps(_mm256_cvtepi32_ps(clamped), beta)' '_mm256_cvtepi32_ps(clamped)'
wrong vector '_mm256_max_epi32(read, _mm256_setzero_si256())' 'read'
wrong vector 'float *const vector = state->weights + (place - lane);' 'float *const vector = state->weights;'
wrong fplus 'for (uint32_t step = 1; step < LANES; step *= 2) {' 'for (uint32_t step = LANES / 2; step > 0; step /= 2) {'
wrong fplus 'if (left > HALF)' 'if (left > HALF + 1)'
wrong fplus '_mm256_srli_epi32(entries, 16)' 'entries'
wrong light 'LANES_AVX2 - 1 - count % LANES_AVX2' 'LANES_AVX2 - 2 - count % LANES_AVX2'
wrong light 'psi_lda_entries_left(list + begin, count - begin)' 'psi_lda_entries_left(list + begin, EIGHT)'
lists() {
    plant "algos/lda/$1" lda_forms "$2" "$3" light_draws_the_same_with_lists
}
lists sampler_light 'list_change(token, topic, as);' ''
lists sampler_light 'token->list[place] -= psi_lda_entry_one;' ''
lists sampler_light '_mm256_srli_epi32(entries, 16)' '_mm256_set1_epi32(1)'

planted_end
