/* `tortoise calibrate`: what a unit of each algorithm's work costs here, and what the loopback can
 * do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sys/utsname.h>

#include "command.h"
#include "interrupt.h"
#include "loopback.h"
#include "numbers.h"
#include "one_run.h"
#include "outdir.h"
#include "run_files.h"
#include "settings.h"
#include "subject.h"
#include "version.h"

static const tt_option calibrate_options[] = {
    {.name = "out",
     .argument = "FILE",
     .default_value = "out/calibration.cfg",
     .help = "the calibration file"},
    {.name = "data",
     .argument = "FILE",
     .default_value = "synthetic",
     .help = "what the algorithms work on"},
    {.name = "time",
     .argument = "S",
     .default_value = "1",
     .help = "seconds to spend on each measurement"},
};
const tt_option_list tt_calibrate_option_list = {
    calibrate_options, sizeof calibrate_options / sizeof calibrate_options[0]};

enum { ROUNDS_MAX = 12, CLOCKS_FIRST = 2, CLOCKS_MAX = 100000 };

typedef struct cost {
    double unit_cost_s, compute_s, units;
} work_cost;

/* Runs the algorithm for real, one worker in this process, for `clocks` clocks. */
static ps_err run_once(const tt_call *call, const ps_algo *algo, const char *data, unsigned clocks,
                       work_cost *cost_out, ps_fault *fault) {
    tt_settings settings;
    char text[32];
    (void)snprintf(text, sizeof text, "%u", clocks);
    const struct {
        const char *name, *value;
    } given[] = {{"data", data},   {"clocks", text},  {"nodes", "1"},
                 {"workers", "1"}, {"policy", "bsp"}, {"eval-every", "0"}};
    PS_TRY(tt_settings_init(&settings, TT_RUN, algo));
    tt_run run = {.argument_count = call->argument_count, .arguments = call->arguments};
    ps_err err = PS_OK;
    for (size_t i = 0; i < sizeof given / sizeof given[0] && err == PS_OK; i++) {
        err = tt_settings_set(&settings, "--", given[i].name, given[i].value, TT_BY_COMMAND_LINE,
                              fault);
    }
    err = err != PS_OK ? err : tt_run_read(&run, &settings, fault);
    err = err != PS_OK ? err : tt_run_open(&run, fault);
    if (err == PS_OK) {
        const psi_observer nobody = {0};
        tt_run_perform(&run, tt_interrupt_watch(), &nobody);
        err = run.ended_with;
        if (err != PS_OK) {
            *fault = run.failure;
        }
    }
    if (err == PS_OK) {
        const tt_totals totals = tt_totals_of(&run.results);
        cost_out->compute_s = totals.compute_s;
        cost_out->units = algo->units_per_clock(run.problem) * clocks;
        cost_out->unit_cost_s = cost_out->units > 0 ? totals.compute_s / cost_out->units : 0;
    }
    tt_settings_fini(&settings);
    tt_run_fini(&run);
    return err;
}

/* More clocks until the measurement is long enough; the last one counts. */
static ps_err measure(const tt_call *call, const ps_algo *algo, const tt_settings *settings,
                      double budget_s, work_cost *cost_out, ps_fault *fault) {
    unsigned clocks = CLOCKS_FIRST;
    for (int round = 0; round < ROUNDS_MAX; round++) {
        PS_TRY(run_once(call, algo, tt_setting_text(settings, "data"), clocks, cost_out, fault));
        if (cost_out->compute_s >= budget_s / 2 || clocks >= CLOCKS_MAX) {
            break;
        }
        const double wanted = cost_out->compute_s > 0 ? budget_s / cost_out->compute_s : 10;
        clocks = (unsigned)((double)clocks * (wanted > 10 ? 10 : wanted < 2 ? 2 : wanted));
        clocks = clocks > CLOCKS_MAX ? CLOCKS_MAX : clocks;
    }
    return PS_OK;
}

static ps_err calibrate(const tt_call *call, const tt_settings *settings, ps_fault *fault) {
    double budget_s = 0;
    tt_loopback loopback;
    struct utsname system;
    char text[8192];
    char number[TT_NUMBER_TEXT_BYTES];
    PS_TRY(tt_number_read_real("--time", tt_setting_text(settings, "time"), 0.01, 3600, &budget_s,
                               fault));
    (void)uname(&system);
    size_t used = (size_t)snprintf(
        text, sizeof text,
        "# Made by 'tortoise calibrate' (%s). For 'tortoise sim --calibration FILE'.\n"
        "machine = \"%s %s\";\nunit_cost = {\n",
        TT_VERSION " " TT_GIT, system.nodename, system.machine);
    for (size_t i = 0; i < tt_subject_count() && used < sizeof text / 2; i++) {
        const ps_algo *const algo = tt_subject_at(i);
        work_cost cost = {0};
        if (algo->units_per_clock == NULL) {
            continue; /* its work cannot be counted */
        }
        PS_TRY(measure(call, algo, settings, budget_s, &cost, fault));
        (void)printf("%-10s %10s per unit of work (%s); reference %.4g ns\n", algo->name,
                     tt_number_time(cost.unit_cost_s, number), algo->unit, 1e9 * algo->unit_cost_s);
        used += (size_t)snprintf(text + used, sizeof text - used, "  %s = \"%.6gns\"; # per %s\n",
                                 algo->name, 1e9 * cost.unit_cost_s, algo->unit);
    }
    PS_TRY(tt_loopback_measure(budget_s, &loopback, fault));
    (void)printf("%-10s %10s from process to process, TCP on 127.0.0.1\n", "latency",
                 tt_number_time(loopback.latency_s, number));
    (void)printf("%-10s %10s one stream, TCP on 127.0.0.1\n", "bandwidth",
                 tt_number_scaled(8 * loopback.bandwidth_bytes_per_s, "bps", number));
    used +=
        (size_t)snprintf(text + used, sizeof text - used,
                         "};\nloopback = { latency = \"%.4gus\"; bandwidth = \"%.4gGbps\"; };\n",
                         1e6 * loopback.latency_s, 8e-9 * loopback.bandwidth_bytes_per_s);
    char above[TT_PATH_MAX];
    const char *const path = tt_setting_text(settings, "out");
    (void)snprintf(above, sizeof above, "%s", path);
    char *const slash = strrchr(above, '/');
    if (slash != NULL && slash != above) {
        *slash = '\0';
        PS_TRY(tt_directory_create(above, fault));
    }
    PS_TRY(tt_file_replace(path, text, used, fault));
    (void)printf("%-10s %s\n", "file", path);
    return PS_OK;
}

ps_err tt_command_calibrate(const tt_call *call, ps_fault *fault) {
    tt_settings settings;
    tt_words words;
    PS_TRY(tt_settings_init_of(&settings, "calibrate", calibrate_options,
                               sizeof calibrate_options / sizeof calibrate_options[0]));
    ps_err err = tt_settings_read_arguments(&settings, call->own_count, call->own, &words, fault);
    if (err == PS_OK && words.help_is_wanted) {
        (void)printf("example: tortoise calibrate --out out/here.cfg && tortoise sim mf "
                     "--calibration out/here.cfg\n");
        tt_settings_print_help(&settings, false);
    } else if (err == PS_OK && words.count > 0) {
        err = ps_fault_set(fault, PS_EINVAL, "unexpected argument '%s'", words.words[0]);
    } else if (err == PS_OK) {
        err = calibrate(call, &settings, fault);
    }
    tt_settings_fini(&settings);
    return err;
}
