/* `tortoise data gen|info|convert` of corpora. */
#define _POSIX_C_SOURCE 200809L /* open_memstream */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "data/corpus.h"
#include "data/corpus_summary.h"
#include "data/corpus_writer.h"
#include "data/synthetic.h"
#include "data/synthetic_corpus.h"
#include "data_kinds.h"
#include "digest.h"
#include "npy.h"
#include "outdir.h"

/* What is printed of a corpus. */
typedef struct view {
    const char *name, *digest; /* the digest is empty of synthetic data */
    const psi_corpus *corpus;
    psi_corpus_summary summary;
} view;

static json_t *json_frequent(const view *v) {
    json_t *const list = json_array();
    for (size_t i = 0; i < v->summary.frequent_count; i++) {
        const uint32_t word = v->summary.frequent[i].word;
        json_t *const item = json_pack("{s:I,s:I}", "word", (json_int_t)word, "tokens",
                                       (json_int_t)v->summary.frequent[i].count);
        const char *const text = psi_corpus_word(v->corpus, word);
        json_t *const name = text == NULL ? NULL : json_string(text); /* NULL: no UTF-8 */
        if (name != NULL) {
            (void)json_object_set_new(item, "text", name);
        }
        (void)json_array_append_new(list, item);
    }
    return list;
}

static void print_json(const view *v) {
    const psi_corpus *const c = v->corpus;
    const psi_corpus_summary *const s = &v->summary;
    json_t *const object = json_pack(
        "{s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:f,s:f,s:b,s:s,s:o}", "data", v->name,
        "kind", "corpus", "format", psi_corpus_format_name(c->format), "documents",
        (json_int_t)c->doc_count, "words", (json_int_t)c->word_count, "tokens",
        (json_int_t)c->token_count, "nonzeros", (json_int_t)s->pair_count, "merged",
        (json_int_t)s->merged_count, "empty_documents", (json_int_t)s->empty_count, "used_words",
        (json_int_t)s->used_word_count, "length_min", (json_int_t)s->length_min, "length_max",
        (json_int_t)s->length_max, "length_median", s->length_median, "length_mean", s->length_mean,
        "vocabulary", c->vocabulary != NULL, "sha256", v->digest, "frequent", json_frequent(v));
    (void)json_dumpf(object, stdout, JSON_INDENT(2));
    (void)putchar('\n');
    json_decref(object);
}

static void print_csv(const view *v) {
    const psi_corpus *const c = v->corpus;
    const psi_corpus_summary *const s = &v->summary;
    (void)printf("data,format,documents,words,tokens,nonzeros,merged,empty_documents,used_words,"
                 "length_min,length_median,length_mean,length_max,sha256\n");
    (void)printf("%s,%s,%" PRIu32 ",%" PRIu32 ",%zu,%zu,%zu,%" PRIu32 ",%" PRIu32 ",%" PRIu32
                 ",%.17g,%.17g,%" PRIu32 ",%s\n",
                 v->name, psi_corpus_format_name(c->format), c->doc_count, c->word_count,
                 c->token_count, s->pair_count, s->merged_count, s->empty_count, s->used_word_count,
                 s->length_min, s->length_median, s->length_mean, s->length_max, v->digest);
}

static void print_text(const view *v) {
    const psi_corpus *const c = v->corpus;
    const psi_corpus_summary *const s = &v->summary;
    (void)printf("%s: corpus, %s\n", v->name, psi_corpus_format_name(c->format));
    (void)printf("  %-16s %" PRIu32 ", of them %" PRIu32 " without words\n", "documents",
                 c->doc_count, s->empty_count);
    (void)printf("  %-16s %" PRIu32 ", of them %" PRIu32 " in documents; %s\n", "words",
                 c->word_count, s->used_word_count,
                 c->vocabulary == NULL ? "no vocabulary" : "with a vocabulary");
    (void)printf("  %-16s %zu\n", "tokens", c->token_count);
    (void)printf("  %-16s %zu (%.3g %%), %zu duplicates merged\n", "non-zeros", s->pair_count,
                 100 * (double)s->pair_count / ((double)c->doc_count * c->word_count),
                 s->merged_count);
    (void)printf("  %-16s from %" PRIu32 " to %" PRIu32 " tokens, median %g, mean %.4g\n",
                 "per document", s->length_min, s->length_max, s->length_median, s->length_mean);
    (void)printf("  %-16s", "frequent words");
    for (size_t i = 0; i < s->frequent_count; i++) {
        const char *const text = psi_corpus_word(c, s->frequent[i].word);
        (void)printf("%s ", i == 0 ? "" : ",");
        if (text != NULL) {
            (void)printf("%s", text);
        } else {
            (void)printf("#%" PRIu32, s->frequent[i].word + 1);
        }
        (void)printf(" %" PRIu64, s->frequent[i].count);
    }
    (void)putchar('\n');
    if (v->digest[0] != '\0') {
        (void)printf("  %-16s %s\n", "sha256", v->digest);
    }
}

ps_err tt_corpus_inform(const tt_data_request *asked, const char *name, ps_fault *fault) {
    psi_corpus corpus;
    char digest[TT_DIGEST_TEXT_BYTES] = "";
    PS_TRY(psi_corpus_open(name, asked->seed, asked->workers, &corpus, fault));
    view v = {.name = name, .digest = digest, .corpus = &corpus};
    ps_err err = psi_corpus_summary_make(&corpus, &v.summary);
    if (err == PS_OK && !psi_synthetic_is_named(name)) {
        err = tt_digest_file(name, digest, fault);
    }
    if (err == PS_OK && strcmp(asked->format, "json") == 0) {
        print_json(&v);
    } else if (err == PS_OK && strcmp(asked->format, "csv") == 0) {
        print_csv(&v);
    } else if (err == PS_OK) {
        print_text(&v);
    }
    psi_corpus_fini(&corpus);
    return err;
}

static void print_written(const psi_corpus *corpus, const char *path) {
    (void)printf("%s: %" PRIu32 " documents, %" PRIu32 " words, %zu tokens\n", path,
                 corpus->doc_count, corpus->word_count, corpus->token_count);
}

ps_err tt_corpus_convert(const tt_data_request *asked, const char *name, const char *to,
                         ps_fault *fault) {
    const psi_corpus_write_options options = {.may_replace =
                                                  tt_setting_flag(asked->settings, "force")};
    psi_corpus corpus;
    PS_TRY(psi_corpus_open(name, asked->seed, asked->workers, &corpus, fault));
    const ps_err err = psi_corpus_write(&corpus, to, &options, fault);
    if (err == PS_OK) {
        print_written(&corpus, to);
        if (corpus.vocabulary != NULL && !psi_corpus_write_has_names(&corpus, to)) {
            (void)printf("the names of the words are left out; they go with docword.NAME alone\n");
        }
    }
    psi_corpus_fini(&corpus);
    return err;
}

/* The true topics, as the bytes of an .npy file. *bytes_out is the caller's: free(). */
static ps_err topics_make(const psi_synthetic_corpus *spec, char **bytes_out, size_t *size_out) {
    double *const phi = calloc(spec->words, sizeof *phi);
    FILE *const file = phi == NULL ? NULL : open_memstream(bytes_out, size_out);
    if (file == NULL) {
        free(phi);
        return PS_ENOMEM;
    }
    ps_err err = tt_npy_write_header(file, tt_npy_type(PS_F64), spec->topics, spec->words);
    for (uint64_t k = 0; k < spec->topics && err == PS_OK; k++) {
        err = psi_synthetic_corpus_topic(spec, k, phi);
        if (err == PS_OK && fwrite(phi, sizeof *phi, spec->words, file) != spec->words) {
            err = PS_ENOMEM;
        }
    }
    if (fclose(file) != 0 && err == PS_OK) {
        err = PS_ENOMEM;
    }
    free(phi);
    return err;
}

ps_err tt_corpus_generate(const tt_data_request *asked, const char *spec_text, const char *path,
                          ps_fault *fault) {
    char named[512], beside[TT_PATH_MAX];
    psi_synthetic_corpus spec;
    psi_corpus corpus = {.words = NULL};
    const char *const slash = strrchr(path, '/');
    const int folder_length = slash == NULL ? 0 : (int)(slash + 1 - path);
    const int length = snprintf(beside, sizeof beside, "%.*stopics.npy", folder_length, path);
    if (length < 0 || (size_t)length >= sizeof beside) {
        return ps_fault_set(fault, PS_EINVAL, "--out: the path is too long");
    }
    (void)snprintf(named, sizeof named, "synthetic%s", spec_text);
    PS_TRY(psi_synthetic_corpus_parse(named, asked->seed, asked->workers, &spec, fault));
    char *bytes = NULL;
    psi_companion companion = {.path = beside};
    const psi_corpus_write_options options = {
        .may_replace = tt_setting_flag(asked->settings, "force"), .companion = &companion};
    ps_err err = topics_make(&spec, &bytes, &companion.size_bytes);
    companion.content = bytes;
    if (err == PS_OK) {
        err = psi_synthetic_corpus_make(&spec, &corpus, fault);
    }
    if (err == PS_OK) {
        err = psi_corpus_write(&corpus, path, &options, fault);
    }
    if (err == PS_OK) {
        print_written(&corpus, path);
        (void)printf("%s: %" PRIu64 " true topics\n", beside, spec.topics);
    }
    psi_corpus_fini(&corpus);
    free(bytes);
    return err;
}
