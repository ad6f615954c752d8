/* `tortoise bench mf`: ratings per second of one worker in one process, through the whole parameter
 * server, beside the same steps in one plain loop. Both run the same kernel over the same data in
 * the same order of batches; what differs is the server, the cache and the clocks between them. */
#include "bench.h"

#include <stdio.h>

#include "bench_mf_run.h"

/* Users, items and ratings of the size at which rival programs were measured (docs/benchmarks.md).
 */
static const char default_data[] =
    "synthetic:users=50000,items=10000,rank=16,ratings=4750000,noise=0.5";
static const char quick_data[] = "synthetic:users=5000,items=1000,rank=16,ratings=475000,noise=0.5";

enum { PASSES = 3, REPETITIONS = 5 };

/* Measures both by turns, so that a busy machine is unfair to neither, and prints the best of each.
 */
static ps_err problem_measure(const psi_mf_problem *problem, bool is_quick, ps_fault *fault) {
    const tt_mf_run run = {
        .problem = problem, .process_count = 1, .passes = PASSES, .policy = "bsp"};
    double serial_best = 0, worker_best = 0;
    for (int i = 0; i < (is_quick ? 1 : REPETITIONS); i++) {
        double serial = 0, worker = 0;
        PS_TRY(tt_mf_serial_measure(problem, PASSES, &serial, fault));
        PS_TRY(tt_mf_run_measure(&run, &worker, fault));
        serial_best = serial > serial_best ? serial : serial_best;
        worker_best = worker > worker_best ? worker : worker_best;
    }
    char what[64];
    (void)snprintf(what, sizeof what, "serial loop, rank %u", problem->shape.rank);
    tt_bench_print(
        &(tt_bench_line){.bench = "mf", .what = what, .value = serial_best, .unit = "ratings/s"});
    (void)snprintf(what, sizeof what, "one worker, rank %u", problem->shape.rank);
    tt_bench_print(&(tt_bench_line){.bench = "mf",
                                    .what = what,
                                    .value = worker_best,
                                    .unit = "ratings/s",
                                    .limit = serial_best,
                                    .ratio_asked = 0.7,
                                    .limit_name = "serial loop"});
    return PS_OK;
}

static ps_err mf_run(const tt_bench_options *options, ps_fault *fault) {
    static const char *const ranks[] = {"16", "32", "64"};
    const char *data = options->data;
    if (data == NULL) {
        data = options->is_quick ? quick_data : default_data;
    }
    for (size_t r = 0; r < sizeof ranks / sizeof ranks[0]; r++) {
        psi_mf_problem *problem = NULL;
        PS_TRY(tt_mf_open(data, ranks[r], 1, &problem, fault));
        const ps_err err = problem_measure(problem, options->is_quick, fault);
        if (err != PS_OK) { /* a worker may still use the problem; the program ends now anyway */
            return err;
        }
        psi_mf_problem_close(problem);
    }
    return PS_OK;
}

const tt_bench tt_bench_mf = {
    .name = "mf",
    .summary = "matrix factorisation: one worker beside a plain loop of the same steps",
    .run = mf_run,
};
