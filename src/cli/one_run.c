#include "one_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include "manifest.h"
#include "run_files.h"
#include "runtime/runtime.h"

static void perform_real(tt_run *run) {
    uint32_t process = 0;
    psi_runtime_stats stats = {0};
    run->runtime.stats = &stats;
    if (run->rank.placement.is_ranked) {
        run->ended_with = psi_runtime_run_rank(&run->plan, &run->runtime, &run->rank.options,
                                               &run->results, &run->failure);
        run->rank.must_speak = stats.is_unreported;
    } else {
        run->ended_with = psi_runtime_run_local(&run->plan, &run->runtime, &run->results, &process,
                                                &run->failure);
    }
    run->runtime.stats = NULL;
    if (process > 0) {
        /* A child has nothing to say; process 0 names whatever happened. */
        _exit(ps_err_exit_code(run->ended_with));
    }
    run->workers_abandoned = stats.workers_abandoned;
}

void tt_run_perform(tt_run *run, const volatile int *interrupted, const psi_observer *observer) {
    run->plan.interrupted = interrupted;
    run->plan.observer = *observer;
    run->failure = (ps_fault){0};
    (void)clock_gettime(CLOCK_REALTIME, &run->start);
    if (run->settings.world == TT_SIM) {
        run->ended_with = psi_sim_run(&run->plan, run->sim, &run->results, &run->failure);
    } else {
        perform_real(run);
    }
    (void)clock_gettime(CLOCK_REALTIME, &run->end);
    if (run->ended_with != PS_OK && run->failure.text[0] == '\0') {
        (void)ps_fault_set(&run->failure, run->ended_with, "%s", ps_err_text(run->ended_with));
    }
}

bool tt_run_has_results(const tt_run *run) {
    return run->results.metrics_count > 0;
}

static ps_err write_files(tt_run *run, ps_fault *fault) {
    char metrics[TT_PATH_MAX];
    PS_TRY(tt_run_files_write(run->out.staging, &run->plan, &run->results, &run->extras, fault));
    if (!tt_path_join(metrics, run->out.staging, "metrics.csv")) {
        return ps_fault_set(fault, PS_EINVAL, "%s: the path is too long", run->out.path);
    }
    PS_TRY(tt_digest_file(metrics, run->metrics_sha256, fault));
    return tt_manifest_write(run, run->out.staging, fault);
}

ps_err tt_run_record(tt_run *run, ps_fault *fault) {
    if (run->results.model_is_complete &&
        !tt_digest_model(&run->plan, &run->results, run->model_sha256)) {
        return ps_fault_set(fault, PS_ENOMEM, "the digest of the model cannot be computed");
    }
    PS_TRY(tt_outdir_stage(&run->out, fault));
    const ps_err err = write_files(run, fault);
    if (err != PS_OK) {
        tt_outdir_discard(&run->out);
        return err;
    }
    return tt_outdir_commit(&run->out, fault);
}

double tt_run_wall_s(const tt_run *run) {
    return (double)(run->end.tv_sec - run->start.tv_sec) +
           1e-9 * (double)(run->end.tv_nsec - run->start.tv_nsec);
}
