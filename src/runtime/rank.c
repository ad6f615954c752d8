/* One rank of a run that something else starts: it meets the others, then it is a process like any
 * other. */
#define _GNU_SOURCE /* clock_gettime */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/resource.h>

#include "runtime/meeting.h"
#include "runtime/process.h"

enum { SPARE_FILES = 128 }; /* beside a connection to every other rank */

/* Every rank has a connection to every other one. */
static ps_err reserve_files(uint32_t size, ps_fault *fault) {
    struct rlimit limit;
    const rlim_t wanted = (rlim_t)size + SPARE_FILES;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) {
        return PS_OK;
    }
    if (limit.rlim_max < wanted) {
        return ps_fault_set(fault, PS_EIO,
                            "%u ranks need %llu open files each, but only %llu are allowed; raise "
                            "the limit ('ulimit -Hn', or LimitNOFILE of the service)",
                            size, (unsigned long long)wanted, (unsigned long long)limit.rlim_max);
    }
    limit.rlim_cur = wanted;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0
               ? PS_OK
               : ps_fault_set(fault, PS_EIO, "cannot raise the number of open files to %llu: %s",
                              (unsigned long long)wanted, strerror(errno));
}

static ps_err check(const psi_plan *plan, const psi_rank_options *rank, ps_fault *fault) {
    PS_TRY(psi_plan_check(plan, fault));
    if (plan->process_count != plan->node_count) {
        return ps_fault_set(fault, PS_EINVAL,
                            "%u nodes in %u processes: a real run has one process per node",
                            plan->node_count, plan->process_count);
    }
    if (plan->node_count > PSI_RUNTIME_RANKS_MAX) {
        return ps_fault_set(fault, PS_EINVAL,
                            "%u ranks are too many (each has a connection to every other); run at "
                            "most %d, or simulate them",
                            plan->node_count, PSI_RUNTIME_RANKS_MAX);
    }
    if (rank->rank >= plan->node_count) {
        return ps_fault_set(fault, PS_EINVAL,
                            "rank %u of %u: ranks go from 0 to %u; give every rank a number of its "
                            "own",
                            rank->rank, plan->node_count, plan->node_count - 1);
    }
    return PS_OK;
}

/* Runs the process that the meeting found the others for. The listener goes over to it. */
static ps_err run_among_all(psi_meeting *meeting, psi_process_setup *setup, psi_results *results,
                            ps_fault *fault) {
    const char **const names = calloc(meeting->size, sizeof *names);
    if (names == NULL) {
        return ps_fault_set(fault, PS_ENOMEM, "no memory for %u ranks", meeting->size);
    }
    for (uint32_t i = 0; i < meeting->size; i++) {
        names[i] = meeting->names[i];
    }
    setup->addresses = meeting->addresses;
    setup->places = names;
    setup->listener = meeting->listener;
    meeting->listener = -1;
    memcpy(setup->job_id, meeting->job_id, sizeof setup->job_id);
    const ps_err err = psi_process_run(setup, results, fault);
    free(names);
    return err;
}

ps_err psi_runtime_run_rank(const psi_plan *plan, const psi_runtime_options *options,
                            const psi_rank_options *rank, psi_results *results, ps_fault *fault) {
    psi_process_setup setup = {.plan = plan,
                               .options = psi_runtime_options_complete(options),
                               .id = rank->rank,
                               .listener = -1};
    psi_runtime_stats stats = {0};
    PS_TRY(check(plan, rank, fault));
    if (setup.options.stats == NULL) {
        setup.options.stats = &stats;
    }
    *setup.options.stats = (psi_runtime_stats){.is_unreported = true};
    if (plan->node_count == 1) {
        setup.epoch_s = psi_meeting_now_s();
        return psi_process_run(&setup, results, fault);
    }
    PS_TRY(reserve_files(plan->node_count, fault));
    psi_meeting meeting;
    ps_err err = psi_meeting_open(&meeting, plan, rank, setup.options.start_timeout_s, fault);
    if (err == PS_OK) {
        err = rank->rank == 0 ? psi_meeting_host(&meeting, fault)
                              : psi_meeting_attend(&meeting, fault);
    }
    if (err == PS_OK) {
        setup.epoch_s = psi_meeting_now_s(); /* all ranks come here at nearly the same time */
        err = run_among_all(&meeting, &setup, results, fault);
    }
    /* An abandoned worker may still name a peer. */
    if (!setup.options.stats->workers_abandoned) {
        psi_meeting_close(&meeting);
    }
    return err;
}
