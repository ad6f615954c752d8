#include "algos/lda/lda_problem.h"

#include <stdlib.h>
#include <string.h>

#include "data/synthetic.h"

enum { SURVEY_DOCS = 1024 }; /* are drawn at a time */
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
    [PSI_LDA_MH_STEPS] = {"mh-steps", PS_OPTION_COUNT, NULL, "4", 1, 1000,
                          "alias, light, warp: proposals, pairs or rounds per token"},
    [PSI_LDA_HELDOUT] = {"heldout", PS_OPTION_NUMBER, NULL, "0.02", 0, 0.9,
                         "share of the documents that is not learned from"},
    [PSI_LDA_MODEL_MEMORY] = {"model-memory", PS_OPTION_SIZE, NULL, "0", 0, 0x1p52,
                              "of word_topic that a worker holds at a time; 0: all it needs"},
    [PSI_LDA_DOCUMENTS] = {"documents", PS_OPTION_WORD, "held|drawn", "held", 0, 0,
                           "drawn: of synthetic data, each worker makes its own and no others"},
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

static void options_take(psi_lda_problem *problem, const ps_settings *settings) {
    problem->prior.topic_count = (uint32_t)ps_option_number(settings->values[PSI_LDA_TOPICS]);
    problem->prior.alpha = ps_option_number(settings->values[PSI_LDA_ALPHA]);
    problem->prior.beta = ps_option_number(settings->values[PSI_LDA_BETA]);
    problem->sampler.kind =
        psi_lda_kind_of(settings->values[PSI_LDA_SAMPLER], problem->prior.topic_count);
    problem->first_topics = (psi_lda_first)ps_option_place(
        &psi_lda_option_list[PSI_LDA_FIRST_TOPICS], settings->values[PSI_LDA_FIRST_TOPICS]);
    problem->sampler.mh_steps = (uint32_t)ps_option_number(settings->values[PSI_LDA_MH_STEPS]);
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

/* ---- The documents ---- */

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

/* Room for so many more documents and words; what is there stays. */
static ps_err heldout_reserve(psi_lda_heldout *heldout, size_t docs, size_t tokens) {
    const size_t doc_count = heldout->doc_count + docs + 1;
    const size_t token_count = (heldout->begins == NULL ? 0 : heldout->begins[heldout->doc_count]);
    size_t *const begins = realloc(heldout->begins, doc_count * sizeof *begins);
    if (begins != NULL) {
        begins[0] = 0;
        heldout->begins = begins;
    }
    size_t *const middles = realloc(heldout->middles, doc_count * sizeof *middles);
    heldout->middles = middles == NULL ? heldout->middles : middles;
    uint32_t *const words = realloc(heldout->words, (token_count + tokens + 1) * sizeof *words);
    heldout->words = words == NULL ? heldout->words : words;
    return begins == NULL || middles == NULL || words == NULL ? PS_ENOMEM : PS_OK;
}

/* Takes held-out documents out of the corpus, whose first one is number `doc_first` of all. Which
 * ones depends on the seed and their numbers; those of the others go to ids_out, if it is there. */
static ps_err corpus_split(psi_lda_problem *problem, double share, uint32_t doc_first,
                           psi_corpus *corpus, uint32_t *ids_out) {
    psi_lda_heldout *const heldout = &problem->heldout;
    PS_TRY(heldout_reserve(heldout, corpus->doc_count, corpus->token_count));
    size_t token = 0, from = 0;
    uint32_t doc = 0;
    for (uint32_t d = 0; d < corpus->doc_count; d++) {
        const size_t end = corpus->doc_begins[d + 1], count = end - from;
        ps_random random = ps_random_stream(problem->seed, "lda-heldout", doc_first + d);
        if (ps_random_uniform(&random) < share) {
            heldout_add(heldout, corpus->words + from, count, random);
        } else {
            for (size_t i = 0; i < count; i++) {
                corpus->words[token + i] = corpus->words[from + i];
            }
            token += count;
            if (ids_out != NULL) {
                ids_out[doc] = doc_first + d;
            }
            corpus->doc_begins[++doc] = token;
        }
        from = end;
    }
    corpus->doc_count = doc;
    corpus->token_count = token;
    return heldout_reserve(heldout, 0, 0); /* no more than it takes */
}

/* Draws documents that follow those of `all`, and keeps what is known of them but their words. */
static ps_err documents_survey(psi_lda_problem *problem, double share, uint32_t doc_first,
                               uint32_t count, psi_corpus *all) {
    uint32_t ids[SURVEY_DOCS];
    psi_corpus some;
    for (uint32_t i = 0; i < count; i++) {
        ids[i] = doc_first + i;
    }
    PS_TRY(psi_synthetic_source_draw(problem->source, ids, count, &some));
    ps_err err = corpus_split(problem, share, doc_first, &some, problem->doc_ids + all->doc_count);
    err = err == PS_OK && all->token_count + some.token_count > UINT32_MAX ? PS_EINVAL : err;
    for (size_t i = 0; i < some.token_count && err == PS_OK; i++) {
        problem->frequencies[some.words[i]]++;
    }
    for (uint32_t d = 0; d < some.doc_count && err == PS_OK; d++) {
        all->doc_begins[++all->doc_count] = all->token_count + some.doc_begins[d + 1];
    }
    all->token_count += some.token_count;
    psi_corpus_fini(&some);
    return err;
}

/* Goes through the documents once: how long they are, how frequent their words, which are held out.
 * The corpus has no words then. */
static ps_err corpus_survey(psi_lda_problem *problem, const ps_settings *settings,
                            psi_corpus *corpus, ps_fault *fault) {
    psi_synthetic_corpus spec;
    if (!psi_synthetic_is_named(settings->data)) {
        return ps_fault_set(fault, PS_EINVAL,
                            "%s: only synthetic documents can be drawn; use --documents held",
                            settings->data);
    }
    PS_TRY(psi_synthetic_corpus_parse(settings->data, settings->seed, settings->worker_count, &spec,
                                      fault));
    PS_TRY(psi_synthetic_source_open(&spec, &problem->source, fault));
    const uint32_t docs = psi_synthetic_source_docs(problem->source);
    corpus->word_count = psi_synthetic_source_words(problem->source);
    corpus->doc_begins = calloc((size_t)docs + 1, sizeof *corpus->doc_begins);
    problem->doc_ids = calloc((size_t)docs + 1, sizeof *problem->doc_ids);
    problem->frequencies = calloc(corpus->word_count, sizeof *problem->frequencies);
    if (corpus->doc_begins == NULL || problem->doc_ids == NULL || problem->frequencies == NULL) {
        return PS_ENOMEM;
    }
    for (uint32_t d = 0; d < docs; d += SURVEY_DOCS) {
        const uint32_t count = docs - d < SURVEY_DOCS ? docs - d : SURVEY_DOCS;
        PS_TRY(documents_survey(problem, ps_option_number(settings->values[PSI_LDA_HELDOUT]), d,
                                count, corpus));
    }
    return PS_OK;
}

static ps_err corpus_take(psi_lda_problem *problem, const ps_settings *settings, psi_corpus *corpus,
                          ps_fault *fault) {
    *corpus = (psi_corpus){0};
    if (strcmp(settings->values[PSI_LDA_DOCUMENTS], "drawn") == 0) {
        return corpus_survey(problem, settings, corpus, fault);
    }
    PS_TRY(psi_corpus_open(settings->data, settings->seed, settings->worker_count, corpus, fault));
    problem->vocabulary = corpus->vocabulary;
    problem->word_texts = corpus->word_texts;
    corpus->vocabulary = NULL;
    corpus->word_texts = NULL;
    return corpus_split(problem, ps_option_number(settings->values[PSI_LDA_HELDOUT]), 0, corpus,
                        NULL);
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
    for (uint32_t w = 0; w < words && problem->frequencies != NULL; w++) { /* drawn: no blocks */
        places[w] = problem->frequencies[w];
    }
    problem->frequent_count = 0;
    for (uint32_t w = 0; w < words; w++) {
        places[w] = places[w] <= (uint64_t)PSI_LDA_RARE_TIMES * problem->prior.topic_count
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
    PS_TRY(psi_lda_log_rising_init(&problem->doc_rising, problem->prior.alpha));
    PS_TRY(psi_lda_log_rising_init(&problem->word_rising, problem->prior.beta));
    if (corpus->token_count == 0) {
        return ps_fault_set(fault, PS_EFORMAT, "%s: no word is left to learn from; lower --heldout",
                            settings->data);
    }
    problem->layout =
        (psi_lda_layout){.worker_count = settings->worker_count,
                         .topic_count = problem->prior.topic_count,
                         .batch = settings->batch > 0 ? settings->batch : default_batch,
                         .goes_by_word = psi_lda_goes_by_word(problem->sampler.kind),
                         .frequencies = problem->frequencies};
    PS_TRY(psi_lda_blocks_make(&problem->layout, corpus, &problem->blocks));
    return words_deal(problem);
}

ps_err psi_lda_problem_open(const ps_settings *settings, psi_lda_problem **problem_out,
                            ps_fault *fault) {
    *problem_out = NULL;
    psi_lda_problem *const problem = calloc(1, sizeof *problem);
    if (problem == NULL) {
        return ps_fault_set(fault, PS_ENOMEM, "%s: %s", settings->data, ps_err_text(PS_ENOMEM));
    }
    psi_corpus corpus;
    options_take(problem, settings);
    ps_err err = corpus_take(problem, settings, &corpus, fault);
    err = err == PS_OK ? problem_fill(problem, settings, &corpus, fault) : err;
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
        psi_synthetic_source_close(problem->source);
        free(problem->doc_ids);
        free(problem->frequencies);
        free(problem);
    }
}
