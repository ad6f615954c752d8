/* `tortoise bench [NAME]`. */
#include "bench.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <unistd.h>

#include "base/nearest.h"
#include "command.h"
#include "numbers.h"
#include "settings.h"

const tt_bench *const tt_benches[] = {
    &tt_bench_core, &tt_bench_mf, &tt_bench_sim, &tt_bench_transport, NULL,
};

static const tt_option bench_options[] = {
    {.name = "quick", .help = "a tenth of the usual time"},
    {.name = "jobs",
     .argument = "J",
     .default_value = "0",
     .help = "OS threads that may be used; 0: all cores"},
    {.name = "data", .argument = "FILE", .help = "input of the benchmarks that read data"},
    {.name = "format",
     .argument = "F",
     .default_value = "text",
     .help = "text, json (an object per line) or csv"},
};
const tt_option_list tt_bench_option_list = {
    bench_options, sizeof bench_options / sizeof bench_options[0]};

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

void tt_bench_print(const tt_bench_line *line) {
    const bool has_limit = line->limit > 0;
    const double ratio = has_limit ? line->value / line->limit : 0;
    const char *const limit_name = has_limit ? line->limit_name : "";
    char value[TT_NUMBER_TEXT_BYTES];
    char limit[TT_NUMBER_TEXT_BYTES];
    switch (output_format) {
    case AS_TEXT:
        (void)printf("%-10s %-34s %14s", line->bench, line->what,
                     tt_number_scaled(line->value, line->unit, value));
        if (has_limit) {
            (void)printf("  %6.3g x %s (%s)", ratio, limit_name,
                         tt_number_scaled(line->limit, line->unit, limit));
        }
        break;
    case AS_JSON:
        (void)printf("{\"bench\": \"%s\", \"what\": \"%s\", \"value\": %.9g, \"unit\": \"%s\"",
                     line->bench, line->what, line->value, line->unit);
        if (has_limit) {
            (void)printf(", \"limit\": %.9g, \"limit_name\": \"%s\", \"ratio\": %.6g", line->limit,
                         limit_name, ratio);
        }
        (void)putchar('}');
        break;
    case AS_CSV:
        (void)printf("%s,%s,%.9g,%s,", line->bench, line->what, line->value, line->unit);
        if (has_limit) {
            (void)printf("%.9g,%s,%.6g", line->limit, limit_name, ratio);
        } else {
            (void)printf(",,");
        }
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
        (void)printf("bench,what,value,unit,limit,limit_name,ratio\n");
    }
    for (const tt_bench *const *bench = tt_benches; *bench != NULL; bench++) {
        names[count++] = (*bench)->name;
        if (wanted == NULL || strcmp(wanted, (*bench)->name) == 0) {
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
