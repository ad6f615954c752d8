/* `tortoise sim` and `tortoise run`. */
#include <stdio.h>
#include <string.h>

#include <unistd.h>

#include "base/nearest.h"
#include "command.h"
#include "interrupt.h"
#include "lifeline.h"
#include "one_run.h"
#include "progress.h"
#include "run_summary.h"
#include "subject.h"
#include "trace_file.h"

/* Finds the place of the files. Nothing is created. */
static ps_err choose_directory(tt_run *run, ps_fault *fault) {
    const char *const wanted = tt_setting_text(&run->settings, "out");
    const bool may_replace = tt_setting_flag(&run->settings, "force");
    char path[TT_PATH_MAX];
    if (wanted != NULL) {
        return tt_outdir_open(&run->out, wanted, may_replace, fault);
    }
    char own[TT_PATH_MAX];
    tt_run_default_directory(run, own);
    if (may_replace) {
        (void)strcpy(path, own);
    } else {
        tt_outdir_choose(own, path);
    }
    PS_TRY(tt_settings_set(&run->settings, "--", "out", path, TT_BY_DEFAULT, fault));
    return tt_outdir_open(&run->out, path, may_replace, fault);
}

static void describe(const tt_run *run) {
    char text[8192];
    if (run->plan.algo->describe != NULL) {
        (void)run->plan.algo->describe(run->problem, text, sizeof text);
        (void)fprintf(stderr, "%s\n", text);
    }
    if (run->sim != NULL) {
        (void)psi_sim_describe(run->sim, &run->plan, text, sizeof text);
        const size_t length = strlen(text);
        (void)fprintf(stderr, "%s%s", text, length > 0 && text[length - 1] == '\n' ? "" : "\n");
    }
}

static void describe_ranks(const tt_run *run) {
    if (!tt_setting_flag(&run->settings, "quiet")) {
        (void)fprintf(stderr, "tortoise: %s\n", run->rank.placement.line);
    }
    if (tt_setting_flag(&run->settings, "insecure")) {
        (void)fprintf(stderr, "tortoise: warning: %s\n", tt_rank_warning);
    }
}

/* A rank above 0 computes, and leaves all talking and writing to rank 0. */
static ps_err perform_silently(tt_run *run, ps_fault *fault) {
    PS_TRY(tt_run_identify(run, fault));
    PS_TRY(tt_run_open(run, fault));
    PS_TRY(tt_rank_prepare(run, fault));
    tt_run_perform(run, tt_interrupt_watch(), &(psi_observer){0});
    *fault = run->failure;
    return run->ended_with;
}

/* The trace is written of a run that failed, too: it may show why. */
static ps_err write_trace(const tt_run *run, ps_fault *fault) {
    const char *const path = tt_setting_text(&run->settings, "trace");
    if (path == NULL) {
        return PS_OK;
    }
    PS_TRY(tt_trace_write(path, &run->plan, &run->results, fault));
    if (run->results.spans_dropped > 0) {
        (void)fprintf(stderr,
                      "tortoise: %s lacks the oldest %llu events; '--trace-events N' keeps more\n",
                      path, (unsigned long long)run->results.spans_dropped);
    }
    return PS_OK;
}

static ps_err perform(tt_run *run, ps_fault *fault) {
    if (!tt_rank_is_first(&run->rank)) {
        return perform_silently(run, fault);
    }
    PS_TRY(choose_directory(run, fault));
    if (tt_setting_text(&run->settings, "trace") != NULL) {
        PS_TRY(tt_trace_check(tt_setting_text(&run->settings, "trace"), fault));
    }
    PS_TRY(tt_run_identify(run, fault));
    PS_TRY(tt_run_open(run, fault));
    const bool is_quiet = tt_setting_flag(&run->settings, "quiet");
    if (!is_quiet) {
        describe(run);
    }
    if (run->rank.placement.is_ranked) {
        describe_ranks(run);
        PS_TRY(tt_rank_prepare(run, fault));
    }
    tt_progress progress;
    tt_progress_begin(&progress, run, is_quiet);
    const psi_observer observer = tt_progress_observer(&progress);
    tt_run_perform(run, tt_interrupt_watch(), &observer);
    tt_progress_end(&progress);
    ps_fault untraced = {0};
    const ps_err traced = write_trace(run, &untraced);
    const bool is_good = run->ended_with == PS_OK;
    if (!is_good) {
        *fault = run->failure;
    }
    if (!is_good && !tt_run_has_results(run)) {
        return run->ended_with;
    }
    ps_fault trouble = {0};
    const ps_err recorded = tt_run_record(run, &trouble);
    if (recorded != PS_OK && is_good) {
        *fault = trouble;
        return recorded;
    }
    tt_run_summary_print(run, recorded == PS_OK);
    if (run->results.was_interrupted) {
        (void)fprintf(stderr, "tortoise: interrupted; what was measured so far is in %s\n",
                      run->out.path);
    }
    if (is_good && traced != PS_OK) {
        *fault = untraced;
        return traced;
    }
    return run->ended_with;
}

static void print_help(const tt_settings *settings) {
    const char *const command = settings->command;
    const bool is_sim = settings->world == TT_SIM;
    const char *const algo =
        settings->algo == NULL ? tt_subject_first()->name : settings->algo->name;
    if (is_sim) {
        (void)printf(
            "example: %s sim %s --policy ssp:3 --nodes 32 --straggler lognormal:sigma=0.5\n",
            tt_program_name(), algo);
    } else {
        (void)printf("example: %s run %s --policy bsp --nodes 4 --workers 4 --out out/first\n",
                     tt_program_name(), algo);
    }
    if (settings->algo != NULL) {
        (void)printf("%s: %s\n", algo, settings->algo->summary);
        (void)printf("its options (those of every algorithm: '%s help %s'):\n", tt_program_name(),
                     command);
        tt_settings_print_help(settings, true);
        return;
    }
    (void)printf("usage: %s %s ALGO [options]; '%s ALGO --help' has the algorithm's; algorithms: ",
                 tt_program_name(), command, command);
    tt_subject_print_names();
    (void)printf("\n");
    tt_settings_print_help(settings, false);
}

/* Ends the program without going back through main(): threads may still use what it would free, or
 * all has been said by rank 0. */
static _Noreturn void leave_at_once(ps_err err, const ps_fault *fault) {
    if (fault != NULL) {
        (void)fprintf(stderr, "tortoise: %s\n", fault->text);
    }
    (void)fflush(NULL);
    _exit(ps_err_exit_code(err));
}

static ps_err train(const tt_call *call, tt_world world, ps_fault *fault) {
    const ps_algo *algo = NULL;
    tt_settings settings;
    tt_words words;
    PS_TRY(tt_subject_find(call->own_count, call->own, &algo, fault));
    PS_TRY(tt_settings_init(&settings, world, algo));
    tt_run run = {.argument_count = call->argument_count, .arguments = call->arguments};
    ps_err err = tt_settings_read_arguments(&settings, call->own_count, call->own, &words, fault);
    if (err == PS_OK && words.help_is_wanted) {
        print_help(&settings);
        goto done;
    }
    if (err == PS_OK && algo == NULL) {
        err = ps_fault_set(
            fault, PS_EINVAL, "no algorithm; write '%s %s ALGO', for example '%s %s'",
            tt_program_name(), settings.command, settings.command, tt_subject_first()->name);
    }
    if (err == PS_OK && words.count > 1) {
        err =
            ps_fault_set(fault, PS_EINVAL, "unexpected argument '%s'",
                         strcmp(words.words[0], algo->name) == 0 ? words.words[1] : words.words[0]);
    }
    if (err == PS_OK && tt_setting_text(&settings, "config") != NULL) {
        char path[TT_PATH_MAX];
        (void)snprintf(path, sizeof path, "%s", tt_setting_text(&settings, "config"));
        err = tt_settings_read_file(&settings, path, fault);
    }
    if (err == PS_OK) {
        err = tt_rank_find(&run.rank, &settings, fault);
    }
    if (err == PS_OK && run.rank.placement.is_ranked) {
        err = tt_lifeline_hold(fault);
    }
    if (err == PS_OK) {
        err = tt_run_read(&run, &settings, fault);
    }
    if (err == PS_OK) {
        err = perform(&run, fault);
    }
    const bool is_silent = err == PS_OK || !run.rank.must_speak;
    if (err != PS_OK) {
        tt_rank_sign(&run.rank, fault);
    }
    if (run.workers_abandoned || (is_silent && !tt_rank_is_first(&run.rank))) {
        leave_at_once(err, is_silent && !tt_rank_is_first(&run.rank) ? NULL : fault);
    }
done:
    tt_settings_fini(&settings);
    tt_run_fini(&run);
    return err;
}

ps_err tt_command_sim(const tt_call *call, ps_fault *fault) {
    return train(call, TT_SIM, fault);
}

ps_err tt_command_run(const tt_call *call, ps_fault *fault) {
    return train(call, TT_RUN, fault);
}
