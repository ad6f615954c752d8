/* How often the topics of a document occur, as a list: for samplers that go word by word, and so
 * from document to document with every token. A list has as many entries as the document has
 * topics. */
#ifndef PSI_LDA_DOC_LISTS_H
#define PSI_LDA_DOC_LISTS_H

#include <stdlib.h>

#include "algos/lda/sampler_parts.h"

/* How often in the upper, the topic in the lower 16 bits. A topic that occurs more often has
 * several entries. */
typedef uint32_t psi_lda_entry;

static const psi_lda_entry psi_lda_entry_one = UINT32_C(1) << 16;

static inline uint32_t psi_lda_entry_topic(psi_lda_entry e) {
    return e & 0xffffU;
}

static inline uint32_t psi_lda_entry_count(psi_lda_entry e) {
    return e >> 16;
}

/* Entries that a function may read behind a list, and those of a line of the cache. */
enum { PSI_LDA_LIST_MARGIN = 16, PSI_LDA_LIST_LINE = 16 };

/* The lists of a block's documents. Owned arrays. */
typedef struct psi_lda_doc_lists {
    psi_lda_entry *entries; /* [tokens, and the margin]: a list begins where its tokens do */
    uint32_t *counts;       /* [documents]: how long a list is */
} psi_lda_doc_lists;

/* Returns PS_OK or PS_ENOMEM. psi_lda_doc_lists_fini() releases it in both cases. */
PS_MUST_CHECK static inline ps_err psi_lda_doc_lists_init(psi_lda_doc_lists *lists,
                                                          const psi_lda_limits *limits) {
    const size_t entries = (size_t)limits->token_count + PSI_LDA_LIST_MARGIN;
    lists->entries = calloc(entries, sizeof *lists->entries);
    lists->counts = calloc((size_t)limits->doc_count + 1, sizeof *lists->counts);
    return lists->entries == NULL || lists->counts == NULL ? PS_ENOMEM : PS_OK;
}

static inline void psi_lda_doc_lists_fini(psi_lda_doc_lists *lists) {
    free(lists->entries);
    free(lists->counts);
    *lists = (psi_lda_doc_lists){0};
}

/* Lists a document's topics; returns the length. `doc_counts` is all 0. O(its tokens). */
static inline uint32_t psi_lda_list_make(psi_lda_entry *list, const uint16_t *topics,
                                         uint32_t token_count, int32_t *doc_counts) {
    uint32_t topic_count = 0;
    for (uint32_t i = 0; i < token_count; i++) {
        const uint32_t topic = topics[i];
        list[topic_count] = topic;
        topic_count += doc_counts[topic]++ == 0;
    }
    uint32_t count = topic_count;
    for (uint32_t i = 0; i < topic_count; i++) {
        const uint32_t topic = list[i];
        uint32_t left = (uint32_t)doc_counts[topic];
        doc_counts[topic] = 0;
        for (; left > UINT16_MAX; left -= UINT16_MAX) {
            list[count++] = UINT32_C(0xffff0000) | topic;
        }
        list[i] = left << 16 | topic;
    }
    return count;
}

/* Makes the lists of the documents that have `shortest` tokens or more. */
static inline void psi_lda_doc_lists_make(psi_lda_doc_lists *lists, const psi_lda_block *block,
                                          uint32_t shortest, int32_t *doc_counts) {
    for (uint32_t d = 0; d < block->doc_count; d++) {
        const uint32_t begin = block->doc_begins[d] - block->doc_begins[0];
        const uint32_t token_count = block->doc_begins[d + 1] - block->doc_begins[d];
        if (token_count >= shortest) {
            lists->counts[d] = psi_lda_list_make(lists->entries + begin, block->topics + begin,
                                                 token_count, doc_counts);
        }
    }
}

/* Asks the processor for a list that will be needed. */
static inline void psi_lda_list_prefetch(const psi_lda_entry *list, uint32_t count) {
    for (uint32_t i = 0; i < count; i += PSI_LDA_LIST_LINE) {
        __builtin_prefetch(list + i, 1);
    }
}

/* The first place of a topic in a list, or `count`. */
typedef uint32_t psi_lda_list_finder(const psi_lda_entry *list, uint32_t count, uint32_t topic);

static inline uint32_t psi_lda_list_find_plain(const psi_lda_entry *list, uint32_t count,
                                               uint32_t topic) {
    uint32_t place = 0;
    while (place < count && psi_lda_entry_topic(list[place]) != topic) {
        place++;
    }
    return place;
}

#if PSI_LDA_HAS_WIDE
/* The place that bit by bit, from `begin` on, was found first; what is behind the list is not. */
static inline uint32_t psi_lda_place_found(uint32_t begin, uint32_t found, uint32_t count) {
    const uint32_t place = begin + (uint32_t)__builtin_ctz(found);
    return place < count ? place : count;
}

PSI_LDA_AVX2 static inline __m256i psi_lda_entries_load(const psi_lda_entry *list) {
    return _mm256_loadu_si256((const __m256i *)(const void *)list);
}

/* Eight entries, of which the first `left` are in the list; the others are 0. */
PSI_LDA_AVX2 static inline __m256i psi_lda_entries_left(const psi_lda_entry *list, uint32_t left) {
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i there = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)left), lanes);
    return _mm256_and_si256(psi_lda_entries_load(list), there);
}

PSI_LDA_AVX2 static inline uint32_t psi_lda_list_find_avx2(const psi_lda_entry *list,
                                                           uint32_t count, uint32_t topic) {
    const __m256i wanted = _mm256_set1_epi32((int)topic), low = _mm256_set1_epi32(0xffff);
    for (uint32_t begin = 0; begin < count; begin += 8) {
        const __m256i topics = _mm256_and_si256(psi_lda_entries_load(list + begin), low);
        const __m256i is_it = _mm256_cmpeq_epi32(topics, wanted);
        const uint32_t found = (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(is_it));
        if (found != 0) {
            return psi_lda_place_found(begin, found, count);
        }
    }
    return count;
}

PSI_LDA_WIDE static inline uint32_t psi_lda_list_find_wide(const psi_lda_entry *list,
                                                           uint32_t count, uint32_t topic) {
    const __m512i wanted = _mm512_set1_epi32((int)topic), low = _mm512_set1_epi32(0xffff);
    for (uint32_t begin = 0; begin < count; begin += 16) {
        const __m512i topics = _mm512_and_si512(_mm512_loadu_si512(list + begin), low);
        const uint32_t found = _mm512_cmpeq_epi32_mask(topics, wanted);
        if (found != 0) {
            return psi_lda_place_found(begin, found, count);
        }
    }
    return count;
}
#endif

/* Adds one to an entry of the topic that has room for it, or a new entry. */
static inline __attribute__((always_inline)) void
psi_lda_list_add(psi_lda_entry *list, uint32_t *count, uint32_t topic, psi_lda_list_finder *find) {
    uint32_t at = find(list, *count, topic);
    while (at < *count && psi_lda_entry_count(list[at]) == UINT16_MAX) {
        at += 1 + find(list + at + 1, *count - at - 1, topic);
    }
    if (at == *count) {
        list[(*count)++] = topic;
    }
    list[at] += psi_lda_entry_one;
}

/* Takes an entry out that has fallen to 0. */
static inline void psi_lda_list_trim(psi_lda_entry *list, uint32_t *count, uint32_t place) {
    if (psi_lda_entry_count(list[place]) == 0) {
        list[place] = list[--*count];
    }
}

#endif
