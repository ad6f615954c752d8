/* `tortoise bench [NAME]`. */
#include "bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <unistd.h>

#include "base/nearest.h"
#include "base/units.h"
#include "command.h"
#include "numbers.h"
#include "settings.h"

const tt_bench *const tt_benches[] = {
    &tt_bench_core,      &tt_bench_lda,     &tt_bench_lr,   &tt_bench_mf, &tt_bench_sim,
    &tt_bench_transport, &tt_bench_workers, &tt_bench_soak, NULL,
};

static const tt_option bench_options[] = {
    {.name = "quick", .help = "a tenth of the usual time"},
    {.name = "jobs",
     .argument = "J",
     .default_value = "0",
     .help = "OS threads that may be used; 0: all cores"},
    {.name = "duration",
     .argument = "TIME",
     .default_value = "0",
     .help = "of the soak; 0: ten minutes, or ten seconds with --quick"},
    {.name = "data", .argument = "FILE", .help = "input of the benchmarks that read data"},
    {.name = "format",
     .argument = "text|json|csv",
     .default_value = "text",
     .help = "how it is printed; json: an object per line"},
};
const tt_option_list tt_bench_option_list = {bench_options,
                                             sizeof bench_options / sizeof bench_options[0]};

/* How tt_bench_print() prints; set once by the command, before anything is measured. */
static enum { AS_TEXT, AS_JSON, AS_CSV } output_format;

double tt_bench_now_s(void) {
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + 1e-9 * (double)at.tv_nsec;
}

double tt_bench_cpu_s(void) {
    struct timespec at;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (double)at.tv_sec + 1e-9 * (double)at.tv_nsec;
}

void tt_bench_remark(const char *format, ...) {
    if (output_format == AS_TEXT) {
        va_list arguments;
        va_start(arguments, format);
        (void)vprintf(format, arguments);
        va_end(arguments);
        (void)putchar('\n');
        (void)fflush(stdout);
    }
}

static int compare(const void *left, const void *right) {
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return (a > b) - (a < b);
}

double tt_bench_quantile(double *samples, size_t count, double share) {
    PS_ASSERT(count > 0);
    qsort(samples, count, sizeof *samples, compare);
    const size_t index = (size_t)(share * (double)count);
    return samples[index < count ? index : count - 1];
}

/* What a line is compared with, and what came of it. 0: absent. */
typedef struct comparison {
    const char *name;
    double other, ratio, asked;
    const char *verdict; /* "OK", "below", or "" if nothing was asked */
} comparison;

enum { BESIDE_LIMIT, BESIDE_ASKED, BESIDE_RIVAL, COMPARISONS };

static const char *verdict_of(double figure, double asked, bool is_cost) {
    if (asked <= 0) {
        return "";
    }
    return (is_cost ? figure <= asked : figure >= asked) ? "OK" : "below";
}

static void compare_all(const tt_bench_line *line, comparison to[static COMPARISONS]) {
    const tt_bench_rival *const rival = &line->rival;
    memset(to, 0, COMPARISONS * sizeof *to);
    if (line->limit > 0) {
        to[BESIDE_LIMIT].name = line->limit_name;
        to[BESIDE_LIMIT].other = line->limit;
        to[BESIDE_LIMIT].ratio = line->value / line->limit;
        to[BESIDE_LIMIT].asked = line->ratio_asked;
    }
    to[BESIDE_ASKED].asked = line->asked > 0 ? line->asked : 0;
    if (rival->value > 0 && line->value > 0) {
        to[BESIDE_RIVAL].name = rival->name;
        to[BESIDE_RIVAL].other = rival->value;
        to[BESIDE_RIVAL].ratio =
            line->is_cost ? rival->value / line->value : line->value / rival->value;
        to[BESIDE_RIVAL].asked = rival->factor_asked;
    }
    to[BESIDE_LIMIT].verdict =
        verdict_of(to[BESIDE_LIMIT].ratio, to[BESIDE_LIMIT].asked, line->is_cost);
    to[BESIDE_ASKED].verdict = verdict_of(line->value, to[BESIDE_ASKED].asked, line->is_cost);
    to[BESIDE_RIVAL].verdict = verdict_of(to[BESIDE_RIVAL].ratio, to[BESIDE_RIVAL].asked, false);
}

static const char *in_unit(double value, const char *unit, char text[static TT_NUMBER_TEXT_BYTES]) {
    if (strcmp(unit, "s") == 0) {
        return tt_number_time(value, text);
    }
    return strcmp(unit, "B") == 0 ? tt_number_bytes(value, text)
                                  : tt_number_scaled(value, unit, text);
}

static void print_text(const tt_bench_line *line, const comparison to[static COMPARISONS]) {
    char text[TT_NUMBER_TEXT_BYTES];
    const char *const relation = line->is_cost ? "<=" : ">=";
    (void)printf("%-10s %-40s %14s", line->bench, line->what,
                 in_unit(line->value, line->unit, text));
    if (to[BESIDE_ASKED].asked > 0) {
        (void)printf("  asked %s %s: %s", relation, in_unit(line->asked, line->unit, text),
                     to[BESIDE_ASKED].verdict);
    }
    for (int i = 0; i < COMPARISONS; i++) {
        if (to[i].name == NULL) {
            continue;
        }
        (void)printf("  %6.3g x %s (%s)", to[i].ratio, to[i].name,
                     in_unit(to[i].other, line->unit, text));
        if (to[i].asked > 0) {
            (void)printf(", asked %s %.3g: %s", i == BESIDE_RIVAL ? ">=" : relation, to[i].asked,
                         to[i].verdict);
        }
    }
}

static void print_json(const tt_bench_line *line, const comparison to[static COMPARISONS]) {
    static const char *const keys[COMPARISONS] = {"limit", "asked", "rival"};
    (void)printf("{\"bench\": \"%s\", \"what\": \"%s\", \"value\": %.9g, \"unit\": \"%s\"",
                 line->bench, line->what, line->value, line->unit);
    if (to[BESIDE_ASKED].asked > 0) {
        (void)printf(", \"asked\": %.9g, \"asked_verdict\": \"%s\"", line->asked,
                     to[BESIDE_ASKED].verdict);
    }
    for (int i = 0; i < COMPARISONS; i++) {
        if (to[i].name == NULL) {
            continue;
        }
        (void)printf(", \"%s\": %.9g, \"%s_name\": \"%s\", \"%s\": %.6g", keys[i], to[i].other,
                     keys[i], to[i].name, i == BESIDE_RIVAL ? "rival_factor" : "ratio",
                     to[i].ratio);
        if (to[i].asked > 0) {
            (void)printf(", \"%s_asked\": %.6g, \"%s_verdict\": \"%s\"",
                         i == BESIDE_RIVAL ? "rival_factor" : "ratio", to[i].asked, keys[i],
                         to[i].verdict);
        }
    }
    (void)putchar('}');
}

static const char csv_header[] = "bench,what,value,unit,asked,asked_verdict,limit,limit_name,ratio,"
                                 "ratio_asked,limit_verdict,rival,rival_name,rival_factor,"
                                 "rival_factor_asked,rival_verdict\n";

/* An absent figure is an empty field. */
static void csv_number(double value) {
    if (value > 0) {
        (void)printf(",%.9g", value);
    } else {
        (void)putchar(',');
    }
}

static void print_csv(const tt_bench_line *line, const comparison to[static COMPARISONS]) {
    (void)printf("%s,\"%s\",%.9g,%s", line->bench, line->what, line->value, line->unit);
    csv_number(to[BESIDE_ASKED].asked);
    (void)printf(",%s", to[BESIDE_ASKED].verdict);
    for (int i = BESIDE_LIMIT; i <= BESIDE_RIVAL; i += BESIDE_RIVAL - BESIDE_LIMIT) {
        csv_number(to[i].other);
        if (to[i].name != NULL) {
            (void)printf(",\"%s\"", to[i].name);
        } else {
            (void)putchar(',');
        }
        csv_number(to[i].ratio);
        csv_number(to[i].asked);
        (void)printf(",%s", to[i].verdict);
    }
}

void tt_bench_print(const tt_bench_line *line) {
    comparison to[COMPARISONS];
    compare_all(line, to);
    switch (output_format) {
    case AS_TEXT:
        print_text(line, to);
        break;
    case AS_JSON:
        print_json(line, to);
        break;
    case AS_CSV:
        print_csv(line, to);
        break;
    }
    (void)putchar('\n');
    (void)fflush(stdout);
}

static ps_err read_options(const tt_settings *settings, tt_bench_options *options,
                           ps_fault *fault) {
    static const ps_option format = {
        .name = "format", .kind = PS_OPTION_WORD, .words = "text|json|csv"};
    uint64_t jobs = 0;
    const char *const chosen = tt_setting_text(settings, "format");
    PS_TRY(tt_option_check("--", &format, chosen, fault));
    PS_TRY(
        tt_number_read_count("--jobs", tt_setting_text(settings, "jobs"), 0, 1024, &jobs, fault));
    if (jobs == 0) {
        const long cores = sysconf(_SC_NPROCESSORS_ONLN);
        jobs = cores > 0 ? (uint64_t)cores : 1;
    }
    output_format = strcmp(chosen, "json") == 0  ? AS_JSON
                    : strcmp(chosen, "csv") == 0 ? AS_CSV
                                                 : AS_TEXT;
    PS_TRY(psi_parse_seconds(tt_setting_text(settings, "duration"), "--duration",
                             &options->duration_s, fault));
    options->is_quick = tt_setting_flag(settings, "quick");
    options->jobs = (uint32_t)jobs;
    options->data = tt_setting_text(settings, "data");
    return PS_OK;
}

static ps_err run_benches(const char *wanted, const tt_bench_options *options, ps_fault *fault) {
    const char *names[32];
    size_t count = 0;
    bool has_run = false;
    if (output_format == AS_CSV) {
        (void)fputs(csv_header, stdout);
    }
    for (const tt_bench *const *bench = tt_benches; *bench != NULL; bench++) {
        names[count++] = (*bench)->name;
        const bool is_wanted =
            wanted == NULL ? !(*bench)->is_by_name : strcmp(wanted, (*bench)->name) == 0;
        if (is_wanted) {
            PS_TRY((*bench)->run(options, fault));
            has_run = true;
        }
    }
    if (has_run) {
        return PS_OK;
    }
    const char *const nearest = psi_nearest(wanted, names, count);
    return ps_fault_set(fault, PS_EINVAL, "unknown benchmark '%s'; did you mean '%s'?", wanted,
                        nearest == NULL ? names[0] : nearest);
}

static void print_help(const tt_settings *settings) {
    (void)printf("example: tortoise bench core --quick\nusage: tortoise bench [NAME] [options]; "
                 "the benchmarks:\n");
    for (const tt_bench *const *bench = tt_benches; *bench != NULL; bench++) {
        (void)printf("  %-22s %s\n", (*bench)->name, (*bench)->summary);
    }
    tt_settings_print_help(settings, false);
}

ps_err tt_command_bench(const tt_call *call, ps_fault *fault) {
    tt_settings settings;
    tt_words words;
    tt_bench_options options = {.program = call->arguments[0]};
    PS_TRY(tt_settings_init_of(&settings, "bench", bench_options,
                               sizeof bench_options / sizeof bench_options[0]));
    ps_err err = tt_settings_read_arguments(&settings, call->own_count, call->own, &words, fault);
    if (err == PS_OK && words.help_is_wanted) {
        print_help(&settings);
    } else if (err == PS_OK && words.count > 1) {
        err = ps_fault_set(fault, PS_EINVAL, "unexpected argument '%s'", words.words[1]);
    } else if (err == PS_OK) {
        err = read_options(&settings, &options, fault);
        err = err != PS_OK ? err
                           : run_benches(words.count == 0 ? NULL : words.words[0], &options, fault);
    }
    tt_settings_fini(&settings);
    return err;
}
