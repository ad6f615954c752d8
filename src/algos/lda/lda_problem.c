#include "algos/lda/lda_problem.h"

#include <stdlib.h>
#include <string.h>

static const double default_batch = 0.1;

const ps_option psi_lda_option_list[PSI_LDA_OPTIONS] = {
    [PSI_LDA_TOPICS] = {"topics", PS_OPTION_COUNT, NULL, "100", 1, PSI_LDA_TOPICS_MAX,
                        "number of topics"},
    [PSI_LDA_ALPHA] = {"alpha", PS_OPTION_NUMBER, NULL, "0.1", 1e-6, 1e3,
                       "prior count of every topic in a document"},
    [PSI_LDA_BETA] = {"beta", PS_OPTION_NUMBER, NULL, "0.01", 1e-6, 1e3,
                      "prior count of every word in a topic"},
    [PSI_LDA_SAMPLER] = {"sampler", PS_OPTION_WORD, psi_lda_kind_words, "auto", 0, 0,
                         "how topics are drawn"},
    [PSI_LDA_MH_STEPS] = {"mh-steps", PS_OPTION_COUNT, NULL, "2", 1, 1000,
                          "alias, light, warp: proposals, pairs or rounds per token"},
    [PSI_LDA_HELDOUT] = {"heldout", PS_OPTION_NUMBER, NULL, "0.02", 0, 0.9,
                         "share of the documents that is not learned from"},
    [PSI_LDA_MODEL_MEMORY] = {"model-memory", PS_OPTION_SIZE, NULL, "0", 0, 0x1p52,
                              "of word_topic that a worker holds at a time; 0: all it needs"},
    [PSI_LDA_FIRST_TOPICS] = {"first-topics", PS_OPTION_WORD, "uniform|sequential", "uniform", 0, 0,
                              "the topics to begin with: drawn one given those before, or any"},
};

/* How many rows fit, each with its differences; never more than there are words. */
static ps_err slices_take(psi_lda_problem *problem, const ps_settings *settings, ps_fault *fault) {
    const uint64_t limit_bytes = ps_option_bytes(settings->values[PSI_LDA_MODEL_MEMORY]);
    const uint64_t row_bytes = psi_lda_held_bytes(problem, 1);
    if (limit_bytes > 0 && limit_bytes < row_bytes) {
        return ps_fault_set(fault, PS_EINVAL,
                            "model-memory: a word of %u topics needs %llu bytes; give more",
                            problem->prior.topic_count, (unsigned long long)row_bytes);
    }
    const uint64_t rows = limit_bytes / row_bytes, words = problem->prior.word_count;
    problem->slice_rows = (uint32_t)(rows < words ? rows : words);
    return PS_OK;
}

static double number_of(const ps_settings *settings, int option) {
    return strtod(settings->values[option], NULL);
}

static void options_take(psi_lda_problem *problem, const ps_settings *settings) {
    problem->prior.topic_count = (uint32_t)number_of(settings, PSI_LDA_TOPICS);
    problem->prior.alpha = number_of(settings, PSI_LDA_ALPHA);
    problem->prior.beta = number_of(settings, PSI_LDA_BETA);
    problem->sampler.kind =
        psi_lda_kind_of(settings->values[PSI_LDA_SAMPLER], problem->prior.topic_count);
    problem->first_topics = strcmp(settings->values[PSI_LDA_FIRST_TOPICS], "uniform") == 0
                                ? PSI_LDA_FIRST_UNIFORM
                                : PSI_LDA_FIRST_SEQUENTIAL;
    problem->sampler.mh_steps = (uint32_t)number_of(settings, PSI_LDA_MH_STEPS);
    problem->seed = settings->seed;
    problem->worker_count = settings->worker_count;
}

ps_err psi_lda_log_rising_init(psi_lda_log_rising *log_rising, double a) {
    *log_rising = (psi_lda_log_rising){.a = a, .log_gamma_a = gsl_sf_lngamma(a)};
    log_rising->values = calloc(PSI_LDA_LOG_RISING_SIZE, sizeof *log_rising->values);
    if (log_rising->values == NULL) {
        return PS_ENOMEM;
    }
    for (int n = 1; n < PSI_LDA_LOG_RISING_SIZE; n++) {
        log_rising->values[n] = gsl_sf_lngamma(a + n) - log_rising->log_gamma_a;
    }
    return PS_OK;
}

/* ---- The split ---- */

/* Moves the words of a held-out document, those of the first part to the front. */
static void heldout_add(psi_lda_heldout *heldout, const uint32_t *words, size_t count,
                        ps_random random) {
    const size_t begin = heldout->begins[heldout->doc_count];
    size_t front = begin, back = begin + count;
    for (size_t i = 0; i < count; i++) {
        const int is_first = (ps_random_u32(&random) & 1) == 0;
        heldout->words[is_first ? front++ : --back] = words[i];
    }
    heldout->middles[heldout->doc_count++] = front;
    heldout->begins[heldout->doc_count] = begin + count;
}

/* Takes held-out documents out of the corpus. Which ones depends on the seed and their places. */
static ps_err corpus_split(psi_lda_problem *problem, psi_corpus *corpus, double share) {
    psi_lda_heldout *const heldout = &problem->heldout;
    const size_t docs = (size_t)corpus->doc_count + 1;
    heldout->begins = calloc(docs, sizeof *heldout->begins);
    heldout->middles = calloc(docs, sizeof *heldout->middles);
    heldout->words = calloc(corpus->token_count + 1, sizeof *heldout->words);
    if (heldout->begins == NULL || heldout->middles == NULL || heldout->words == NULL) {
        return PS_ENOMEM;
    }
    size_t token = 0, from = 0;
    uint32_t doc = 0;
    for (uint32_t d = 0; d < corpus->doc_count; d++) {
        const size_t end = corpus->doc_begins[d + 1], count = end - from;
        ps_random random = ps_random_stream(problem->seed, "lda-heldout", d);
        if (ps_random_uniform(&random) < share) {
            heldout_add(heldout, corpus->words + from, count, random);
        } else {
            for (size_t i = 0; i < count; i++) {
                corpus->words[token + i] = corpus->words[from + i];
            }
            token += count;
            corpus->doc_begins[++doc] = token;
        }
        from = end;
    }
    corpus->doc_count = doc;
    corpus->token_count = token;
    uint32_t *const fitting =
        realloc(heldout->words, (heldout->begins[heldout->doc_count] + 1) * sizeof *fitting);
    heldout->words = fitting == NULL ? heldout->words : fitting;
    return PS_OK;
}

/* Rare words have at most half as many tokens as there are topics: then a sparse row, of 8 bytes
 * per topic that occurs, is never larger than a dense one, and mostly far smaller. */
static int is_rare(uint32_t frequency, uint32_t topic_count) {
    return frequency <= topic_count / 2;
}

/* Deals the words to the two tables, for samplers that take sparse rows. A slice has dense rows
 * only, as it is pushed and pulled. */
static ps_err words_deal(psi_lda_problem *problem) {
    const psi_lda_blocks *const blocks = &problem->blocks;
    const uint32_t words = problem->prior.word_count;
    const size_t count =
        blocks->places[blocks->shares[problem->worker_count].block_begin].word_begin;
    problem->frequent_count = words;
    if (!psi_lda_goes_by_word(problem->sampler.kind) || problem->slice_rows > 0) {
        return PS_OK;
    }
    uint32_t *const places = calloc(words, sizeof *places); /* first the frequencies */
    if (places == NULL) {
        return PS_ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        places[blocks->words[i]] = blocks->frequencies[i];
    }
    problem->frequent_count = 0;
    for (uint32_t w = 0; w < words; w++) {
        places[w] = is_rare(places[w], problem->prior.topic_count)
                        ? PSI_LDA_RARE | problem->rare_count++
                        : problem->frequent_count++;
    }
    if (problem->rare_count == 0) {
        free(places);
        return PS_OK;
    }
    problem->word_places = places;
    return PS_OK;
}

static ps_err problem_fill(psi_lda_problem *problem, const ps_settings *settings,
                           psi_corpus *corpus, ps_fault *fault) {
    problem->prior.word_count = corpus->word_count;
    PS_TRY(slices_take(problem, settings, fault));
    problem->vocabulary = corpus->vocabulary;
    problem->word_texts = corpus->word_texts;
    corpus->vocabulary = NULL;
    corpus->word_texts = NULL;
    PS_TRY(psi_lda_log_rising_init(&problem->doc_rising, problem->prior.alpha));
    PS_TRY(psi_lda_log_rising_init(&problem->word_rising, problem->prior.beta));
    PS_TRY(corpus_split(problem, corpus, number_of(settings, PSI_LDA_HELDOUT)));
    if (corpus->token_count == 0) {
        return ps_fault_set(fault, PS_EFORMAT, "%s: no word is left to learn from; lower --heldout",
                            settings->data);
    }
    const psi_lda_layout layout = {.worker_count = settings->worker_count,
                                   .topic_count = problem->prior.topic_count,
                                   .batch = settings->batch > 0 ? settings->batch : default_batch,
                                   .goes_by_word = psi_lda_goes_by_word(problem->sampler.kind)};
    PS_TRY(psi_lda_blocks_make(&layout, corpus, &problem->blocks));
    return words_deal(problem);
}

ps_err psi_lda_problem_open(const ps_settings *settings, psi_lda_problem **problem_out,
                            ps_fault *fault) {
    *problem_out = NULL;
    psi_corpus corpus;
    PS_TRY(psi_corpus_open(settings->data, settings->seed, settings->worker_count, &corpus, fault));
    psi_lda_problem *const problem = calloc(1, sizeof *problem);
    ps_err err = problem == NULL ? PS_ENOMEM : PS_OK;
    if (err == PS_OK) {
        options_take(problem, settings);
        err = problem_fill(problem, settings, &corpus, fault);
    }
    psi_corpus_fini(&corpus);
    if (err != PS_OK) {
        psi_lda_problem_close(problem);
        return ps_fault_set(fault, err, "%s: %s", settings->data, ps_err_text(err));
    }
    *problem_out = problem;
    return PS_OK;
}

void psi_lda_problem_close(psi_lda_problem *problem) {
    if (problem != NULL) {
        psi_lda_blocks_fini(&problem->blocks);
        free(problem->heldout.begins);
        free(problem->heldout.middles);
        free(problem->heldout.words);
        free(problem->doc_rising.values);
        free(problem->word_rising.values);
        free(problem->word_places);
        free(problem->vocabulary);
        free(problem->word_texts);
        free(problem);
    }
}
