#!/usr/bin/env bash
# lda_measures_planted.sh CC: proves that the tests of coherence, inference, models, drawn documents and packed topics
# can fail (tests/support/planted.bash).
set -uo pipefail
# shellcheck source=tests/support/planted.bash
. "$TORTOISE_SOURCE/tests/support/planted.bash"
planted_begin "${1:?a compiler}" -O1
archives=("$TORTOISE_BUILD"/libtortoise_{algos,data,base}.a)
for test in lda_npmi lda_mixtures lda_corpus_part lda_blocks lda_fixture; do
    compile "$root/tests/lda/$test.c" "$scratch/$test.o" || exit 1
done

# An object stands in the place of the archive's, as it comes first.
build() {
    "$cc" "$scratch/$3.o" "$scratch/lda_fixture.o" "${@:4}" "${archives[@]}" "${libraries[@]}" -lz -lm -o "$1"
}
planted_right lda_npmi
planted_right lda_mixtures
planted_right lda_corpus_part
planted_right lda_blocks packed_topics

plant algos/lda/lda_coherence lda_npmi 'return common == 0 ? -1 : 1' 'return common == 0 ? 0 : 1'
plant algos/lda/lda_coherence lda_npmi '(p_left * p_right)) / -log(p)' '(p_left * p_right))'
plant algos/lda/lda_coherence lda_npmi '(double)docs)' '(double)docs + 1)'
plant algos/lda/lda_coherence lda_npmi 'first + blocks->tokens[first + i]' 'blocks->tokens[first + i]'
plant algos/lda/lda_coherence lda_npmi '|= (uint16_t)(1U << i)' '= (uint16_t)(1U << i)'
plant algos/lda/lda_coherence lda_npmi 'if (!isnan(npmi[k]))' 'if (1)'
plant algos/lda/lda_topics lda_npmi 'top->counts[at - 1] < count' 'top->counts[at - 1] <= count'
plant algos/lda/lda_topics lda_npmi 'count <= top->counts[last]' 'count < top->counts[last]'
plant algos/lda/lda_infer lda_mixtures 'share[k] = phi_of(f, row, k) *' 'share[k] ='
plant algos/lda/lda_infer lda_mixtures '(tokens + f->alpha_sum)' 'tokens'
plant algos/lda/lda_infer lda_mixtures 'f->copies[count - 1]++' 'f->copies[count - 1] += 0'
plant algos/lda/lda_infer lda_mixtures 'f->unknown += 1' 'f->unknown += 2'
plant algos/lda/lda_infer lda_mixtures 'answer->values + d * topics' 'answer->values + (corpus->doc_count - 1 - d) * topics'
plant algos/lda/lda_model lda_mixtures 'sums[k] != model->totals[k]' '0'
plant algos/lda/lda_model lda_mixtures 'piece->type != wanted->type ||' ''
plant algos/lda/lda_model lda_mixtures '!(model->alpha[k] > 0) ||' ''

plant algos/lda/lda_coherence lda_npmi 'at.doc_first = part.problem->doc_first;' ''
plant algos/lda/corpus_part lda_corpus_part 'own->doc_first = begin;' ''
plant algos/lda/corpus_part lda_corpus_part 'whole->doc_ids + begin' 'whole->doc_ids'
plant algos/lda/corpus_part lda_corpus_part 'own->layout.worker_count = 1;' \
    'own->layout.worker_count = 1; own->layout.frequencies = NULL;'
plant algos/lda/lda_problem lda_corpus_part 'ids_out[doc] = doc_first + d;' 'ids_out[doc] = doc_first + doc;'
plant algos/lda/lda_problem lda_corpus_part '"lda-heldout", doc_first + d' '"lda-heldout", d'
plant algos/lda/lda_problem lda_corpus_part 'all->token_count + some.doc_begins[d + 1]' 'some.doc_begins[d + 1]'
plant algos/lda/lda_problem lda_corpus_part 'problem->frequencies[some.words[i]]++' 'problem->frequencies[some.words[i]] += 2'

# packed OLD NEW
packed() {
    plant_header algos/lda/packed_topics lda/lda_blocks "$1" "$2" packed_topics
}
packed 'topic_count > UINT32_C(1) << bits' 'topic_count >= UINT32_C(1) << bits'
packed 'bits < 16' 'bits < 15'
packed '+ 7) / 8 + 2' '+ 7) / 8 + 1'
packed '(count % 8 * bits + 7) / 8' 'count % 8 * bits / 8'
packed 'held |= ' 'held = '
packed 'held >>= 8;' ''
packed 'to[0] = (uint8_t)held;' 'to[0] = 0;'
packed ' | (uint32_t)at[2] << 16' ''
packed '*const at = packed + i / 8 * bits' '*const at = packed + i / 8 * 8'
packed 'word >> first % 8' 'word >> first'

planted_end
