#!/usr/bin/env bash
# lda_first_topics_planted.sh CC: proves that the claims of lda_first_topics can fail (tests/support/planted.bash).
set -uo pipefail
# shellcheck source=tests/support/planted.bash
. "$TORTOISE_SOURCE/tests/support/planted.bash"
planted_begin "${1:?a compiler}" -O2
libraries=("$TORTOISE_BUILD/libtortoise_algos.a" "$TORTOISE_BUILD/libtortoise_data.a"
    "$TORTOISE_BUILD/libtortoise_base.a" "${libraries[@]}" -lz -lm)
for name in first_topics fixture; do
    compile "$root/tests/lda/lda_$name.c" "$scratch/lda_$name.o" || exit 1
done

build() {
    "$cc" "$scratch/$3.o" "$scratch/lda_fixture.o" ${4+"$4"} "${libraries[@]}" -o "$1"
}
planted_right lda_first_topics

# wrong OLD NEW [CLAIM]
wrong() {
    plant algos/lda/first_topics lda_first_topics "$@"
}
wrong '(sum + d->beta * d->mass)' '(sum + d->mass)' one_worker
wrong 'counts[place]++;' 'counts[place] = 1;' two_workers
wrong 'd->totals[topic]++;' '' one_worker
wrong 'd->doc_counts[topic] = 0;' '' one_worker
wrong '((double)d->doc_counts[topic] + d->alpha)' '(double)d->alpha' one_worker
wrong 'd->smoothing = (double)prior->word_count * d->beta;' 'd->smoothing = d->beta;' one_worker
wrong 'while (d->sums[place] <= at)' 'while (d->sums[place] <= at / 2)' two_workers
wrong '"lda-guide", 0' '"lda-guide", rank' two_workers
wrong 'visit(d, &part.problem->blocks, part.block, NULL);' '' two_workers
wrong 'if (topics != NULL) { /* from' 'if (false) { /* from' two_workers
wrong 'ps_random_below(&random, problem->prior.topic_count)' 'ps_random_below(&random, 1 + 1)' uniform

planted_end
