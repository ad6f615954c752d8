/* `tortoise data gen|info|convert|match`. */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/nearest.h"
#include "command.h"
#include "data/convert.h"
#include "data/keyword.h"
#include "data/kind.h"
#include "data/ratings.h"
#include "data/summary.h"
#include "data/synthetic.h"
#include "data_kinds.h"
#include "digest.h"
#include "numbers.h"
#include "outdir.h"
#include "settings.h"

static const tt_option data_options[] = {
    {.name = "out",
     .argument = "FILE",
     .help = "gen: where to write (*.gz is compressed; *.mtx is MatrixMarket; of a corpus, *.ldac "
             "is lda-c, *.svm is libsvm, all else docword)"},
    {.name = "kind",
     .argument = "ratings|corpus",
     .help = "info, convert: what the file holds (default: by its name and first line)"},
    {.name = "force", .help = "replace a file that exists"},
    {.name = "seed", .argument = "S", .default_value = "1", .help = "gen: seed of the data"},
    {.name = "workers",
     .argument = "P",
     .default_value = "4",
     .help = "gen: the default size grows with it"},
    {.name = "format",
     .argument = "text|json|csv",
     .default_value = "text",
     .help = "info, match: how it is printed"},
};
const tt_option_list tt_data_option_list = {data_options,
                                            sizeof data_options / sizeof data_options[0]};

static ps_err write_ratings(const tt_data_request *asked, const psi_ratings *ratings,
                            const char *path, const char *comment, ps_fault *fault) {
    const psi_write_options options = {.may_replace = tt_setting_flag(asked->settings, "force"),
                                       .comment = comment};
    PS_TRY(psi_ratings_write(ratings, path, &options, fault));
    (void)printf("%s: %zu ratings, %u users, %u items\n", path, ratings->count, ratings->user_count,
                 ratings->item_count);
    return PS_OK;
}

/* Whether `wanted` is "lda" or begins with "lda:". */
static bool is_lda(const char *wanted) {
    return strncmp(wanted, "lda", 3) == 0 && (wanted[3] == '\0' || wanted[3] == ':');
}

/* data gen [synthetic:k=v,...|lda[:k=v,...]] --out FILE */
static ps_err generate(const tt_data_request *asked, ps_fault *fault) {
    const char *const path = tt_setting_text(asked->settings, "out");
    const char *const wanted = asked->words->count > 1 ? asked->words->words[1] : "synthetic";
    if (path == NULL) {
        return ps_fault_set(fault, PS_EINVAL, "data gen needs --out FILE");
    }
    if (asked->words->count > 2) {
        return ps_fault_set(fault, PS_EINVAL, "unexpected argument '%s'", asked->words->words[2]);
    }
    if (is_lda(wanted)) {
        return tt_corpus_generate(asked, wanted + strlen("lda"), path, fault);
    }
    char named[512];
    const bool is_named = psi_synthetic_is_named(wanted);
    (void)snprintf(named, sizeof named, "%s%s", is_named ? "" : "synthetic:", wanted);
    psi_synthetic synthetic;
    psi_ratings ratings = {0};
    char comment[512] = "tortoise data gen ";
    PS_TRY(psi_synthetic_parse(named, asked->seed, asked->workers, &synthetic, fault));
    const size_t used = strlen(comment);
    (void)psi_synthetic_format(&synthetic, comment + used, sizeof comment - used);
    PS_TRY(psi_synthetic_make(&synthetic, &ratings, fault));
    const ps_err err = write_ratings(asked, &ratings, path, comment, fault);
    if (err == PS_OK) {
        (void)printf("the root mean square error of a perfect learner is %g\n", synthetic.noise);
    }
    psi_ratings_fini(&ratings);
    return err;
}

static ps_err convert_ratings(const tt_data_request *asked, const char *name, const char *to,
                              ps_fault *fault) {
    psi_ratings ratings = {0};
    PS_TRY(psi_ratings_open(name, asked->seed, asked->workers, &ratings, fault));
    const ps_err err = write_ratings(asked, &ratings, to, NULL, fault);
    psi_ratings_fini(&ratings);
    return err;
}

static void print_degree(const char *what, const psi_degree *degree) {
    (void)printf("  %-16s %u with any; from %u to %u, median %g, mean %.4g\n", what,
                 degree->rated_count, degree->min, degree->max, degree->median, degree->mean);
}

static void print_summary(const psi_summary *summary, const char *name, const char *digest,
                          const char *format) {
    const char *const kind = psi_ratings_format_name(summary->format);
    if (strcmp(format, "json") == 0) {
        json_t *const object =
            json_pack("{s:s,s:s,s:I,s:I,s:I,s:f,s:f,s:f,s:f,s:f,s:s}", "data", name, "format", kind,
                      "ratings", (json_int_t)summary->rating_count, "users",
                      (json_int_t)summary->user_count, "items", (json_int_t)summary->item_count,
                      "min", summary->min, "max", summary->max, "mean", summary->mean, "deviation",
                      summary->deviation, "density", summary->density, "sha256", digest);
        (void)json_dumpf(object, stdout, JSON_INDENT(2));
        (void)putchar('\n');
        json_decref(object);
        return;
    }
    if (strcmp(format, "csv") == 0) {
        (void)printf("data,format,ratings,users,items,min,max,mean,deviation,density,sha256\n"
                     "%s,%s,%zu,%u,%u,%.17g,%.17g,%.17g,%.17g,%.17g,%s\n",
                     name, kind, summary->rating_count, summary->user_count, summary->item_count,
                     summary->min, summary->max, summary->mean, summary->deviation,
                     summary->density, digest);
        return;
    }
    (void)printf("%s: ratings, %s\n", name, kind);
    (void)printf("  %-16s %zu of %u users x %u items (%.3g %%)\n", "ratings", summary->rating_count,
                 summary->user_count, summary->item_count, 100 * summary->density);
    (void)printf("  %-16s %g to %g, mean %.5g, standard deviation %.5g\n", "values", summary->min,
                 summary->max, summary->mean, summary->deviation);
    print_degree("per user", &summary->per_user);
    print_degree("per item", &summary->per_item);
    if (digest[0] != '\0') {
        (void)printf("  %-16s %s\n", "sha256", digest);
    }
}

static ps_err inform_ratings(const tt_data_request *asked, const char *name, ps_fault *fault) {
    psi_ratings ratings = {0};
    psi_summary summary;
    char digest[TT_DIGEST_TEXT_BYTES] = "";
    PS_TRY(psi_ratings_open(name, asked->seed, asked->workers, &ratings, fault));
    ps_err err = psi_summary_make(&ratings, &summary);
    if (err == PS_OK && !psi_synthetic_is_named(name)) {
        err = tt_digest_file(name, digest, fault);
    }
    if (err == PS_OK) {
        print_summary(&summary, name, digest, asked->format);
    }
    psi_ratings_fini(&ratings);
    return err;
}

/* What can be done with each kind of data, in the order of psi_data_kind. */
typedef struct kind_row {
    ps_err (*inform)(const tt_data_request *asked, const char *name, ps_fault *fault);
    ps_err (*convert)(const tt_data_request *asked, const char *name, const char *to,
                      ps_fault *fault);
} kind_row;
static const kind_row kind_rows[] = {
    [PSI_DATA_RATINGS] = {inform_ratings, convert_ratings},
    [PSI_DATA_CORPUS] = {tt_corpus_inform, tt_corpus_convert},
};
enum { KINDS = sizeof kind_rows / sizeof kind_rows[0] };

/* The kind that --kind says, or that the data looks like. */
static ps_err kind_read(const tt_data_request *asked, const char *name, const kind_row **row_out,
                        ps_fault *fault) {
    const char *const chosen = tt_setting_text(asked->settings, "kind");
    psi_data_kind kind = PSI_DATA_RATINGS;
    if (chosen != NULL) {
        const char *known[KINDS];
        size_t k = 0;
        for (size_t i = 0; i < KINDS; i++) {
            known[i] = psi_data_kind_name((psi_data_kind)i);
        }
        while (k < KINDS && strcmp(chosen, known[k]) != 0) {
            k++;
        }
        if (k == KINDS) {
            return psi_keyword_refuse("--kind", chosen, known, KINDS, fault);
        }
        kind = (psi_data_kind)k;
    } else if (!psi_synthetic_is_named(name)) {
        PS_TRY(psi_data_kind_of(name, &kind, fault));
    }
    *row_out = &kind_rows[kind];
    return PS_OK;
}

/* data info FILE */
static ps_err inform(const tt_data_request *asked, ps_fault *fault) {
    if (asked->words->count != 2) {
        return ps_fault_set(fault, PS_EINVAL, "data info needs one FILE (or synthetic[:k=v,...])");
    }
    const kind_row *row;
    PS_TRY(kind_read(asked, asked->words->words[1], &row, fault));
    return row->inform(asked, asked->words->words[1], fault);
}

/* data convert FROM TO */
static ps_err convert(const tt_data_request *asked, ps_fault *fault) {
    const char *const to =
        asked->words->count > 2 ? asked->words->words[2] : tt_setting_text(asked->settings, "out");
    if (asked->words->count < 2 || asked->words->count > 3 || to == NULL) {
        return ps_fault_set(fault, PS_EINVAL, "data convert needs two files: FROM TO");
    }
    const kind_row *row;
    PS_TRY(kind_read(asked, asked->words->words[1], &row, fault));
    return row->convert(asked, asked->words->words[1], to, fault);
}

static ps_err perform(tt_data_request *asked, ps_fault *fault) {
    static const struct {
        const char *name;
        ps_err (*run)(const tt_data_request *asked, ps_fault *fault);
    } verbs[] = {
        {"gen", generate}, {"info", inform}, {"convert", convert}, {"match", tt_topics_match}};
    enum { VERBS = sizeof verbs / sizeof verbs[0] };
    static const ps_option format = {
        .name = "format", .kind = PS_OPTION_WORD, .words = "text|json|csv"};
    const char *const verb = asked->words->count == 0 ? "" : asked->words->words[0];
    const char *names[VERBS];
    asked->format = tt_setting_text(asked->settings, "format");
    PS_TRY(tt_option_check("--", &format, asked->format, fault));
    for (size_t i = 0; i < VERBS; i++) {
        names[i] = verbs[i].name;
        if (strcmp(verb, names[i]) == 0) {
            return verbs[i].run(asked, fault);
        }
    }
    const char *const nearest = psi_nearest(verb, names, VERBS);
    return ps_fault_set(fault, PS_EINVAL, "data: '%s' is not gen, info, convert or match%s%s%s",
                        verb, nearest == NULL ? "" : "; did you mean '",
                        nearest == NULL ? "" : nearest, nearest == NULL ? "" : "'?");
}

ps_err tt_command_data(const tt_call *call, ps_fault *fault) {
    tt_settings settings;
    tt_words words;
    PS_TRY(tt_settings_init_of(&settings, "data", data_options,
                               sizeof data_options / sizeof data_options[0]));
    uint64_t workers = 0;
    tt_data_request asked = {.settings = &settings, .words = &words};
    ps_err err = tt_settings_read_arguments(&settings, call->own_count, call->own, &words, fault);
    if (err == PS_OK && words.help_is_wanted) {
        (void)printf(
            "example: tortoise data gen users=2000,items=500,rank=5,noise=0.5 --out "
            "ratings.txt.gz\n"
            "usage: tortoise data gen [synthetic:k=v,...|lda[:k=v,...]] --out FILE | info FILE "
            "| convert FROM TO | match TRUE.npy RUN\n");
        tt_settings_print_help(&settings, false);
        goto done;
    }
    if (err == PS_OK) {
        err = tt_number_read_count("--seed", tt_setting_text(&settings, "seed"), 0, UINT64_MAX,
                                   &asked.seed, fault);
    }
    if (err == PS_OK) {
        err = tt_number_read_count("--workers", tt_setting_text(&settings, "workers"), 1, 1000000,
                                   &workers, fault);
    }
    if (err == PS_OK) {
        asked.workers = (uint32_t)workers;
        err = perform(&asked, fault);
    }
done:
    tt_settings_fini(&settings);
    return err;
}
