#!/usr/bin/env bash
# lda_planted.sh CC: proves that each claim of lda_posterior and of lda_negative can fail (tests/support/planted.bash).
set -uo pipefail
# shellcheck source=tests/support/planted.bash
. "$TORTOISE_SOURCE/tests/support/planted.bash"
planted_begin "${1:?a compiler}" -O2
sources=(sampler sampler_dense sampler_sparse sampler_alias sampler_light sampler_warp sampler_vector
    sampler_fplus alias_table word_proposal open_row)
for name in "${sources[@]}"; do
    compile "$root/src/algos/lda/$name.c" "$scratch/$name.o" || exit 1
done
for name in lda_posterior lda_negative; do
    compile "$root/tests/lda/$name.c" "$scratch/$name.o" || exit 1
done

build() {
    local objects=() name
    for name in "${sources[@]}"; do
        if [ "algos/lda/$name" = "$2" ]; then objects+=("$4"); else objects+=("$scratch/$name.o"); fi
    done
    "$cc" "$scratch/$3.o" "${objects[@]}" "$TORTOISE_BUILD/libtortoise_base.a" "${libraries[@]}" -lm -o "$1"
}
planted_right lda_posterior draws_from
planted_right lda_negative

# wrong SAMPLER CLAIM OLD NEW
wrong() {
    plant "algos/lda/$1" lda_posterior "$3" "$4" "$2"
}
wrong sampler_dense dense_draws '(double)psi_lda_count(row[k]) + beta' '(double)psi_lda_count(row[k])'
wrong sampler_dense dense_draws 'topic_draw(sampler, row);
            psi_lda_token_add' 'topic_draw(sampler, row); sampler->inverse[0] = 1;
            psi_lda_token_add'
wrong sampler_sparse sparse_draws 'state->r += count * after * beta;' 'state->r += count * after;'
wrong sampler_sparse sparse_draws '(float)((count + alpha) * after);' '(float)(count * after);'
wrong sampler_sparse sparse_draws 'state->s = share->s;' ''
wrong sampler_sparse sparse_draws 'q -= (double)state->factors[old];' ''
wrong sampler_sparse sparse_draws 'list->topics[list->from] = list->topics[last];' ''
wrong sampler_sparse sparse_draws 'rows->words[w][state->topics[i]] += (int32_t)state->numbers[i];' ''
wrong sampler_alias alias_draws '* ratio < other' '* other < ratio'
wrong sampler_alias alias_draws '(count + alpha) * factor / (count * factor + alpha * stale)' \
    '(count + alpha) * factor / ((count + alpha) * factor)'
wrong sampler_alias alias_draws '(count + alpha) * factor /' 'factor /'
wrong sampler_light light_draws '((double)n.a + alpha)' '(double)n.a'
wrong sampler_light light_draws '* sampler->inverse[t]' ''
wrong sampler_light light_draws 'is_taken(sampler, word_factor(sampler, t)' 'is_taken(sampler, word_factor(sampler, s)'
wrong sampler_light light_draws 'n.a -= t == token->old;' ''
wrong sampler_light light_draws 'other + (other >= token->word_place)' 'other'
wrong sampler_light light_draws 'other + (other >= token->doc_place)' 'other'
wrong sampler_light all_draw '(siblings + state->others_mass + smoothing)' '(siblings + smoothing)'
wrong sampler_light all_draw 'sampler->row.counts[state->word_topics[i]]--;' ''
wrong sampler_light all_draw 'if (count < block->frequencies[w])' 'if (count > block->frequencies[w])'
wrong sampler_warp warp_draws 'd->counts[s] - 1' 'd->counts[s]'
wrong sampler_warp warp_draws 'd->smoothing) * d->inverse[t]' 'd->smoothing) * d->inverse[s]'
wrong sampler_warp warp_draws 'other + (other >= i)' 'other'
wrong sampler_warp warp_draws '.smoothing = (float)sampler->prior.beta' '.smoothing = (float)sampler->prior.alpha'
wrong sampler_vector vector_draws 'return ((float)count + state->alpha) / denominator;' 'return (float)count / denominator;'
wrong sampler_vector vector_draws 'state->beta = (float)sampler->prior.beta' 'state->beta = state->alpha'
wrong sampler_fplus fplus_draws '(document + alpha * state->mass)' '(document + state->mass)'
wrong sampler_fplus fplus_draws 'state->groups[topic / LANES] += change;
    state->clusters[topic / (LANES * LANES)] += change;
    state->mass += change;' 'state->mass += 2 * change;'
wrong sampler_warp all_draw 'state->listed = before;' 'state->listed = 0;'
wrong sampler_warp all_draw '*to++ = state->rest_topics[i];' '*to++ = 0;'
wrong sampler_warp all_draw 'return state->rest_topics[i];' 'return state->rest_topics[0];'
wrong open_row sparse_rows 'topic_change(row, row->before[i], -1);' ''
wrong open_row sparse_rows 'row->spread[topic] = 0;' ''
plant algos/lda/open_row lda_negative 'row->spread[row->before[i]] = 0;' '' a_sparse_row_leaves
wrong open_row sparse_rows 'row->changes[topic] = 0;' ''
wrong alias_table alias_draws 'at < column->share ?' 'at < 1 ?'
wrong alias_table all_draw 'low->other = (uint16_t)stack[greater];' ''

# unclamped SAMPLER CLAIM OLD NEW: a count below zero is taken for what it is.
unclamped() {
    plant "algos/lda/$1" lda_negative "$3" "$4" "$2_takes_what_is_negative"
}
unclamped sampler_dense dense 'psi_lda_count(row[k])' 'row[k]'
unclamped sampler_sparse sparse 'list->row[topic]--;' ''
unclamped sampler_alias alias 'psi_lda_count(row[k])' 'row[k]'
unclamped sampler_light light '} else if (*count < 0) {' '} else if (*count < -1000) {'
unclamped sampler_warp warp 'psi_lda_count(d->counts[t])' 'd->counts[t]'
unclamped sampler_vector vector 'psi_lda_count(counts[l]) + beta);' 'counts[l] + beta);
#define _mm256_max_epi32(counts, zero) (counts)
#define _mm512_max_epi32(counts, zero) (counts)'
unclamped sampler_fplus fplus 'psi_lda_count(row[k])' 'row[k]'
unclamped sampler_fplus fplus 'totals[topic] > 0 ? totals[topic] : 0' 'totals[topic]'
unclamped word_proposal alias 'counts[k] > 0' 'counts[k] != 0'
# ... and clamped in the table, too
unclamped sampler_dense dense 'topic_draw(sampler, row);' 'topic_draw(sampler, row);
            row[1] = psi_lda_count(row[1]);'

planted_end
